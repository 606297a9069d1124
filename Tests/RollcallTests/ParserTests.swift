// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import TestSupport
import Testing

@testable import Rollcall

/// Parsers beside the default one, over the wire.
@Suite struct ParserTests {
    private static func packet(_ value: SocketValue) -> [UInt8] {
        var buffer = ByteBuffer()
        MessagePackWriter.write(value, into: &buffer)
        return TestClient.frame(0x82, Array(buffer.readableBytesView))
    }

    private static func read(_ client: TestClient) throws -> SocketValue {
        while true {
            let frame = try client.readFrame()
            if frame.first == 0x81, frame.payload == [0x32] {
                try client.send("3")
                continue
            }
            guard frame.first == 0x82 else { throw TestFailure("no binary message but \(frame)") }
            return try frame.payload.withUnsafeBytes { bytes in
                var reader = MessagePackReader(bytes)
                return try reader.readValue()
            }
        }
    }

    private static func expect(_ client: TestClient, _ packet: SocketValue) throws {
        try check(try self.read(client), packet, "packet")
    }

    private static func connect(_ port: Int, _ namespace: String = "/", _ auth: SocketValue? = nil) throws -> TestClient
    {
        let client = try TestClient(port: port)
        try client.openSession()
        try self.join(client, namespace, auth)
        return client
    }

    private static func join(_ client: TestClient, _ namespace: String, _ auth: SocketValue? = nil) throws {
        var connect: [String: SocketValue] = ["type": 0, "nsp": .string(namespace), "options": ["compress": true]]
        connect["data"] = auth
        try client.write(self.packet(.object(connect)))
        let answer = try self.read(client)
        guard answer["type"] == 0, answer["nsp"] == .string(namespace), answer["data"]?["sid"]?.stringValue?.count == 20
        else { throw TestFailure("no CONNECT: \(answer)") }
    }

    private static func withMessagePack(
        setUp: (SocketIOServer) -> Void = { _ in },
        _ body: @escaping @Sendable (SocketIOServer, Int) async throws -> Void
    ) async throws {
        try await withServer({ $0.parser = .messagePack }, setUp: setUp, body)
    }

    @Test func everyKindOfPacket() async throws {
        struct Point: Codable, Sendable { var x: Int, y: Double? }
        let notes = Notes()
        try await Self.withMessagePack(setUp: { server in
            server.use { socket in
                if socket.handshake.auth["token"] == "bad" { throw ConnectError("no", data: ["code": 7]) }
            }
            server.onConnection { socket in
                socket.on("point") { (point: Point, bytes: SocketBinary) -> Point in
                    socket.emit("bytes", bytes, ["n": SocketBinary(bytes: [9])])
                    return point
                }
                socket.on("ask") { () async throws -> [String] in
                    [try await socket.emitWithAck("q", timeout: .seconds(30), as: String.self)]
                }
                socket.on("bye") { socket.disconnect() }
            }
            server.main.onDisconnect { _, reason in notes.add(reason.rawValue) }
            server.of("/chat").on("hi") { (_: Socket, name: String) in "hi \(name)" }
        }) { server, port in
            let refused = try TestClient(port: port)
            try refused.openSession()
            try refused.write(Self.packet(["type": 0, "nsp": "/", "data": ["token": "bad"]]))
            try Self.expect(refused, ["type": 4, "nsp": "/", "data": ["message": "no", "data": ["code": 7]]])
            try refused.write(Self.packet(["type": 0, "nsp": "/nope"]))
            try Self.expect(refused, ["type": 4, "nsp": "/nope", "data": ["message": "Invalid namespace"]])

            let client = try Self.connect(port, "/", ["token": "good"])
            let point: SocketValue = ["x": 1, "y": 2.5]
            let bytes = SocketValue.binary(ByteBuffer(bytes: [0, 255]))
            try client.write(Self.packet(["data": ["point", point, bytes], "id": 12, "nsp": "/", "type": 2]))
            try Self.expect(
                client, ["type": 2, "nsp": "/", "data": ["bytes", bytes, ["n": .binary(ByteBuffer(bytes: [9]))]]])
            try Self.expect(client, ["type": 3, "nsp": "/", "id": 12, "data": [point]])
            try client.write(Self.packet(["type": 2, "nsp": "/", "id": 1, "data": ["ask"]]))
            try Self.expect(client, ["type": 2, "nsp": "/", "id": 0, "data": ["q"]])
            try client.write(Self.packet(["type": 3, "nsp": "/", "id": 0, "data": ["yes"]]))
            try Self.expect(client, ["type": 3, "nsp": "/", "id": 1, "data": [["yes"]]])
            try Self.join(client, "/chat")
            try client.write(Self.packet(["type": 2, "nsp": "/chat", "id": 3, "data": ["hi", "Ada"]]))
            try Self.expect(client, ["type": 3, "nsp": "/chat", "id": 3, "data": ["hi Ada"]])
            server.main.except("nobody").emit("all", bytes, "text")
            try Self.expect(client, ["type": 2, "nsp": "/", "data": ["all", bytes, "text"]])
            try client.write(Self.packet(["type": 1, "nsp": "/chat"]))
            try client.write(Self.packet(["type": 2, "nsp": "/", "data": ["bye"]]))
            try Self.expect(client, ["type": 1, "nsp": "/"])
            #expect(try client.expectClose() == nil)
            try await eventually("gone") { notes.all == ["server namespace disconnect"] }
        }
    }

