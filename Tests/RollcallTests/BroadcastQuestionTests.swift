// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec
import TestSupport
import Testing

@testable import Rollcall

/// Questions to the sockets of a single server.
@Suite struct BroadcastQuestionTests {
    /// No question that can be answered waits so long.
    private static let never = Duration.seconds(600)

    private static func serve(_ server: SocketIOServer) {
        server.use { socket in
            socket.data.user = socket.handshake.auth["user"]?.stringValue.map { User(id: $0, claims: ["of": "token"]) }
        }
        server.main.on("join") { (socket: Socket, room: String) -> String in
            socket.join(room)
            return "joined"
        }
    }

    @Test func socketsAreFetchedFromAllEventLoops() async throws {
        try await withServer(loops: 3, setUp: Self.serve) { server, port in
            let clients = try (0..<7).map { try TestClient(connectedTo: port, auth: #"{"user":"u\#($0)"}"#) }
            for client in clients.prefix(4) {
                try client.send(#"420["join","r"]"#)
                try client.expect(#"430["joined"]"#)
            }
            try clients[0].send(#"420["join","s"]"#)
            try clients[0].expect(#"430["joined"]"#)
            let all = await server.main.fetchSockets(timeout: Self.never)
            try check(all.isComplete, true)
            try check(Set(all.compactMap { $0.user?.id }), Set((0..<7).map { "u\($0)" }))
            for socket in all {
                try check(socket.user?.claims, ["of": "token"])
                try check(socket.handshake.auth["user"]?.stringValue, socket.user?.id)
                try check(socket.data["connectedAt"]?.intValue != nil, true)
            }
            let some = await server.to("r").except("s").fetchSockets(timeout: Self.never)
            try check(some.compactMap { $0.user?.id }.sorted(), ["u1", "u2", "u3"])
            for socket in some { try check(socket.rooms, [socket.id, "r"]) }
            let socket = try #require(some.first { $0.user?.id == "u3" })
            socket.emit("hello", 1)
            socket.join("t", "u")
            socket.leave("r")
            try clients[3].expect(#"42["hello",1]"#)
            try check(await server.to("u").fetchSockets().map(\.rooms), [[socket.id, "t", "u"]])
            socket.disconnect(close: true)
            try clients[3].expect("41")
            try check(await server.to("u").fetchSockets().isEmpty, true)
        }
    }

    @Test func everyoneIsAsked() async throws {
        try await withServer(loops: 2, setUp: Self.serve) { server, port in
            let clients = try (0..<5).map { _ in try TestClient(connectedTo: port) }
            async let responses = server.main.emitWithAck("who", 1, "two", timeout: Self.never)
            for (index, client) in clients.enumerated() {
                try client.expect(#"420["who",1,"two"]"#)
                try client.send(#"430[\#(index),"more"]"#)
            }
            let all = await responses
            try check(all.isComplete, true)
            try check(try all.decode(Int.self).sorted(), [0, 1, 2, 3, 4])
            for response in all { try check(try response.decode(String.self, at: 1), "more") }
            #expect(throws: DecodingError.self) { try all.decode(String.self) }
            try check(await server.to("nowhere").emitWithAck("who", timeout: Self.never).isComplete, true)
            try check(await server.main.emitWithAck("connect", timeout: Self.never).isEmpty, true)
        }
    }

    @Test func aSocketAsksTheOthers() async throws {
        try await withServer(loops: 2) { _ in
        } setUp: {
            Self.serve($0)
            $0.main.on("ask") { (socket: Socket) async throws -> [String] in
                try await socket.to("r").emitWithAck("who", timeout: Self.never).decode()
            }
            $0.main.on("others") { (socket: Socket) async -> Int in
                await socket.broadcast.fetchSockets(timeout: Self.never).count
            }
        } _: { _, port in
            let clients = try (0..<4).map { _ in try TestClient(connectedTo: port) }
            for client in clients.prefix(3) {
                try client.send(#"420["join","r"]"#)
                try client.expect(#"430["joined"]"#)
            }
            try clients[0].send(#"421["ask"]"#)
            for client in clients[1...2] {
                try client.expect(#"420["who"]"#)
                try client.send(#"430["me"]"#)
            }
            try clients[0].expect(#"431[["me","me"]]"#)
            try clients[3].send(#"422["others"]"#)
            try clients[3].expect("432[3]")
        }
    }

    @Test func whoDoesNotAcknowledgeInTimeIsMissing() async throws {
        try await withServer(loops: 2, setUp: Self.serve) { server, port in
            let clients = try (0..<3).map { _ in try TestClient(connectedTo: port) }
            async let responses = server.main.timeout(.seconds(10)).emitWithAck("who")
            for client in clients { try client.expect(#"420["who"]"#) }
            try clients[0].send(#"430["here"]"#)
            let some = await responses
            try check(try some.decode(String.self), ["here"])
            try check(some.missingClients, 2)
            try check(some.missingServers, 0)
        }
    }

    /// Nobody waits for those who are known to be gone.
    @Test func whoLeavesIsMissingAtOnce() async throws {
        try await withServer(setUp: Self.serve) { server, port in
            let (stays, leaves) = (try TestClient(connectedTo: port), try TestClient(port: port))
            try leaves.openSession()
            let id = try leaves.joinRoot()
            let socket = try #require(await server.to(id).fetchSockets(timeout: Self.never).first)
            async let responses = server.main.emitWithAck("who", timeout: Self.never)
            for client in [stays, leaves] { try client.expect(#"420["who"]"#) }
            let answer = Task { try await socket.emitWithAck("you", timeout: Self.never, as: Int.self) }
            try leaves.expect(#"421["you"]"#)
            leaves.close()
            try stays.send(#"430["here"]"#)
            let some = await responses
            try check(try some.decode(String.self), ["here"])
            try check(some.missingClients, 1)
            await #expect(throws: AcknowledgementError.self) { try await answer.value }
        }
    }

    @Test func anAsynchronousHandlerAsksAfterWhatItSent() async throws {
        try await withServer(loops: 3) { _ in
        } setUp: {
            Self.serve($0)
            $0.main.on("ask") { (socket: Socket) async -> Int in
                socket.namespace.emit("first")
                return await socket.namespace.emitWithAck("second", timeout: Self.never).count
            }
        } _: { _, port in
            let clients = try (0..<6).map { _ in try TestClient(connectedTo: port) }
            for round in 0..<100 {
                let asking = clients[round % 6]
                try asking.send(#"42["ask"]"#)
                for client in clients { try client.expect(#"42["first"]"#, #"42\#(round)["second"]"#) }
                for client in clients { try client.send("43\(round)[]") }
            }
        }
    }

    @Test func aCommandTakesEffectBeforeAQuestion() async throws {
        try await withServer(loops: 3, setUp: Self.serve) { server, port in
            let clients = try (0..<6).map { _ in try TestClient(connectedTo: port) }
            for round in 0..<100 {
                server.main.socketsJoin("r\(round)")
                try check(await server.to("r\(round)").fetchSockets(timeout: Self.never).count, clients.count)
                server.to("r\(round)").socketsLeave("r\(round)")
                try check(await server.to("r\(round)").fetchSockets(timeout: Self.never).count, 0)
            }
        }
    }
}
