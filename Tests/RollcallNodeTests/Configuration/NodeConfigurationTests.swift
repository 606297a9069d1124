// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import HiredisClient
import Logging
import RollcallAuth
import Testing
import UserRegistryCore

@testable import RollcallNode

@Suite struct NodeConfigurationTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func load(
        _ arguments: [String] = [], _ environment: [String: String] = [:],
        for purpose: NodeConfiguration.Purpose = .node
    ) throws -> NodeConfiguration {
        let settings = try ResolvedSettings(
            arguments: ["--jwt-secret=0123456789abcdef0123456789abcdef"] + arguments, environment: environment,
            directory: self.directory.path)
        return try NodeConfiguration(settings, for: purpose)
    }

    private func problems(_ arguments: [String], _ environment: [String: String] = [:]) -> [String] {
        let error = #expect(throws: ConfigurationError.self) { try self.load(arguments, environment) }
        return error?.problems ?? []
    }

    @Test func defaults() throws {
        let configuration = try self.load()
        #expect(configuration.listener.host == "127.0.0.1" && configuration.listener.port == 3000)
        #expect(configuration.listener.path == "/socket.io" && configuration.listener.tls == nil)
        #expect(configuration.listener.eventLoops >= 1 && configuration.listener.corsOrigins == [])
        #expect(configuration.redis == nil)
        #expect(configuration.registry.timing == RegistryTiming(lease: .seconds(12)))
        #expect(configuration.registry.partitions == 16 && configuration.registry.duplicates == .probe)
        #expect(configuration.registry.duplicateMessage == "User is already connected.")
        #expect(configuration.authentication.jwt.leeway == .seconds(5))
        #expect(
            configuration.authentication.tokenExpiry == .disconnect && configuration.authentication.grants == Grants())
        #expect(configuration.admin == .init(host: "127.0.0.1", port: 3100, token: nil, metricsPublic: false))
        #expect(configuration.drain == .init(delay: .seconds(2), duration: .seconds(15)))
        #expect(configuration.log == .init(level: .info, format: .auto))
        #expect(configuration.limits.pingInterval == .seconds(25) && configuration.limits.pingTimeout == .seconds(20))
        #expect(configuration.limits.maxPayload == 1_000_000 && configuration.limits.connectTimeout == .seconds(45))
        #expect(configuration.limits.maxQueuedBytes == 1 << 20)
        #expect(configuration.limits.connectRate == 200 && configuration.limits.eventRate == 1000)
        #expect(configuration.warnings == [])
    }

    @Test func everythingSet() throws {
        let configuration = try self.load([
            "--host", "[::1]", "--port", "0", "--path", "/io/", "--event-loops", "3", "--node-id", "n-1.a",
            "--sid-prefix", "ab",
            "--redis-url", "redis://u:p@h:1/2", "--redis-prefix", "r", "--redis-channel-prefix", "c", "--duplicates",
            "replace",
            "--duplicate-message", "이미 연결된 유저입니다.", "--lease-ms", "2400", "--registry-partitions", "1",
            "--cors-origin", "https://A.example:8443", "--auth-cookie", "session", "--token-expiry", "ignore",
            "--grant", "join:chat.*", "--grant", "broadcast", "--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "::1",
            "--max-connections", "0", "--max-queued-bytes", "0", "--connect-rate", "0", "--event-rate", "0",
            "--admin-host", "0.0.0.0", "--admin-token", "t", "--metrics-public", "--drain-delay", "0s",
            "--log-level", "debug", "--log-format", "json", "--jwt-issuer", "i", "--jwt-audience", "a", "--jwt-leeway",
            "0s",
        ])
        #expect(configuration.listener.host == "::1" && configuration.listener.port == 0)
        #expect(configuration.listener.path == "/io" && configuration.listener.eventLoops == 3)
        #expect(configuration.nodeID == "n-1.a" && configuration.sessionIDPrefix == "ab")
        #expect(configuration.redis?.url.address == .tcp(host: "h", port: 1))
        #expect(configuration.redis?.prefix == "r" && configuration.redis?.channelPrefix == "c")
        #expect(configuration.registry.timing.lease == .milliseconds(2400) && configuration.registry.partitions == 1)
        #expect(configuration.registry.duplicates == .replace)
        #expect(configuration.registry.duplicateMessage == "이미 연결된 유저입니다.")
        #expect(configuration.listener.corsOrigins == ["https://a.example:8443"])
        #expect(configuration.listener.trustedProxies == ["10.0.0.0/8", "::1"])
        #expect(configuration.authentication.cookie == "session" && configuration.authentication.tokenExpiry == .ignore)
        #expect(configuration.authentication.grants.allowsJoin("chat.1"))
        #expect(configuration.authentication.grants.allowsBroadcast)
        #expect(configuration.authentication.jwt.issuer == "i" && configuration.authentication.jwt.audience == "a")
        #expect(configuration.limits.maxConnections == nil && configuration.limits.maxQueuedBytes == nil)
        #expect(configuration.limits.connectRate == nil && configuration.limits.eventRate == nil)
        #expect(configuration.admin.token == Secret("t") && configuration.admin.metricsPublic)
        #expect(configuration.log == .init(level: .debug, format: .json))
    }

    @Test(arguments: [
        (["--port", "65536"], "--port: '65536' is not a whole number from 0 to 65535"),
        (["--port", "x"], "--port: 'x' is not a whole number from 0 to 65535"),
        (["--host", ""], "--host: is empty"),
        (["--host", "a b"], "--host: 'a b' is not a host name or an address"),
        (["--path", "socket.io"], "--path: 'socket.io' is not a path: it begins with / and has no spaces, ? or #"),
        (["--node-id", "a b"], "--node-id: 'a b' is not 1 to 32 characters of [A-Za-z0-9._-]"),
        (["--node-id", ""], "--node-id: '' is not 1 to 32 characters of [A-Za-z0-9._-]"),
        (["--sid-prefix", "abcde"], "--sid-prefix: 'abcde' is not 1 to 4 characters of [A-Za-z0-9]"),
        (["--sid-prefix", "é"], "--sid-prefix: 'é' is not 1 to 4 characters of [A-Za-z0-9]"),
        (
            ["--ping-interval", "25"],
            "--ping-interval: '25' is not a duration; write a number and a unit, as in 500ms, 5s, 2m or 1h"
        ),
        (["--ping-interval", "0s"], "--ping-interval: '0s' is not between 50ms and 1h"),
        (["--max-payload", "0"], "--max-payload: '0' is not a whole number from 1 to 1000000000"),
        (["--registry-partitions", "65"], "--registry-partitions: '65' is not a whole number from 1 to 64"),
        (
            ["--trusted-proxy", "10.0.0.0/33"],
            "--trusted-proxy: '10.0.0.0/33' is neither an address nor a block such as 10.0.0.0/8"
        ),
        (
            ["--trusted-proxy", "proxy"],
            "--trusted-proxy: 'proxy' is neither an address nor a block such as 10.0.0.0/8"
        ),
        (
            ["--cors-origin", "https://a/b"],
            "--cors-origin: 'https://a/b' is not an origin; write it as https://app.example, without a path"
        ),
        (
            ["--cors-origin", "a.example"],
            "--cors-origin: 'a.example' is not an origin; write it as https://app.example, without a path"
        ),
        (
            ["--cors-origin", "*", "--cors-origin", "https://a"],
            "--cors-origin: * is any origin: the others beside it have no meaning"
        ),
        (
            ["--duplicates", "rejct"],
            "--duplicates: 'rejct' is none of reject, probe, replace; the nearest known one is reject"
        ),
        (
            ["--log-level", "warn"],
            "--log-level: 'warn' is none of trace, debug, info, notice, warning, error, critical; the nearest known one is warning"
        ),
        (
            ["--token-expiry", "drop"],
            "--token-expiry: 'drop' is none of disconnect, ignore; the nearest known one is ignore"
        ),
        (["--metrics-public=maybe"], "--metrics-public: 'maybe' is neither true nor false"),
        (["--grant", "join"], "--grant: 'join' is none of join:PATTERN, send:PATTERN, broadcast, all"),
        (["--jwt-secret", ""], "--jwt-secret: is empty"),
        (["--duplicate-message", ""], "--duplicate-message: is empty"),
        (
            ["--redis-prefix", "a{b}"],
            "--redis-prefix: 'a{b}' is not 1 to 64 printable characters without spaces and {}*?[]\\"
        ),
        (
            ["--redis-ca", "/dev/null", "--redis-url", "rediss://h"],
            "--redis-ca: /dev/null holds no CERTIFICATE in PEM"
        ),
        (["--lease", "1999ms"], "--lease: 1999ms is too short; the least is 2s"),
        (["--lease-ms", "1999"], "--lease-ms: 1999ms is too short; the least is 2s"),
        (["--lease", "2s", "--lease-ms", "2000"], "--lease-ms: says the same thing as --lease: give one of them"),
        (
            ["--lease", "32s"],
            "--lease: a newcomer waits up to 40333ms with a lease of 32s, so the connect timeout must be at least 45333ms, not 45s"
        ),
        (
            ["--connect-timeout", "20s"],
            "--connect-timeout: a newcomer waits up to 17s with a lease of 12s, so the connect timeout must be at least 22s, not 20s"
        ),
        (
            ["--auth-cookie", "c"],
            "--auth-cookie: needs --cors-origin with the origins that may use the cookie, and without *"
        ),
        (
            ["--auth-cookie", "c", "--cors-origin", "*"],
            "--auth-cookie: needs --cors-origin with the origins that may use the cookie, and without *"
        ),
        (["--auth-cookie", "a=b", "--cors-origin", "https://a"], "--auth-cookie: 'a=b' is not the name of a cookie"),
        (["--admin-host", "0.0.0.0"], "--admin-token: missing, and --admin-host 0.0.0.0 is not a loopback address"),
        (["--admin-host", "::"], "--admin-token: missing, and --admin-host :: is not a loopback address"),
        (
            ["--admin-host", "127.example"],
            "--admin-token: missing, and --admin-host 127.example is not a loopback address"
        ),
        (
            ["--admin-token", "a b"],
            "--admin-token: must be printable ASCII without spaces: it travels in an HTTP header"
        ),
    ])
    func problem(arguments: [String], expected: String) {
        #expect(self.problems(arguments) == [expected])
    }

    @Test(arguments: [
        (["--adapter", "sharded"], "--adapter: 'sharded' is not available yet; there is classic"),
        (["--adapter", "streams"], "--adapter: 'streams' is not available yet; there is classic"),
        (["--redis-url", "redis+sentinel://a:pw@h/m"], "--redis-url: 'redis+sentinel://' is not available yet"),
        (["--redis-url", "redis+cluster://:pw@h"], "--redis-url: 'redis+cluster://' is not available yet"),
        (["--duplicates", "limit:3"], "--duplicates: 'limit:3' is not available yet; there is reject, probe, replace"),
        (["--duplicates", "allow"], "--duplicates: 'allow' is not available yet; there is reject, probe, replace"),
        (["--registry-mode", "available"], "--registry-mode: 'available' is not available yet; there is strict"),
        (["--jwks", "https://id.example/keys"], "--jwks: not available yet"),
        (["--proxy-protocol"], "--proxy-protocol: not available yet"),
        (["--state-dir", "/var/lib/rollcall"], "--state-dir: not available yet"),
    ])
    func notYet(arguments: [String], expected: String) {
        #expect(self.problems(arguments) == [expected])
    }

    @Test func whatIsNotAvailableMayBeSwitchedOff() throws {
        _ = try self.load(["--proxy-protocol=false", "--adapter", "classic", "--registry-mode", "strict"])
    }

    @Test func allProblemsAtOnceUnderTheNamesThatWereUsed() throws {
        let file = try self.directory.write("a.yaml", "lease: soon\nlgo: {level: x}\n")
        _ = try self.directory.write(".env", "ROLLCALL_EVENT_LOOPS=0\n")
        #expect(
            self.problems(["--port", "-1", "--config", file], ["ROLLCALL_MAX_PAYLOAD": "1e6"]) == [
                "\(file): unknown setting lgo.level; the nearest known one is log.level",
                "--port: '-1' is not a whole number from 0 to 65535",
                "--event-loops (ROLLCALL_EVENT_LOOPS in .env): '0' is not a whole number from 1 to 1024",
                "--max-payload (ROLLCALL_MAX_PAYLOAD): '1e6' is not a whole number from 1 to 1000000000",
                "--lease (lease in \(file)): 'soon' is not a duration; write a number and a unit, as in 500ms, 5s, 2m or 1h",
            ])
    }

    @Test func secretsDoNotAppearInProblems() {
        for arguments in [
            ["--redis-url", "redis://u:hunter2@h:port"], ["--redis-url", "http://u:hunter2@h"],
            ["--admin-token", "hunter2 "],
            ["--redis-url", "hunter2"], ["--redis-url", "redis+cluster://u:hunter2@h"],
        ] {
            let problems = self.problems(arguments)
            #expect(problems.count == 1)
            #expect(!problems.joined().contains("hunter2"))
        }
    }

    @Test func aSecretThatIsShortIsWarnedOf() throws {
        #expect(try self.load(["--jwt-secret", "short"]).warnings.count == 1)
    }

    @Test func printingAConfigurationShowsNothing() throws {
        let configuration = try self.load(["--admin-token", "hunter2", "--jwt-secret", "hunter2"])
        var dumped = ""
        dump(configuration, to: &dumped)
        dump(configuration.admin, to: &dumped)
        #expect(!"\(configuration) \(configuration.admin) \(dumped)".contains("hunter2"))
    }

    @Test func nodesHaveNamesAndPrefixesOfTheirOwn() throws {
        let (one, two) = (try self.load(), try self.load())
        #expect(one.nodeID != two.nodeID)
        #expect(SettingReader.isName(one.nodeID, 1...32, others: "._-"))
        #expect(SettingReader.isName(one.sessionIDPrefix, 3...3))
        #expect(try self.load(["--node-id", "n1"]).sessionIDPrefix == self.load(["--node-id", "n1"]).sessionIDPrefix)
        let prefixes = Set((0..<100).map { NodeConfiguration.derivedPrefix(of: "n\($0)") })
        #expect(prefixes.count >= 99)
    }

    @Test(arguments: ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"])
    func loopbackNeedsNoToken(host: String) throws {
        #expect(try self.load(["--admin-host", host]).admin.token == nil)
    }
}

