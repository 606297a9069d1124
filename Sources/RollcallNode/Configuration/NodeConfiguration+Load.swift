// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import RollcallAuth
import UserRegistryCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension NodeConfiguration {
    /// What a configuration is for.
    package enum Purpose: Sendable {
        /// A node is started with it: whatever that needs must be there.
        case node
        /// A command uses parts of it.
        case tool
    }

    /// Checks all settings.
    ///
    /// - Throws: all problems at once.
    package init(_ settings: ResolvedSettings, for purpose: Purpose = .node) throws(ConfigurationError) {
        var reader = SettingReader(settings)
        self.nodeID = Self.readNodeID(&reader)
        self.sessionIDPrefix = Self.readSessionIDPrefix(&reader, nodeID: self.nodeID)
        self.listener = Self.readListener(&reader)
        self.limits = Self.readLimits(&reader)
        self.redis = Self.readRedis(&reader)
        self.registry = Self.readRegistry(&reader, connectTimeout: self.limits.connectTimeout)
        self.authentication = Self.readAuthentication(&reader)
        self.admin = Self.readAdmin(&reader)
        self.drain = Drain(
            delay: reader.duration(.drainDelay) ?? .zero, duration: reader.duration(.drainDuration) ?? .zero)
        self.log = Log(level: reader.choice(.logLevel) ?? .info, format: reader.choice(.logFormat) ?? .auto)
        self.warnings = []
        _ = reader.choice(.adapter) as SettingWord?
        _ = reader.choice(.registryMode) as SettingWord?
        if purpose == .node {
            self.checkForNode(&reader)
        }
        guard reader.problems.isEmpty else { throw ConfigurationError(problems: reader.problems) }
        self.addWarnings()
    }

    /// What only a node that is started needs.
    private func checkForNode(_ reader: inout SettingReader) {
        let keys: [SettingKey] = [.jwtSecret, .jwtSecretFile, .jwtPublicKey]
        if !keys.contains(where: { reader.isSet($0) }) {
            reader.report(
                .jwtSecret,
                "no key that tells users apart; give --jwt-secret TEXT, --jwt-secret-file FILE or --jwt-public-key FILE "
                    + "(a new secret: openssl rand -hex 32 > jwt.secret)")
        }
        if self.authentication.cookie != nil,
            self.listener.corsOrigins.isEmpty || self.listener.corsOrigins.contains("*")
        {
            reader.report(.authCookie, "needs --cors-origin with the origins that may use the cookie, and without *")
        }
        let hasToken = reader.isSet(.adminToken) || reader.isSet(.adminTokenFile)
        if !hasToken, !Self.isLoopback(self.admin.host) {
            reader.report(
                .adminToken, "missing, and --admin-host \(self.admin.host) is not a loopback address")
        }
    }

    private mutating func addWarnings() {
        if let secret = self.authentication.jwt.secret, secret.count < 32 {
            self.warnings.append("--jwt-secret has only \(secret.count) bytes; RFC 7518 asks for at least 32")
        }
    }
}

/// A choice of which there is only one so far.
private enum SettingWord: String {
    case classic, strict
}

// MARK: - Node

extension NodeConfiguration {
    private static func readNodeID(_ reader: inout SettingReader) -> String {
        guard let name = reader.text(.nodeID) else {
            return "node-" + String((0..<8).compactMap { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() })
        }
        if !SettingReader.isName(name, 1...32, others: "._-") {
            reader.report(.nodeID, "'\(name)' is not 1 to 32 characters of [A-Za-z0-9._-]")
        }
        return name
    }

    private static func readSessionIDPrefix(_ reader: inout SettingReader, nodeID: String) -> String {
        guard let prefix = reader.text(.sessionIDPrefix) else { return Self.derivedPrefix(of: nodeID) }
        if !SettingReader.isName(prefix, 1...4) {
            reader.report(.sessionIDPrefix, "'\(prefix)' is not 1 to 4 characters of [A-Za-z0-9]")
        }
        return prefix
    }

