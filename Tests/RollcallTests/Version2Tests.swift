// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import TestSupport
import Testing

@testable import Rollcall

/// Clients of Socket.IO 2: connected to `/` by themselves, other namespaces by their query, refusals without an object.
@Suite struct Version2Tests {
    private func with(
        loops: Int = 1, setUp: (SocketIOServer) -> Void,
        _ body: @escaping @Sendable (SocketIOServer, Int) async throws -> Void
    ) async throws {
        try await withServer(loops: loops, { $0.allowEIO3 = true }, setUp: setUp, body)
    }

    /// The session's id.
    private func open(_ client: TestClient, _ query: String = "") throws -> String {
        try client.openWebSocket("/socket.io/?EIO=3&transport=websocket\(query)")
        client.answersPings = false
        return try TestClient.sessionID(in: try client.readText())
    }

    @Test func connectsByItself() async throws {
        try await self.with(setUp: { server in
            server.onConnection { socket in
                socket.emit("welcome", socket.id, socket.handshake.auth, socket.handshake.query["token"] ?? "")
                #expect(socket.handshake.protocolVersion == 3)
            }
            server.main.on("echo", passing: { _, arguments in arguments })
        }) { server, port in
            let client = try TestClient(port: port)
            let sid = try self.open(client, "&token=a%20b")
            try client.expect("40", #"42["welcome","\#(sid)",{},"a b"]"#)
            try client.send(#"421["echo","x"]"#)
            try client.expect(#"431["x"]"#)
            try client.send(#"451-2["echo",{"_placeholder":true,"num":0}]"#)
            try client.write(TestClient.frame(0x82, [4, 7]))
            try client.expect(#"461-2[{"_placeholder":true,"num":0}]"#)
            #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: [4, 7]))
            server.to(sid).emit("direct", 1)
            try client.expect(#"42["direct",1]"#)
            try client.send("40")
            #expect(try client.expectClose() == nil)
        }
    }

    @Test func otherNamespaces() async throws {
        try await self.with(setUp: { server in
            server.of("/admin").onConnection { socket in
                socket.emit(
                    "welcome", socket.id, socket.handshake.auth["token"] ?? "", socket.handshake.auth["k"] ?? "")
            }
        }) { _, port in
            let client = try TestClient(port: port)
            let sid = try self.open(client)
            try client.expect("40")
            try client.send("40/admin?token=a%2Cb&k=%C3%A4,")
            try client.expect("40/admin,", ##"42/admin,["welcome","/admin#\##(sid)","a,b","ä"]"##)
            try client.send("40/nope,")
            try client.expect(#"44/nope,{"message":"Invalid namespace"}"#)
            try client.send("41/admin,", "40/admin")
            try client.expect("40/admin,", ##"42/admin,["welcome","/admin#\##(sid)","",""]"##)
        }
    }

    @Test func refusals() async throws {
        try await self.with(setUp: { server in
            server.use { socket in
                switch socket.handshake.query["refuse"] {
                case "plain": throw ConnectError("No \"entry\"")
                case "data": throw ConnectError("No", code: "NO")
                default: break
                }
            }
        }) { _, port in
            let plain = try TestClient(port: port)
            _ = try self.open(plain, "&refuse=plain")
            try plain.expect(#"44"No \"entry\"""#)
            let data = try TestClient(port: port)
            _ = try self.open(data, "&refuse=data")
            try data.expect(#"44{"code":"NO"}"#)
        }
    }

    /// A broadcast with bytes is written once; each client gets it in its own form.
    @Test(arguments: [1, 2])
    func broadcastToClientsOfBothVersions(loops: Int) async throws {
        try await self.with(loops: loops, setUp: { _ in }) { server, port in
            let old = try TestClient(port: port)
            _ = try self.open(old)
            try old.expect("40")
            let new = try TestClient(connectedTo: port)
            let poller = try TestClient(port: port)
            let open = try poller.roundTrip("GET", "/socket.io/?EIO=3&transport=polling&b64=1").body
            let text = open.split(separator: ":", maxSplits: 1).last.map(String.init) ?? ""
            let target = "/socket.io/?EIO=3&transport=polling&sid=" + (try TestClient.sessionID(in: text))
            #expect(try poller.roundTrip("GET", target).body == "2:40")
            let event = #"451-["bin",{"_placeholder":true,"num":0}]"#
            for byte in UInt8(0)..<20 {
                server.emit("bin", SocketBinary(bytes: [byte]))
                try new.expect(event)
                #expect(try new.readFrame() == TestClient.Frame(first: 0x82, payload: [byte]))
                try old.expect(event)
                #expect(try old.readFrame() == TestClient.Frame(first: 0x82, payload: [4, byte]))
            }
            var got = ""
            while !got.hasSuffix("6:b4Ew==") { got += try poller.roundTrip("GET", target).body }
            #expect(got.hasPrefix("\(event.utf16.count):\(event)6:b4AA=="))
        }
    }

    /// In both versions: the client has to wait for its CONNECT.
    @Test func eventsBeforeTheAnswerEndTheConnection() async throws {
        try await self.with(setUp: { server in
            server.use { _ in try await Task.sleep(for: .seconds(600)) }
        }) { server, port in
            let old = try TestClient(port: port)
            _ = try self.open(old)
            try old.send(#"42["e"]"#)
            #expect(try old.expectClose() == nil)
            for packet in [#"42["e"]"#, #"431["e"]"#] {
                let new = try TestClient(port: port)
                try new.openSession()
                try new.send("40", packet)
                #expect(try new.expectClose() == nil)
            }
            let counters = await server.engine.counters()
            #expect(counters.refused["packet_before_connect"] == 3)
        }
    }
}