// MARK: - Keys and files

extension NodeConfigurationTests {
    /// Of `localhost`, signed by itself, valid for a hundred years.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBfzCCASWgAwIBAgIUKpcXv+o8Ymmzed3QwpQytsCkAIgwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE3MTI1NFoYDzIxMjYxMDI5
        MTcxMjU0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAATH7n50ed5hpi0QXq3JoEvX/cDrd9Ezd5bVuFfD8tHayaDQXClBPnHH
        2sJfBshjVNMej8YSsQO1cPI9zgL7ycnuo1MwUTAdBgNVHQ4EFgQUq55pGrcuquoe
        20tMfu4q4wP1c3cwHwYDVR0jBBgwFoAUq55pGrcuquoe20tMfu4q4wP1c3cwDwYD
        VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAs2UmRee+VVW+Zaf5UaO9
        WWr8lrf9nbCAqoQDCiBmSWQCIHfhsc+dy01oOvTnUvlVSK7qdUL7hFsvM0IWfyRo
        fosy
        -----END CERTIFICATE-----

        """
    private static let privateKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2xJrQOZgFJeWg6J3
        Q0WjTucvFIre67qvFbJKFjX+nLWhRANCAATH7n50ed5hpi0QXq3JoEvX/cDrd9Ez
        d5bVuFfD8tHayaDQXClBPnHH2sJfBshjVNMej8YSsQO1cPI9zgL7ycnu
        -----END PRIVATE KEY-----

        """
    private static let otherPrivateKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJ39ox7nUO/QjJVDg
        ZN4yBUU6Gp2NRIAThzJTitbuIxShRANCAASuPOozcVQtVs1FRhP8A74oy8yuMVsM
        +By5Az+d1OtOLGP4tpDl3tttYJymJXBy9JbxToh7vzYCjIUyom4ZHuKq
        -----END PRIVATE KEY-----