    @Test func overPolling() async throws {
        try await Self.withMessagePack(setUp: { server in
            server.main.on("echo") { (_: Socket, value: SocketValue) in value }
        }) { _, port in
            let client = try TestClient(port: port)
            let open = try client.roundTrip("GET", TestClient.path + "polling").body
            let path = TestClient.path + "polling&sid=" + (try TestClient.sessionID(in: open))
            // {type: 0, nsp: "/"}
            #expect(try client.roundTrip("POST", path, body: "bgqR0eXBlAKNuc3ChLw==").body == "ok")
            #expect(try client.roundTrip("GET", path).body.hasPrefix("bg6R0eXBlAKNuc3ChL6RkYXRhgaNzaWS0"))
            // {type: 2, nsp: "/", id: 1, data: ["echo", 7]}
            #expect(try client.roundTrip("POST", path, body: "bhKR0eXBlAqNuc3ChL6JpZAGkZGF0YZKkZWNobwc=").body == "ok")
            // {type: 3, nsp: "/", data: [7], id: 1}
            #expect(try client.roundTrip("GET", path).body == "bhKR0eXBlA6Nuc3ChL6RkYXRhkQeiaWQB")
        }
    }

    private static let violations: [(SocketValue, String)] = [
        (["type": 9], "unknown_type"), (["type": 2], "malformed_namespace"),
        (["type": 2, "nsp": "/", "data": "x"], "malformed_payload"),
        (["type": 2, "nsp": "/", "data": []], "malformed_event_name"),
        (["type": 2, "nsp": "/", "data": [true]], "malformed_event_name"),
        (["type": 2, "nsp": "/", "data": ["disconnect"]], "reserved_event_name"),
        (["type": 2, "nsp": "/", "data": ["e"], "id": -1], "id_out_of_range"),
        (["type": 0, "nsp": "/"], "second_connect"),
        (["type": 2, "nsp": "/chat", "data": ["e"]], "before_connect"),
        (["type": 4, "nsp": "/", "data": "no"], "connect_error_from_client"), ("x", "malformed_msgpack"),
        (
            ["type": 2, "nsp": "/", "data": ["e", ["_placeholder": true, "num": 5], .binary(ByteBuffer())]],
            "placeholder_out_of_range"
        ),
    ]

    @Test(arguments: Self.violations)
    func violationsEndTheConnection(_ packet: SocketValue, _ reason: String) async throws {
        try await Self.withMessagePack { server, port in
            let client = try Self.connect(port)
            let other = try Self.connect(port)
            try client.write(Self.packet(packet))
            #expect(try client.expectClose() == nil)
            #expect(await server.engine.counters().refused["packet_" + reason] == 1)
            server.emit("alive")
            try Self.expect(other, ["type": 2, "nsp": "/", "data": ["alive"]])
        }
    }

    @Test func textIsNoMessagePack() async throws {
        try await Self.withMessagePack { server, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.send("40")
            #expect(try client.expectClose() == nil)
            #expect(await server.engine.counters().refused["packet_unexpected_text"] == 1)
        }
    }

    @Test func recoveryWithMessagePack() async throws {
        try await withServer({
            $0.parser = .messagePack
            $0.connectionStateRecovery = ConnectionStateRecovery()
        }) { server, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.write(Self.packet(["type": 0, "nsp": "/"]))
            let connect = try Self.read(client)
            server.emit("a")
            let offset = try Self.read(client)["data"]?[1] ?? .null
            client.close()
            try await eventually("kept") { server.main.recovery?.sizes.sessions == 1 }
            server.emit("b", SocketBinary(bytes: [1]))
            let again = try TestClient(port: port)
            try again.openSession()
            let pid = connect["data"]?["pid"] ?? .null
            try again.write(Self.packet(["type": 0, "nsp": "/", "data": ["pid": pid, "offset": offset]]))
            let missed = try Self.read(again)
            #expect(missed["data"]?[0] == "b" && missed["data"]?[1] == .binary(ByteBuffer(bytes: [1])))
            try Self.expect(again, connect)
        }
    }

