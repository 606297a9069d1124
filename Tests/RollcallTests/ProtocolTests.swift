// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import TestSupport
import Testing

@testable import Rollcall

/// Packets on the wire: namespaces, middleware, events, acknowledgements, binary, rooms.
@Suite struct ProtocolTests {
    @Test func connectAndItsErrors() async throws {
        let refuse: @Sendable (any Error) -> @Sendable (Socket) throws -> Void = { error in { _ in throw error } }
        try await withServer(setUp: { server in
            server.of("/refusing").use(refuse(ConnectError("No \"entry\"", data: ["code": "NO", "n": 1])))
            server.of("/late").use { _ in
                try await Task.sleep(for: .milliseconds(1))
                throw ConnectError("Too late")
            }
            server.of("/broken").use(refuse(AcknowledgementError.timeout))
            server.of("/away").use(refuse(TemporaryRefusal(code: "AWAY")))
            server.of("/admin").on("echo") { (_: Socket, text: String) in text }
        }) { _, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.send("40/nope,")
            try client.expect(#"44/nope,{"message":"Invalid namespace"}"#)
            try client.send("40/refusing,")
            let refused = try client.readText()
            #expect(
                refused == #"44/refusing,{"message":"No \"entry\"","data":{"code":"NO","n":1}}"#
                    || refused == #"44/refusing,{"message":"No \"entry\"","data":{"n":1,"code":"NO"}}"#)
            try client.send("40/late,")
            try client.expect(#"44/late,{"message":"Too late"}"#)
            try client.send("40/broken,")
            #expect(try client.readText().hasPrefix(#"44/broken,{"message":"Internal server error""#))
            try client.send(#"40/admin?token=1,{"a":1}"#)
            #expect(try client.readText().hasPrefix("40/admin,{\"sid\":\""))
            try client.joinRoot()
            try client.send(#"42/admin,13["echo","x"]"#)
            try client.expect(#"43/admin,13["x"]"#)
            try client.send("41/admin,")
            try client.send("40/away,")
            #expect(try client.expectClose() == 1001)
        }
    }

    @Test(arguments: [
        "40", #"42["e"]"#.replacing("42", with: "42/other,"), "4", "47", "44{}", "42", "42[]", "42{}",
        #"42["connect"]"#,
        #"42["disconnect"]"#, "43", "431{}", "40[]", "4511-[\"e\"]", "451[\"e\"]", #"42["e",]"#, "42[null]",
    ])
    func violationsEndTheConnection(_ packet: String) async throws {
        try await withServer { server, port in
            let client = try TestClient(connectedTo: port)
            try client.send(packet)
            #expect(try client.expectClose() == nil)
            try await eventually("closed") { server.engine.sessionCount == 0 }
        }
    }

    @Test func eventBeforeConnectAndAttachmentsOutOfPlace() async throws {
        try await withServer { _, port in
            let early = try TestClient(port: port)
            try early.openSession()
            try early.send(#"42["e"]"#)
            #expect(try early.expectClose() == nil)
            let binary = try TestClient(connectedTo: port)
            try binary.write(TestClient.frame(0x82, [1]))
            #expect(try binary.expectClose() == nil)
            let text = try TestClient(connectedTo: port)
            try text.send(#"451-["e",{"_placeholder":true,"num":0}]"#, #"42["e"]"#)
            #expect(try text.expectClose() == nil)
        }
    }

    @Test func connectTimeout() async throws {
        let clock = TestClock()
        try await withServer(clock: clock) { server, port in
            let idle = try TestClient(port: port)
            try idle.openSession()
            let used = try TestClient(connectedTo: port)
            try await server.advance(clock, by: .seconds(44))
            #expect(server.engine.sessionCount == 2)
            try await server.advance(clock, by: .seconds(4))
            #expect(server.engine.sessionCount == 1)
            #expect(try idle.expectClose() == 1001)
            try used.send("41")
            try used.expect()
        }
    }

    @Test func typedHandlersDecodeTheirArguments() async throws {
        struct Point: Codable, Sendable { var x: Int, y: Int? }
        try await withServer(setUp: { server in
            server.onConnection { socket in
                socket.on("optional") { (a: String?, b: Int?) in [a ?? "none", b.map { String($0) } ?? "none"] }
                socket.on("point") { (point: Point) in point }
                socket.on("fails") { () throws -> Int in throw EventError("Not now", code: "BUSY") }
                socket.on("breaks") { () throws -> Int in throw AcknowledgementError.timeout }
                socket.on("later") { (a: Int) async throws -> Int in
                    try await Task.sleep(for: .milliseconds(1))
                    return a + 1
                }
                socket.on("pass", passing: { $0 })
                socket.use { event, _ in if event == "dropped" { throw EventError("Dropped") } }
            }
        }) { _, port in
            let client = try TestClient(connectedTo: port)
            for (event, answer) in [
                (#"["optional"]"#, #"[["none","none"]]"#), (#"["optional","a",5,{"more":[1]}]"#, #"[["a","5"]]"#),
                (#"["optional",null,7]"#, #"[["none","7"]]"#), (#"["point",{"x":1,"y":2}]"#, #"[{"x":1,"y":2}]"#),
                (#"["later",41]"#, "[42]"), (#"["pass",1,{"a": [2]},"ä"]"#, #"[1,{"a": [2]},"ä"]"#),
                (#"["\u0070ass"]"#, "[]"),
            ] {
                try client.send("429\(event)")
                try client.expect("439\(answer)")
            }
            for (event, code) in [
                (#"["point",{"x":"no"}]"#, "INVALID_ARGUMENTS"), (#"["point"]"#, "INVALID_ARGUMENTS"),
                (#"["fails"]"#, "BUSY"), (#"["breaks"]"#, "INTERNAL"), (#"["dropped"]"#, "Dropped"),
            ] {
                try client.send("428\(event)")
                let answer = try client.readText()
                #expect(answer.hasPrefix("438[{") && answer.contains(#""status":"error""#) && answer.contains(code))
                try client.send("42\(event)")
                let exception = try client.readText()
                #expect(exception.hasPrefix(#"42["exception",{"#) && exception.contains(code))
            }
        }
    }

    @Test func acknowledgementsOfTheClient() async throws {
        let notes = Notes()
        try await withServer(setUp: { server in
            server.onConnection { socket in
                socket.on("ask") { () async -> String in
                    do {
                        return try await socket.emitWithAck("q", 1, timeout: .seconds(30), as: String.self)
                    } catch {
                        notes.add("\(error)")
                        return "\(error)"
                    }
                }
                socket.on("impatient") { () async -> String in
                    do {
                        return try await socket.emitWithAck("q", timeout: .milliseconds(10), as: String.self)
                    } catch {
                        return "\(error)"
                    }
                }
            }
        }) { _, port in
            let client = try TestClient(connectedTo: port)
            try client.send(#"421["ask"]"#)
            try client.expect(#"420["q",1]"#)
            try client.send(#"437["nobody asked"]"#, #"430["yes"]"#, #"430["twice"]"#)
            try client.expect(#"431["yes"]"#)
            try client.send(#"422["impatient"]"#)
            try client.expect(#"421["q"]"#, #"432["operation has timed out"]"#)
            try client.send(#"431["late"]"#, #"423["ask"]"#)
            try client.expect(#"422["q",1]"#)
            client.close()
            try await eventually("failed") { notes.all == ["socket has been disconnected"] }
        }
    }

    @Test func binaryGoesBothWays() async throws {
        try await withServer(setUp: { server in
            server.main.on("bytes") { (socket: Socket, bytes: SocketBinary, text: String) -> SocketBinary in
                socket.emit("copy", text, bytes)
                return bytes
            }
        }) { _, port in
            let client = try TestClient(connectedTo: port)
            let packet = #"451-3["bytes",{"_placeholder":true,"num":0},"t"]"#
            try client.write(TestClient.texts([packet]) + TestClient.frame(0x82, [0, 1, 255]))
            try client.expect(#"451-["copy","t",{"_placeholder":true,"num":0}]"#)
            #expect(try client.readFrame().payload == [0, 1, 255])
            try client.expect(#"461-3[{"_placeholder":true,"num":0}]"#)
            #expect(try client.readFrame().payload == [0, 1, 255])
            try client.write(
                TestClient.texts([#"451-["bytes",{"_placeholder":true,"num":1},"t"]"#]) + TestClient.frame(0x82, [1]))
            #expect(try client.expectClose() == nil)
        }
    }

    @Test(arguments: [1, 2])
    func roomsReachTheirMembersOnce(loops: Int) async throws {
        try await withServer(
            loops: loops,
            setUp: { server in
                server.main.on("join") { (socket: Socket, rooms: [String]) -> Int in
                    socket.join(rooms)
                    return 0
                }
                server.main.on("leave") { (socket: Socket, room: String) -> Int in
                    socket.leave(room)
                    return 0
                }
                server.main.on("others") { (socket: Socket, room: String) in socket.to(room).emit("m", "others") }
            }
        ) { server, port in
            let clients = try (0..<4).map { _ in try TestClient(port: port) }
            var ids: [String] = []
            for client in clients {
                try client.openSession()
                ids.append(try client.joinRoot())
            }
            func join(_ index: Int, _ rooms: String...) throws {
                let list = rooms.map { "\"\($0)\"" }.joined(separator: ",")
                try clients[index].send("421[\"join\",[\(list)]]")
                try clients[index].expect("431[0]")
            }
            func expect(_ text: String, _ who: [Int]) throws {
                server.emit("end")
                for (index, client) in clients.enumerated() {
                    if who.contains(index) { try client.expect("42[\"m\",\"\(text)\"]") }
                    try client.expect(#"42["end"]"#)
                }
            }
            try join(0, "a", "b")
            try join(1, "a")
            try join(2, "b")
            server.to("a", "b").emit("m", "union")
            try expect("union", [0, 1, 2])
            server.to("a").except("b").emit("m", "less")
            try expect("less", [1])
            server.main.except("a").emit("m", "except")
            try expect("except", [2, 3])
            server.main.to(ids[3], "a").emit("m", "self")
            try expect("self", [0, 1, 3])
            server.main.everyone.local.volatile.emit("m", "volatile")
            try expect("volatile", [0, 1, 2, 3])
            try clients[0].send(#"42["others","a"]"#)
            try clients[1].expect(#"42["m","others"]"#)
            // A room that is named like a socket adds its members to it.
            try join(2, ids[0])
            server.to(ids[0]).emit("m", "named")
            try expect("named", [0, 2])
            try clients[0].send(#"421["leave","a"]"#)
            try clients[0].expect("431[0]")
            server.to("a").emit("m", "left")
            try expect("left", [1])
            clients[1].close()
            try await eventually("room is gone") { await server.main.localRooms()["a"] == nil }
        }
    }

    /// A large message whose handler ends the connection: the next handler must not see freed memory, nor run.
    @Test func handlersOfAConnectionThatEndedDoNotRun() async throws {
        let notes = Notes()
        try await withServer(setUp: { server in
            server.main.on("end") { (socket: Socket, _: String) in
                notes.add("first")
                socket.disconnect(close: true)
            }
            server.main.on("end") { (_: Socket, text: String) in notes.add(String(text.prefix(3))) }
            server.main.on(
                "plain",
                passing: { socket, _ in
                    socket.disconnect(close: true)
                    return Arguments(["x"])
                })
        }) { server, port in
            let client = try TestClient(connectedTo: port)
            try client.send(#"421["end",""# + String(repeating: "x", count: 300_000) + #""]"#)
            try client.expect("41")
            #expect(try client.expectClose() == nil)
            #expect(notes.all == ["first"])
        }
    }
}