        """

    private func loadWithoutSecret(
        _ arguments: [String], for purpose: NodeConfiguration.Purpose = .node
    ) throws -> NodeConfiguration {
        let settings = try ResolvedSettings(
            arguments: arguments, environment: [:], directory: self.directory.path)
        return try NodeConfiguration(settings, for: purpose)
    }

    @Test func aNodeNeedsAKey() throws {
        let error = #expect(throws: ConfigurationError.self) { try self.loadWithoutSecret([]) }
        #expect(error?.problems.count == 1)
        #expect(
            error?.problems.first?.hasPrefix("--jwt-secret: no key that tells users apart; give --jwt-secret TEXT")
                == true)
        #expect(try self.loadWithoutSecret([], for: .tool).authentication.jwt.secret == nil)
        #expect(try self.loadWithoutSecret(["--admin-host", "10.0.0.1"], for: .tool).admin.host == "10.0.0.1")
    }

    @Test(arguments: [
        ("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), ("s3cret\n\n", "s3cret\n"),
        (" x ", " x "),
    ])
    func secretsFromFiles(contents: String, secret: String) throws {
        let file = try self.directory.write("secret", contents)
        let configuration = try self.loadWithoutSecret(["--jwt-secret-file", file])
        #expect(configuration.authentication.jwt.secret == Array(secret.utf8))
        let token = try self.directory.write("token", "abc\n")
        #expect(
            try self.loadWithoutSecret(["--admin-token-file", token], for: .tool).admin.token == Secret("abc"))
    }

    @Test func secretsFromFilesMayBeBinary() throws {
        let file = try self.directory.write("secret", [0xFF, 0x00, 0x0A, 0x0A])
        #expect(
            try self.loadWithoutSecret(["--jwt-secret-file", file]).authentication.jwt.secret == [0xFF, 0x00, 0x0A])
    }

    @Test func filesThatHoldNoSecret() throws {
        let empty = try self.directory.write("empty", "\n")
        let missing = "\(self.directory.path)/missing"
        let wrong = ConfigurationError(problems: ["--jwt-secret-file: \(empty) is empty"])
        #expect(throws: wrong) { try self.loadWithoutSecret(["--jwt-secret-file", empty]) }
        let absent = ConfigurationError(
            problems: ["--jwt-secret-file: \(missing) cannot be read: No such file or directory"])
        #expect(throws: absent) { try self.loadWithoutSecret(["--jwt-secret-file", missing]) }
    }

    @Test func theStrongerSourceOfASecretWins() throws {
        let file = try self.directory.write("secret", "from the file")
        let yaml = try self.directory.write("a.yaml", "jwt: {secret: from yaml}\n")
        let configuration = try self.loadWithoutSecret(["--jwt-secret-file", file, "--config", yaml])
        #expect(configuration.authentication.jwt.secret == Array("from the file".utf8))
        let both = ConfigurationError(
            problems: ["--jwt-secret-file: says the same thing as --jwt-secret: give one of them"])
        #expect(throws: both) { try self.loadWithoutSecret(["--jwt-secret-file", file, "--jwt-secret", "x"]) }
    }

    @Test func publicKeys() throws {
        let pem = """
            -----BEGIN PUBLIC KEY-----
            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
            -----END PUBLIC KEY-----