    @Test func drainFindsItsConnections() async throws {
        try await Self.withMessagePack { server, port in
            let client = try Self.connect(port)
            async let drained: Void = server.drain(delay: .zero, duration: .zero)
            #expect(try client.expectClose() == 1001)
            await drained
            #expect(server.engine.sessionCount == 0)
        }
    }

    // MARK: custom parsers

    /// A packet is one line: the kind, the namespace, the id, then the payload as JSON; binary values as arrays in it are not
    /// supported, but a binary message counts as the last argument of the line before it that ends with `+`.
    private struct Lines: PacketParser {
        func makeDecoder() -> any PacketDecoder { LinesDecoder() }

        func encode(_ packet: Packet) -> [PacketMessage] {
            var text = ByteBuffer()
            var attachments: [ByteBuffer] = []
            if let data = packet.data { JSONWriter.write(data, into: &text, attachments: &attachments) }
            let id = packet.id.map { "\($0)" } ?? ""
            let line = "\(packet.kind) \(packet.namespace) \(id) \(String(buffer: text))"
            return [.text(line)] + attachments.map { .binary($0) }
        }
    }

    private final class LinesDecoder: PacketDecoder {
        private struct Malformed: Error {}
        private var pending: Packet?

        func decode(_ message: PacketMessage) throws -> Packet? {
            switch message {
            case .binary(let bytes):
                guard var packet = self.pending, case .array(let items)? = packet.data else { throw Malformed() }
                self.pending = nil
                packet.data = .array(items + [.binary(bytes)])
                return packet
            case .text(let line):
                let parts = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
                let kinds: [String: Packet.Kind] = [
                    "connect": .connect, "disconnect": .disconnect, "event": .event,
                    "acknowledgement": .acknowledgement,
                    "connectError": .connectError,
                ]
                guard self.pending == nil, parts.count == 4, let kind = kinds[parts[0]] else { throw Malformed() }
                let json = Array((parts[3].hasSuffix("+") ? String(parts[3].dropLast()) : parts[3]).utf8)
                let data = try json.isEmpty ? .null : json.withUnsafeBytes { try JSONReader.value($0) }
                let packet = Packet(kind: kind, namespace: parts[1], id: UInt64(parts[2]), data: data)
                guard parts[3].hasSuffix("+") else { return packet }
                self.pending = packet
                return nil
            }
        }
    }

    @Test func customParser() async throws {
        try await withServer(
            { $0.parser = .custom(Lines()) },
            setUp: { server in
                server.main.on("echo") { (_: Socket, text: String, bytes: SocketBinary?) -> [SocketValue] in
                    [.string(text), bytes.map { .binary($0.bytes) } ?? .null]
                }
                server.of("/room").use { _ in throw ConnectError("full") }
            }
        ) { server, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.send("4connect /  ")
            #expect(try client.readText().hasPrefix(#"4connect /  {"sid":"#))
            try client.send(#"4event / 5 ["echo","x"]"#)
            try client.expect(#"4acknowledgement / 5 [["x",null]]"#)
            try client.write(TestClient.texts([#"4event / 6 ["echo","y"]+"#]) + TestClient.frame(0x82, [3, 4]))
            try client.expect(#"4acknowledgement / 6 [["y",{"_placeholder":true,"num":0}]]"#)
            #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: [3, 4]))
            server.emit("all", 1)
            try client.expect(#"4event /  ["all",1]"#)
            try client.send("4connect /nope  ", "4connect /room  ")
            try client.expect(#"4connectError /nope  {"message":"Invalid namespace"}"#)
            try client.expect(#"4connectError /room  {"message":"full"}"#)
            server.main.everyone.disconnectSockets()
            try client.expect("4disconnect /  ")
            #expect(try client.expectClose() == nil)
        }
    }

    @Test(arguments: [
        ("rubbish", "undecodable"), ("event /  {}", "malformed_payload"),
        ("event / 9007199254740993 [1]", "malformed_payload"),
        ("disconnect /  1", "malformed_payload"), ("connect /a  []", "malformed_payload"),
        ("event /  []", "malformed_event_name"), (#"event /  ["connect"]"#, "reserved_event_name"),
        ("connectError /  {}", "connect_error_from_client"), ("acknowledgement /x 1 []", "before_connect"),
    ])
    func violationsWithACustomParser(_ line: String, _ reason: String) async throws {
        try await withServer({ $0.parser = .custom(Lines()) }) { server, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.send("4connect /  ")
            _ = try client.readText()
            try client.send("4" + line)
            #expect(try client.expectClose() == nil)
            #expect(await server.engine.counters().refused["packet_" + reason] == 1)
        }
    }
}