    /// Three characters out of 238,328, from the FNV-1a hash of the name.
    static func derivedPrefix(of nodeID: String) -> String {
        var hash = nodeID.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        // The low bits of FNV depend on the last characters only.
        hash ^= hash >> 32
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        var prefix = ""
        for _ in 0..<3 {
            prefix.append(alphabet[Int(hash % 62)])
            hash /= 62
        }
        return prefix
    }
}

// MARK: - Listener and limits

extension NodeConfiguration {
    private static func readListener(_ reader: inout SettingReader) -> Listener {
        Listener(
            host: Self.readHost(.host, &reader),
            port: reader.integer(.port) ?? 0,
            path: Self.readPath(&reader),
            tls: Self.readCertificate(.tlsCertificate, .tlsKey, &reader),
            eventLoops: reader.isSet(.eventLoops) ? reader.integer(.eventLoops) ?? 1 : System.coreCount,
            trustedProxies: Self.readTrustedProxies(&reader),
            corsOrigins: Self.readOrigins(&reader))
    }

    private static func readHost(_ key: SettingKey, _ reader: inout SettingReader) -> String {
        guard var host = reader.nonEmpty(key) else { return "" }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        }
        if host.contains(where: { $0.isWhitespace || $0 == "/" }) {
            reader.report(key, "'\(host)' is not a host name or an address")
        }
        return host
    }

    private static func readPath(_ reader: inout SettingReader) -> String {
        guard var path = reader.text(.path) else { return "" }
        let isPlain = path.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        if !path.hasPrefix("/") || !isPlain {
            reader.report(.path, "'\(path)' is not a path: it begins with / and has no spaces, ? or #")
        }
        while path.count > 1, path.hasSuffix("/") {
            path.removeLast()
        }
        return path
    }

    private static func readCertificate(
        _ certificateKey: SettingKey, _ privateKey: SettingKey, _ reader: inout SettingReader
    ) -> CertificateFiles? {
        let certificate = reader.pemFile(certificateKey, holding: "CERTIFICATE")
        let key = reader.pemFile(privateKey, holding: "PRIVATE KEY")
        switch (reader.isSet(certificateKey), reader.isSet(privateKey)) {
        case (true, false): reader.report(certificateKey, "needs \(privateKey.flag) as well")
        case (false, true): reader.report(privateKey, "needs \(certificateKey.flag) as well")
        default: break
        }
        guard let certificate, let key else { return nil }
        let files = CertificateFiles(certificate: certificate, key: key)
        if let problem = NodeTLS.problem(withCertificates: certificate, isOwn: true) {
            reader.report(certificateKey, problem)
        } else if let problem = NodeTLS.problem(withKeyOf: files) {
            reader.report(privateKey, problem)
        }
        return files
    }

    private static func readTrustedProxies(_ reader: inout SettingReader) -> [String] {
        let blocks = reader.list(.trustedProxy)
        for block in blocks where !Self.isAddressBlock(block) {
            reader.report(.trustedProxy, "'\(block)' is neither an address nor a block such as 10.0.0.0/8")
        }
        return blocks
    }

    private static func isAddressBlock(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let address = try? SocketAddress(ipAddress: parts[0], port: 0) else { return false }
        guard parts.count == 2 else { return true }
        return Int(parts[1]).map { (0...(address.protocol == .inet ? 32 : 128)).contains($0) } ?? false
    }

    private static func readOrigins(_ reader: inout SettingReader) -> [String] {
        let origins = reader.list(.corsOrigin).map { $0.lowercased() }
        for origin in origins where origin != "*" && !Self.isOrigin(origin) {
            reader.report(.corsOrigin, "'\(origin)' is not an origin; write it as https://app.example, without a path")
        }
        if origins.count > 1, origins.contains("*") {
            reader.report(.corsOrigin, "* is any origin: the others beside it have no meaning")
        }
        return origins
    }

    private static func isOrigin(_ text: String) -> Bool {
        guard let separator = text.firstRange(of: "://"), separator.lowerBound > text.startIndex else { return false }
        let rest = text[separator.upperBound...]
        return !rest.isEmpty && rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            && !rest.contains { "/?#@*,".contains($0) }
    }

    private static func readLimits(_ reader: inout SettingReader) -> Limits {
        func limit(_ key: SettingKey) -> Int? {
            reader.integer(key).flatMap { $0 == 0 ? nil : $0 }
        }
        return Limits(
            pingInterval: reader.duration(.pingInterval) ?? .seconds(25),
            pingTimeout: reader.duration(.pingTimeout) ?? .seconds(20),
            maxPayload: reader.integer(.maxPayload) ?? 1_000_000,
            connectTimeout: reader.duration(.connectTimeout) ?? .seconds(45),
            maxConnections: reader.isSet(.maxConnections) ? limit(.maxConnections) : Self.connectionsThatFit(),
            maxQueuedBytes: limit(.maxQueuedBytes),
            connectRate: limit(.connectRate),
            eventRate: limit(.eventRate))
    }

    /// Each connection is an open file; a tenth is left for Redis, the admin endpoint and what libraries open.
    private static func connectionsThatFit() -> Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < 1 << 32 else {
            return nil
        }
        return Int(limit.rlim_cur) / 10 * 9
    }
}