            """
        let file = try self.directory.write("key.pem", pem)
        #expect(try self.loadWithoutSecret(["--jwt-public-key", file]).authentication.jwt.publicKey == pem)
        let wrong = try self.directory.write("wrong.pem", "no key")
        let unusable = ConfigurationError(problems: [
            "--jwt-public-key: \(wrong) is not a PEM public key of RSA (2048 bits or more), EC P-256 or Ed25519"
        ])
        #expect(throws: unusable) { try self.loadWithoutSecret(["--jwt-public-key", wrong]) }
        let secret = try self.directory.write("private.pem", Self.privateKey)
        let error = #expect(throws: ConfigurationError.self) {
            try self.loadWithoutSecret(["--jwt-public-key", secret])
        }
        #expect(error?.problems.first?.contains("holds a private key") == true)
    }

    @Test func certificates() throws {
        let certificate = try self.directory.write("cert.pem", Self.certificate)
        let key = try self.directory.write("key.pem", Self.privateKey)
        let configuration = try self.load([
            "--tls-certificate", certificate, "--tls-key", key, "--redis-url", "rediss://h", "--redis-ca", certificate,
            "--redis-certificate", certificate, "--redis-key", key,
        ])
        #expect(configuration.listener.tls == .init(certificate: certificate, key: key))
        #expect(configuration.redis?.tls == .init(certificate: certificate, key: key))
        #expect(configuration.redis?.certificateAuthorities == certificate)
        let other = try self.directory.write("other.pem", Self.otherPrivateKey)
        #expect(
            self.problems(["--tls-certificate", certificate, "--tls-key", other]) == [
                "--tls-key: the key in \(other) is not that of the certificate in \(certificate)"
            ])
        let broken = try self.directory.write("broken.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
        #expect(
            self.problems([
                "--tls-certificate", broken, "--tls-key", key, "--redis-url", "rediss://h", "--redis-ca", broken,
            ]) == [
                "--tls-certificate: \(broken) holds no certificate that can be read",
                "--redis-ca: \(broken) holds no certificate that can be read",
            ])
        #expect(self.problems(["--tls-certificate", certificate]) == ["--tls-certificate: needs --tls-key as well"])
        #expect(self.problems(["--tls-key", key]) == ["--tls-key: needs --tls-certificate as well"])
        #expect(
            self.problems(["--tls-certificate", key, "--tls-key", certificate]) == [
                "--tls-certificate: \(key) holds no CERTIFICATE in PEM",
                "--tls-key: \(certificate) holds no PRIVATE KEY in PEM",
            ])
        #expect(
            self.problems(["--redis-ca", certificate, "--redis-url", "redis://h"]) == [
                "--redis-ca: needs --redis-url with rediss://"
            ])
    }
}
