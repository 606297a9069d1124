// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec
import TestSupport
import Testing

@testable import Rollcall

private enum ColourKey: SocketDataKey { typealias Value = String }
private enum SizeKey: SocketDataKey { typealias Value = Int }

/// What a socket keeps of its client, and what the application puts there.
@Suite struct HandshakeTests {
    @Test(arguments: [true, false])
    func handshakesAreKeptIfWanted(_ isKept: Bool) async throws {
        let early = Notes()
        try await withServer({ $0.keepsHandshakes = isKept }) { server in
            server.onConnection { socket in
                early.add(
                    "\(socket.handshake.auth["token"]?.stringValue ?? "none") \(socket.handshake.query["EIO"] ?? "")")
            }
            server.main.on("now") { (socket: Socket) -> [String] in
                let handshake = socket.handshake
                return [
                    handshake.auth["token"]?.stringValue ?? "none", handshake.query["EIO"] ?? "",
                    handshake.header("host") == nil ? "no headers" : "headers", handshake.address,
                ]
            }
        } _: { _, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.send(#"40{"token":"secret"}"#)
            #expect(try client.readText().hasPrefix("40{"))
            try client.send(#"420["now"]"#)
            try client.expect(
                isKept
                    ? #"430[["secret","4","headers","127.0.0.1"]]"# : #"430[["none","","no headers","127.0.0.1"]]"#)
            #expect(early.all == ["secret 4"])
            // Who leaves and comes again on the same connection is asked for the payload again.
            try client.send("41")
            try client.send(#"40{"token":"other"}"#)
            #expect(try client.readText().hasPrefix("40{"))
            #expect(early.all.last?.hasPrefix("other") == true)
        }
    }

    @Test func claimsAreTextUntilSomebodyAsks() {
        let claims: SocketValue = ["sub": "u1", "roles": ["a", "b"], "n": 9_007_199_254_740_991, "x": nil]
        let user = User(id: "u1", claims: claims)
        #expect(user.claims == claims)
        var same = Array(#"{"sub":"u2"}"#.utf8).withUnsafeBytes { User(id: "u2", claimsText: $0) }
        #expect(same.claims == ["sub": "u2"])
        same.claims = [:]
        #expect(same == User(id: "u2"))
    }

    @Test func dataHoldsValuesUnderKeys() {
        let data = SocketData()
        #expect(data[ColourKey.self] == nil)
        data[ColourKey.self] = "red"
        data[SizeKey.self] = 3
        data[ColourKey.self] = "blue"
        #expect(data[ColourKey.self] == "blue" && data[SizeKey.self] == 3)
        data[ColourKey.self] = nil
        #expect(data[ColourKey.self] == nil && data[SizeKey.self] == 3)
    }
}
