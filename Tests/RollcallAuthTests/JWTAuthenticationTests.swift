// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import JWTKit
import Logging
import Rollcall
import SocketIOCodec
import TestSupport
import Testing

@testable import RollcallAuth

/// A server with the middleware, and clients that say what they want over TCP.
@Suite struct JWTAuthenticationTests {
    private let configuration = JWTConfiguration(secret: TokenFixture.secret, leeway: .seconds(600))

    /// Tells each client whom it was admitted as, and answers `ping`.
    private func withServer(
        _ configuration: JWTConfiguration? = nil, cookie: String? = "session", origins: [String] = [],
        endsWithToken: Bool = true, logger: Logger = .silent, _ body: (Int) async throws -> Void
    ) async throws {
        var settings = ServerConfiguration()
        settings.port = 0
        settings.allowEIO3 = true
        let server = SocketIOServer(settings, logger: logger)
        var grants = Grants()
        try grants.add("join:lobby")
        let authentication = JWTAuthentication(
            verifier: try JWTVerifier(configuration ?? self.configuration), cookie: cookie, allowedOrigins: origins,
            endsWithToken: endsWithToken, defaultGrants: grants)
        authentication.install(in: server.main)
        authentication.install(in: server.of("/admin"))
        server.of("/admin").onConnection { socket in socket.emit("admitted", socket.data.user?.id ?? "") }
        server.onConnection { socket in
            let user = socket.data.user
            let rooms = ["lobby", "vip"].filter(socket.data.grants.allowsJoin)
            socket.emit("admitted", user?.id ?? "", rooms, user?.claims["name"]?.stringValue ?? "")
            socket.on("ping") { (number: Int) in socket.emit("pong", number) }
        }
        let port = try await server.start()
        do {
            try await body(port)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// A client that has asked to join the namespace `/`.
    private func client(_ port: Int, auth: String = "", headers: [String] = []) async throws -> WebSocketClient {
        let client = try await WebSocketClient.open(port: port, host: "chat.example:8080", headers: headers)
        try await client.send("40" + auth)
        return client
    }

    private func admission(
        _ port: Int, auth: String = "", headers: [String] = [], line: UInt = #line
    ) async throws -> String {
        let client = try await self.client(port, auth: auth, headers: headers)
        let admitted = try await client.text(beginning: "42", line: line)
        await client.close()
        return admitted
    }

    private func refusal(
        _ port: Int, auth: String = "", headers: [String] = [], line: UInt = #line
    ) async throws -> String? {
        let client = try await self.client(port, auth: auth, headers: headers)
        let refused = try await client.text(beginning: "44", line: line)
        await client.close()
        #expect(!client.texts.contains { $0.hasPrefix("40") })
        let payload = Array(refused.dropFirst(2).utf8)
        let error = try payload.withUnsafeBytes { try JSONReader.value($0) }
        return error["data"]?["code"]?.stringValue
    }

    private func auth(_ token: String) -> String { #"{"token":"\#(token)"}"# }

    private func cookie(_ token: String) -> String { "Cookie: other=1; session=\(token)" }

    @Test func userClaimsAndGrantsComeFromTheToken() async throws {
        let plain = TokenFixture.hs256(#"{"sub":"u-1","name":"Ada"}"#)
        let granted = TokenFixture.hs256(#"{"sub":"u-2","rollcall":{"join":["v*"]}}"#)
        try await self.withServer { (port) async throws in
            #expect(try await self.admission(port, auth: self.auth(plain)) == #"42["admitted","u-1",["lobby"],"Ada"]"#)
            #expect(try await self.admission(port, auth: self.auth(granted)) == #"42["admitted","u-2",["vip"],""]"#)
        }
    }

    @Test func whatIsNoGoodTokenIsRefusedForGood() async throws {
        let stranger = TokenFixture.hs256(#"{"sub":"u"}"#, secret: Array("another secret of thirty-two bytes..".utf8))
        let expired = TokenFixture.hs256(#"{"sub":"u","exp":1}"#)
        try await self.withServer { (port) async throws in
            #expect(try await self.refusal(port) == "TOKEN_MISSING")
            #expect(try await self.refusal(port, auth: #"{"token":""}"#) == "TOKEN_MISSING")
            #expect(try await self.refusal(port, auth: #"{"token":7}"#) == "TOKEN_INVALID")
            #expect(try await self.refusal(port, auth: #"{"token":null}"#) == "TOKEN_INVALID")
            #expect(try await self.refusal(port, auth: self.auth(stranger)) == "TOKEN_INVALID")
            #expect(try await self.refusal(port, auth: self.auth(expired)) == "TOKEN_EXPIRED")
        }
    }

    @Test func cookieCountsOnlyFromKnownPages() async throws {
        let cookie = self.cookie(TokenFixture.hs256(#"{"sub":"u"}"#))
        let admitted = #"42["admitted","u",["lobby"],""]"#
        try await self.withServer(origins: ["https://app.example"]) { (port) async throws in
            #expect(try await self.admission(port, headers: [cookie]) == admitted)
            for origin in ["http://chat.example:8080", "https://chat.example:8080", "https://app.example"] {
                #expect(try await self.admission(port, headers: [cookie, "Origin: \(origin)"]) == admitted)
            }
            for origin in [
                "https://evil.example", "https://chat.example", "https://app.example.evil.example",
                "http://app.example", "https://evil.example/chat.example:8080", "chat.example:8080", "null",
            ] {
                let code = try await self.refusal(port, headers: [cookie, "Origin: \(origin)"])
                #expect(code == "ORIGIN_FORBIDDEN", "\(origin)")
            }
        }
    }

    @Test func cookieIsNotLookedAtUnlessAskedFor() async throws {
        let cookie = self.cookie(TokenFixture.hs256(#"{"sub":"u"}"#))
        try await self.withServer(cookie: nil) { (port) async throws in
            #expect(try await self.refusal(port, headers: [cookie]) == "TOKEN_MISSING")
        }
        try await self.withServer(cookie: "other") { (port) async throws in
            #expect(try await self.refusal(port, headers: [cookie]) == "TOKEN_INVALID")
        }
    }

    /// Whoever has a token of its own is not taken for the cookie's user, and may be any page.
    @Test func tokenInAuthWinsOverTheCookie() async throws {
        let cookie = self.cookie(TokenFixture.hs256(#"{"sub":"cookie"}"#))
        let auth = self.auth(TokenFixture.hs256(#"{"sub":"auth"}"#))
        try await self.withServer { (port) async throws in
            for headers in [[cookie], [cookie, "Origin: https://evil.example"]] {
                let admitted = try await self.admission(port, auth: auth, headers: headers)
                #expect(admitted == #"42["admitted","auth",["lobby"],""]"#)
            }
            #expect(try await self.refusal(port, auth: self.auth("a.b.c"), headers: [cookie]) == "TOKEN_INVALID")
        }
    }

    // MARK: Socket.IO 2

    /// A client of Socket.IO 2, which sends no payload, or one of another version with a token in its address.
    private func client(_ port: Int, query: String, headers: [String] = []) async throws -> WebSocketClient {
        let host = "chat.example:8080"
        return try await WebSocketClient.open(port: port, host: host, headers: headers, query: query)
    }

    /// What a client of Socket.IO 2 is told: it is connected to `/` without asking.
    private func version2Answer(
        _ port: Int, token: String?, headers: [String] = [], line: UInt = #line
    ) async throws -> String {
        let query = "EIO=3" + (token.map { "&token=\($0)" } ?? "")
        let client = try await self.client(port, query: query, headers: headers)
        try await eventually("an answer", line: line) {
            client.texts.contains { $0.hasPrefix("42") || $0.hasPrefix("44") }
        }
        await client.close()
        return client.texts.last ?? ""
    }

    @Test func queryCountsForClientsOfSocketIO2() async throws {
        let good = TokenFixture.hs256(#"{"sub":"u","name":"Ada"}"#)
        let stranger = TokenFixture.hs256(#"{"sub":"u"}"#, secret: Array("another secret of thirty-two bytes..".utf8))
        let expired = TokenFixture.hs256(#"{"sub":"u","exp":1}"#)
        try await self.withServer { (port) async throws in
            let admitted = #"42["admitted","u",["lobby"],"Ada"]"#
            #expect(try await self.version2Answer(port, token: good) == admitted)
            // Percent-encoded, as a browser's URL may have it.
            let encoded = good.replacing(".", with: "%2E")
            #expect(try await self.version2Answer(port, token: encoded) == admitted)
            let refused: [(String?, String)] = [
                (nil, "TOKEN_MISSING"), ("", "TOKEN_MISSING"), ("a.b.c", "TOKEN_INVALID"),
                (stranger, "TOKEN_INVALID"), (expired, "TOKEN_EXPIRED"),
            ]
            for (token, code) in refused {
                #expect(try await self.version2Answer(port, token: token) == #"44{"code":"\#(code)"}"#)
            }
        }
    }

    /// Addresses get logged: who can send a payload must.
    @Test func queryDoesNotCountForOthers() async throws {
        let token = TokenFixture.hs256(#"{"sub":"query"}"#)
        let auth = self.auth(TokenFixture.hs256(#"{"sub":"auth"}"#))
        try await self.withServer { (port) async throws in
            for (payload, answer) in [
                ("", #"44{"message":"A token is required.","data":{"code":"TOKEN_MISSING"}}"#),
                (auth, #"42["admitted","auth",["lobby"],""]"#),
            ] {
                let client = try await self.client(port, query: "EIO=4&token=\(token)")
                try await client.send("40\(payload)")
                try await eventually("\(answer) in \(client.texts)") { client.texts.contains(answer) }
                await client.close()
            }
        }
    }

    /// The query wins over the cookie, as a payload does; without one the cookie counts, from known pages.
    @Test func cookieOfAClientOfSocketIO2() async throws {
        let cookie = self.cookie(TokenFixture.hs256(#"{"sub":"cookie"}"#))
        let foreign = "Origin: https://evil.example"
        let token = TokenFixture.hs256(#"{"sub":"query"}"#)
        try await self.withServer { (port) async throws in
            let cases: [(String?, [String], String)] = [
                (nil, [cookie], #"42["admitted","cookie",["lobby"],""]"#),
                (nil, [cookie, foreign], #"44{"code":"ORIGIN_FORBIDDEN"}"#),
                (token, [cookie], #"42["admitted","query",["lobby"],""]"#),
                (token, [cookie, foreign], #"42["admitted","query",["lobby"],""]"#),
                ("a.b.c", [cookie], #"44{"code":"TOKEN_INVALID"}"#),
            ]
            for (token, headers, answer) in cases {
                #expect(try await self.version2Answer(port, token: token, headers: headers) == answer)
            }
        }
    }

    /// The query behind a namespace's name stands for the payload; where it has no token, that of the address counts.
    @Test func queriesOfOtherNamespaces() async throws {
        let one = TokenFixture.hs256(#"{"sub":"one"}"#)
        let two = TokenFixture.hs256(#"{"sub":"two"}"#)
        try await self.withServer { (port) async throws in
            for (query, answer) in [
                ("?token=\(two)", #"42/admin,["admitted","two"]"#), ("", #"42/admin,["admitted","one"]"#),
                ("?token=a.b.c", #"44/admin,{"code":"TOKEN_INVALID"}"#),
            ] {
                let client = try await self.client(port, query: "EIO=3&token=\(one)")
                _ = try await client.text(beginning: "42[")
                try await client.send("40/admin\(query),")
                try await eventually("\(answer) in \(client.texts)") { client.texts.contains(answer) }
                await client.close()
            }
        }
    }

    @Test func tokensAreNeverLogged() async throws {
        let good = TokenFixture.hs256(#"{"sub":"u"}"#)
        let stranger = TokenFixture.hs256(#"{"sub":"u"}"#, secret: Array("another secret of thirty-two bytes..".utf8))
        let lines = Notes()
        try await self.withServer(logger: Logger(recording: lines, level: .trace)) { (port) async throws in
            _ = try await self.version2Answer(port, token: good)
            _ = try await self.version2Answer(port, token: stranger)
            _ = try await self.version2Answer(port, token: "")
            _ = try await self.refusal(port, auth: self.auth(stranger))
            let status = try await blocking {
                try TestClient(port: port).roundTrip("GET", "/socket.io/?EIO=9&transport=polling&token=\(good)").status
            }
            #expect(status == 400)
        }
        #expect(lines.all.contains { $0.contains("TOKEN_INVALID") })
        for line in lines.all {
            for part in good.split(separator: ".") + stranger.split(separator: ".") { #expect(!line.contains(part)) }
        }
    }

    /// Leeway admits a token whose time is up, and then the connection ends at once: the transport closes without a
    /// DISCONNECT packet, so that the client comes back by itself.
    @Test func connectionEndsWithTheToken() async throws {
        let auth = self.auth(TokenFixture.hs256(#"{"sub":"u","exp":\#(UnixTime.now - 1)}"#))
        try await self.withServer(endsWithToken: false) { lasting in
            let other = try await self.client(lasting, auth: auth)
            _ = try await other.text(beginning: "40")
            try await self.withServer { ending in
                let client = try await self.client(ending, auth: auth)
                _ = try await client.text(beginning: "40")
                try await client.expectClosed()
                #expect(!client.texts.contains { $0.hasPrefix("41") })
            }
            // Where the setting is off, the other connection has outlived that.
            try await other.send(#"42["ping",1]"#)
            #expect(try await other.text(beginning: #"42["pong""#) == #"42["pong",1]"#)
            await other.close()
        }
    }

    /// The signature of a public key is checked elsewhere, while the client waits.
    @Test func publicKeysDecideLater() async throws {
        struct Payload: JWTPayload {
            var sub = "u"

            func verify(using algorithm: some JWTAlgorithm) async throws {}
        }
        let key = ES256PrivateKey()
        let keys = JWTKeyCollection()
        await keys.add(ecdsa: key)
        let token = try await keys.sign(Payload())
        let stranger = JWTKeyCollection()
        await stranger.add(ecdsa: ES256PrivateKey())
        let forged = try await stranger.sign(Payload())
        let configuration = JWTConfiguration(publicKey: key.publicKey.pemRepresentation)
        try await self.withServer(configuration) { (port) async throws in
            #expect(try await self.admission(port, auth: self.auth(token)) == #"42["admitted","u",["lobby"],""]"#)
            #expect(try await self.refusal(port, auth: self.auth(forged)) == "TOKEN_INVALID")
        }
    }
}