// MARK: - Redis and registry

extension NodeConfiguration {
    private static func readRedis(_ reader: inout SettingReader) -> Redis? {
        let prefix = Self.readPrefix(.redisPrefix, &reader)
        let channelPrefix = Self.readPrefix(.redisChannelPrefix, &reader)
        let authorities = reader.pemFile(.redisCA, holding: "CERTIFICATE")
        if let problem = authorities.flatMap({ NodeTLS.problem(withCertificates: $0, isOwn: false) }) {
            reader.report(.redisCA, problem)
        }
        let tls = Self.readCertificate(.redisCertificate, .redisKey, &reader)
        let url = Self.readRedisURL(&reader)
        let files: [SettingKey] = [.redisCA, .redisCertificate, .redisKey]
        for key in files where reader.isSet(key) && url?.isTLS == false {
            reader.report(key, "needs --redis-url with rediss://")
        }
        guard let url else { return nil }
        return Redis(
            url: url, prefix: prefix, channelPrefix: channelPrefix, certificateAuthorities: authorities, tls: tls)
    }

    private static func readRedisURL(_ reader: inout SettingReader) -> RedisURL? {
        guard let text = reader.nonEmpty(.redisURL) else { return nil }
        // Reported already, as not available yet.
        guard !Setting.named(.redisURL).notYet.contains(where: { text.hasPrefix($0) }) else { return nil }
        do {
            return try RedisURL(text)
        } catch {
            reader.report(.redisURL, error.message)
            return nil
        }
    }

    /// Braces place a key in a Redis Cluster, and the others mean something in a channel pattern.
    private static func readPrefix(_ key: SettingKey, _ reader: inout SettingReader) -> String {
        guard let prefix = reader.nonEmpty(key) else { return "" }
        let isPlain = prefix.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && !prefix.contains { "{}*?[]\\".contains($0) }
        if !isPlain || prefix.utf8.count > 64 {
            reader.report(key, "'\(prefix)' is not 1 to 64 printable characters without spaces and {}*?[]\\")
        }
        return prefix
    }

    private static func readRegistry(_ reader: inout SettingReader, connectTimeout: Duration) -> Registry {
        let leaseKey = reader.preferred(.lease, .leaseMilliseconds)
        let lease =
            leaseKey == .lease
            ? reader.duration(.lease) : reader.integer(.leaseMilliseconds).map { Duration.milliseconds($0) }
        let timing = RegistryTiming(lease: lease ?? .seconds(12))
        Self.checkTiming(timing, leaseKey, connectTimeout: connectTimeout, &reader)
        let duplicates: DuplicateWord? = reader.choice(.duplicates)
        return Registry(
            timing: timing, partitions: reader.integer(.registryPartitions) ?? 16,
            duplicates: duplicates?.policy ?? .probe, duplicateMessage: reader.nonEmpty(.duplicateMessage) ?? "")
    }

