// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Logging
import NIOCore
import Rollcall
import SocketIOCodec
import TestSupport
import Testing

/// Nodes whose clients use another parser, and what recovery is in a cluster.
@Suite struct ClusterParserTests {
    private static func packets(_ client: TestClient, _ count: Int) throws -> [SocketValue] {
        var all: [SocketValue] = []
        while all.count < count {
            let frame = try client.readFrame()
            guard frame.first == 0x82 else { continue }
            let value = try frame.payload.withUnsafeBytes { bytes in
                var reader = MessagePackReader(bytes)
                return try reader.readValue()
            }
            all.append(value)
        }
        return all
    }

    private static func packet(_ value: SocketValue) -> [UInt8] {
        var buffer = ByteBuffer()
        MessagePackWriter.write(value, into: &buffer)
        return TestClient.frame(0x82, Array(buffer.readableBytesView))
    }

    @Test func broadcastsCrossBetweenParsers() async throws {
        let redis = try RedisServerProcess()
        var messagePack = TestNode.Options()
        messagePack.settings = { $0.parser = .messagePack }
        messagePack.setUp = { server, _ in
            server.main.on(
                "all",
                passing: { socket, arguments in
                    socket.namespace.everyone.emit("said", passing: arguments)
                    return nil
                })
        }
        let options = messagePack
        try await TestNode.run(redisPort: redis.port) { plain in
            try await TestNode.run(redisPort: redis.port, options) { packed in
                let one = try await WebSocketClient.connect(plain)
                try await blocking {
                    let other = try TestClient(port: packed.port)
                    try other.openSession()
                    try other.write(Self.packet(["type": 0, "nsp": "/"]))
                    #expect(try Self.packets(other, 1)[0]["data"]?["sid"] != nil)

                    let tree: SocketValue = [
                        "a": [.binary(ByteBuffer(bytes: [1, 2])), "ü"], "n": 9_007_199_254_740_991,
                    ]
                    plain.io.emit("tree", tree, 1.5)
                    #expect(try Self.packets(other, 1) == [["type": 2, "nsp": "/", "data": ["tree", tree, 1.5]]])
                    let bytes = SocketValue.binary(ByteBuffer(bytes: [3]))
                    try other.write(Self.packet(["type": 2, "nsp": "/", "data": ["all", bytes, ["x": .null]]]))
                    #expect(
                        try Self.packets(other, 1) == [["type": 2, "nsp": "/", "data": ["said", bytes, ["x": .null]]]])
                }
                try await eventually("it crosses") {
                    one.all.suffix(2) == [
                        .text(#"451-["said",{"_placeholder":true,"num":0},{"x":null}]"#), .binary([3]),
                    ]
                }
            }
        }
    }

    @Test func recoveryIsOffInAClusterAndSaysSo() async throws {
        let redis = try RedisServerProcess()
        let lines = Recorder<String>()
        var options = TestNode.Options()
        options.settings = { $0.connectionStateRecovery = ConnectionStateRecovery() }
        options.logger = Logger(recording: lines, level: .warning)
        try await TestNode.run(redisPort: redis.port, options) { node in
            let client = try await WebSocketClient.connect(node, auth: #"{"pid":"x","offset":"0.0"}"#)
            #expect(client.texts.contains { $0.hasPrefix("40{") && !$0.contains("pid") })
            node.io.emit("e")
            try await client.expect([#"42["e"]"#])
        }
        #expect(lines.all.count { $0.contains("connection state recovery is off") } == 1)
    }
}