    /// With a shorter lease a hiccup of the network suspends everybody; and a client that gives up before the
    /// registry has decided about it would be counted as refused.
    private static func checkTiming(
        _ timing: RegistryTiming, _ leaseKey: SettingKey, connectTimeout: Duration, _ reader: inout SettingReader
    ) {
        let lease = DurationText.format(timing.lease)
        if timing.lease < RegistryTiming.minimumLease {
            reader.report(
                leaseKey, "\(lease) is too short; the least is \(DurationText.format(RegistryTiming.minimumLease))")
        } else if timing.claimWait + .seconds(5) > connectTimeout {
            let key = reader.isSet(.connectTimeout) ? .connectTimeout : leaseKey
            let needed = DurationText.format(timing.claimWait + .seconds(5))
            reader.report(
                key,
                "a newcomer waits up to \(DurationText.format(timing.claimWait)) with a lease of \(lease), so the "
                    + "connect timeout must be at least \(needed), not \(DurationText.format(connectTimeout))")
        } else if let problem = timing.problem(connectTimeout: connectTimeout) {
            reader.report(leaseKey, problem)
        }
    }
}

/// The words for the policies that exist.
private enum DuplicateWord: String {
    case reject, probe, replace

    var policy: DuplicatePolicy {
        switch self {
        case .reject: .reject
        case .probe: .probe
        case .replace: .replace
        }
    }
}

// MARK: - Authentication and admin

extension NodeConfiguration {
    private static func readAuthentication(_ reader: inout SettingReader) -> Authentication {
        let secret = reader.secret(.jwtSecret, file: .jwtSecretFile)
        let jwt = JWTConfiguration(
            secret: secret, publicKey: Self.readPublicKey(&reader), issuer: reader.nonEmpty(.jwtIssuer),
            audience: reader.nonEmpty(.jwtAudience), leeway: reader.duration(.jwtLeeway) ?? .seconds(5))
        var grants = Grants()
        for text in reader.list(.grant) {
            do {
                try grants.add(text)
            } catch {
                reader.report(.grant, error.description)
            }
        }
        let cookie = reader.nonEmpty(.authCookie)
        if let cookie, !Self.isCookieName(cookie) {
            reader.report(.authCookie, "'\(cookie)' is not the name of a cookie")
        }
        return Authentication(
            jwt: jwt, cookie: cookie, tokenExpiry: reader.choice(.tokenExpiry) ?? .disconnect, grants: grants)
    }

    private static func readPublicKey(_ reader: inout SettingReader) -> String? {
        guard let pem = reader.fileText(.jwtPublicKey) else { return nil }
        do {
            _ = try JWTVerifier(JWTConfiguration(publicKey: pem))
        } catch {
            reader.report(.jwtPublicKey, "\(reader.text(.jwtPublicKey) ?? "") \(error)")
        }
        return pem
    }

    /// A token of RFC 9110 section 5.6.2, as RFC 6265 asks for.
    private static func isCookieName(_ text: String) -> Bool {
        SettingReader.isName(text, 1...256, others: "!#$%&'*+-.^_`|~")
    }

    private static func readAdmin(_ reader: inout SettingReader) -> Admin {
        let host = Self.readHost(.adminHost, &reader)
        let token = reader.secret(.adminToken, file: .adminTokenFile)
        if let token, !token.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            reader.report(.adminToken, "must be printable ASCII without spaces: it travels in an HTTP header")
        }
        return Admin(
            host: host, port: reader.integer(.adminPort) ?? 0,
            token: token.map { Secret(String(decoding: $0, as: UTF8.self)) }, metricsPublic: reader.flag(.metricsPublic)
        )
    }

    /// `localhost`, 127.0.0.0/8 and ::1, also as mapped into IPv6.
    static func isLoopback(_ host: String) -> Bool {
        guard host.lowercased() != "localhost" else { return true }
        // The system's own spelling: `0:0:0:0:0:0:0:1` becomes `::1`.
        guard let address = (try? SocketAddress(ipAddress: host, port: 0))?.ipAddress else { return false }
        return address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.")
    }
}
