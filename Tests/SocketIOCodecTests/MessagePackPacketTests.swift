// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec
import Testing

/// The packets of `socket.io-msgpack-parser`.
@Suite struct MessagePackPacketTests {
    private static func encode(_ value: SocketValue) -> [UInt8] {
        var buffer = ByteBuffer()
        MessagePackWriter.write(value, into: &buffer)
        return Array(buffer.readableBytesView)
    }

    private static func decode(_ packet: [UInt8]) throws(SocketPacketError) -> DecodedPacket {
        do {
            return try withBytes(packet) { try MessagePackPacket.decode($0) }
        } catch let error as SocketPacketError {
            throw error
        } catch {
            throw .unknownType
        }
    }

    private static func write(
        _ type: SocketPacketType, in namespace: String = "/", id: UInt64? = nil, _ payload: String,
        _ attachments: [ByteBuffer] = []
    ) -> ByteBuffer? {
        var buffer = ByteBuffer(string: "before")
        let isWritten = withBytes(payload) {
            MessagePackPacket.write(
                type, namespace: namespace, id: id, payload: $0, attachments: attachments, into: &buffer)
        }
        #expect(buffer.readString(length: 6) == "before")
        guard isWritten else {
            #expect(buffer.readableBytes == 0)
            return nil
        }
        return buffer
    }

    @Test func theExampleOfTheParsersDocumentation() throws {
        let example = "83 a4 74797065 02 a3 6e7370 a1 2f a4 64617461 92 a5 68656c6c6f a3 796f75"
        let written = try #require(Self.write(.event, #"["hello","you"]"#))
        #expect(hexadecimal(written) == example.filter { $0 != " " })
        let packet = try Self.decode(bytes(example))
        #expect(packet.type == .event && packet.namespace == "/" && packet.id == nil)
        #expect(String(buffer: packet.payload) == #"["hello","you"]"#)
        #expect(packet.attachments.isEmpty)
    }

    @Test func allFieldsBothWays() throws {
        let binary = ByteBuffer(bytes: [1, 2, 3])
        let payload = #"["e",{"deep":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]}]"#
        let written = try #require(Self.write(.ack, in: "/chat", id: 1 << 53, payload, [binary, ByteBuffer()]))
        let packet = try Self.decode(Array(written.readableBytesView))
        #expect(packet.type == .ack && packet.namespace == "/chat" && packet.id == 1 << 53)
        // Numbered anew, in their order.
        #expect(packet.attachments == [ByteBuffer(), binary])
        let value = try withBytes(Array(packet.payload.readableBytesView)) {
            try JSONReader.value($0, attachments: packet.attachments)
        }
        #expect(value == ["e", ["deep": [.binary(ByteBuffer()), .binary(binary)]]])
        packet.withSlices { slices, attachments in
            #expect(text(slices.namespace) == "/chat" && slices.id == 1 << 53 && slices.type == .ack)
            #expect(slices.payload.count == packet.payload.readableBytes && attachments.count == 2)
        }
        let disconnect = try #require(Self.write(.disconnect, ""))
        let left = try Self.decode(Array(disconnect.readableBytesView))
        #expect(left.type == .disconnect && left.payload.readableBytes == 0)
        left.withSlices { slices, _ in #expect(slices.namespace.isEmpty && slices.payload.isEmpty) }
    }

    @Test func whatCannotBeWrittenLeavesNothing() {
        #expect(Self.write(.event, #"["e",{"_placeholder":true,"num":1}]"#, [ByteBuffer()]) == nil)
    }

    @Test func anyOrderUnknownKeysAndDuplicates() throws {
        // {options: {compress: true}, data: ["x"], id: undefined, nsp: "/a", 7: 1, type: 9, nsp: "/b", type: 2.0}
        let packet = try Self.decode(
            bytes(
                "88 a7 6f7074696f6e73 81 a8 636f6d7072657373 c3 a4 64617461 91 a1 78 a2 6964 d4 00 00 a3 6e7370 a2 2f61"
                    + "07 01 a4 74797065 09 a3 6e7370 a2 2f62 a4 74797065 cb 4000000000000000"))
        #expect(packet.type == .event && packet.namespace == "/b" && packet.id == nil)
        #expect(String(buffer: packet.payload) == #"["x"]"#)
        let undone = try Self.decode(bytes("84 a4 74797065 01 a3 6e7370 a1 2f a4 64617461 93 01 02 03 a4 64617461 c0"))
        #expect(undone.type == .disconnect && undone.payload.readableBytes == 0)
    }

    private static let accepted: [(SocketValue, SocketPacketType)] = [
        (["type": 0, "nsp": "/"], SocketPacketType.connect), (["type": 0, "nsp": "/", "data": .null], .connect),
        (["type": 0, "nsp": "/", "data": [:]], .connect),
        (["type": 1, "nsp": "/", "data": .null, "id": .null], .disconnect),
        (["type": 2, "nsp": "/", "data": [1]], .event), (["type": 3, "nsp": "/", "data": [], "id": 0], .ack),
        (["type": 4, "nsp": "/", "data": "no"], .connectError),
        (["type": 4, "nsp": "/", "data": ["message": "no"]], .connectError),
    ]

    @Test(arguments: Self.accepted)
    func accepts(_ value: SocketValue, _ type: SocketPacketType) throws {
        #expect(try Self.decode(Self.encode(value)).type == type)
    }

    private static let refused: [(SocketValue, SocketPacketError)] = [
        ([:], .unknownType), (["type": "a"], .malformedMessagePack), (["type": 7], .unknownType),
        (["type": 5, "nsp": "/", "data": ["x"]], .unknownType), (["type": -1, "nsp": "/"], .unknownType),
        (["type": 1.5, "nsp": "/"], .malformedMessagePack),
        (.binary(ByteBuffer(bytes: [1])), .malformedMessagePack),
        ([1], .malformedMessagePack), ("x", .malformedMessagePack), (["type": 2], .malformedNamespace),
        (["type": 2, "nsp": 2], .malformedMessagePack),
        (["type": 2, "nsp": .null, "data": []], .malformedNamespace),
        (["type": 2, "nsp": "/"], .malformedPayload), (["type": 2, "nsp": "/", "data": 4], .malformedPayload),
        (["type": 2, "nsp": "/", "data": [:]], .malformedPayload),
        (["type": 3, "nsp": "/", "data": "x"], .malformedPayload),
        (["type": 4, "nsp": "/", "data": []], .malformedPayload),
        (["type": 0, "nsp": "/", "data": "x"], .malformedPayload),
        (["type": 0, "nsp": "/", "data": []], .malformedPayload),
        (["type": 1, "nsp": "/", "data": [:]], .malformedPayload),
        (["type": 2, "nsp": "/", "data": [], "id": "a"], .malformedMessagePack),
        (["type": 2, "nsp": "/", "data": [], "id": -1], .idOutOfRange),
        (["type": 2, "nsp": "/", "data": [], "id": .int((1 << 53) + 1)], .idOutOfRange),
    ]

    @Test(arguments: Self.refused)
    func refuses(_ value: SocketValue, _ error: SocketPacketError) {
        #expect(throws: error) { try Self.decode(Self.encode(value)) }
    }

    @Test func lengthsAndDepthsAreBounded() throws {
        let head = "83 a4 74797065 02 a3 6e7370 a1 2f a4 64617461"
        for claim in ["dd ffffffff", "91 df ffffffff", "91 c6 ffffffff", "91 db ffffffff", "91 c9 ffffffff 01", "91"] {
            #expect(throws: SocketPacketError.malformedMessagePack) { try Self.decode(bytes(head + claim)) }
        }
        #expect(throws: SocketPacketError.malformedMessagePack) { try Self.decode(bytes("df ffffffff")) }
        #expect(throws: SocketPacketError.malformedMessagePack) { try Self.decode([]) }
        #expect(throws: SocketPacketError.malformedMessagePack) { try Self.decode(bytes(head + "91 a1 78 00")) }
        let nested = { (depth: Int) in bytes(head + "92 a1 78") + [UInt8](repeating: 0x91, count: depth - 2) + [0x90] }
        #expect(try Self.decode(nested(512)).type == .event)
        #expect(throws: SocketPacketError.malformedMessagePack) { try Self.decode(nested(513)) }
        #expect(throws: SocketPacketError.malformedMessagePack) { try Self.decode(nested(200_000)) }
    }

    @Test func binaryValuesAreBounded() throws {
        let binaries = { (count: Int) -> [UInt8] in
            Self.encode([
                "type": 2, "nsp": "/",
                "data": .array(["x"] + (0..<count).map { _ in SocketValue.binary(ByteBuffer()) }),
            ])
        }
        #expect(try Self.decode(binaries(1024)).attachments.count == 1024)
        #expect(throws: SocketPacketError.tooManyAttachments) { try Self.decode(binaries(1025)) }
    }

    @Test func cutAndChangedPacketsDoNoHarm() throws {
        let list: SocketValue = ["x", ["a": [1.5, .null, true]], .binary(ByteBuffer(bytes: [1]))]
        let whole = Self.encode([
            "type": 2, "nsp": "/chat", "id": 70000,
            "data": list,
        ])
        for length in 0..<whole.count {
            #expect(throws: SocketPacketError.malformedMessagePack) { try Self.decode(Array(whole[..<length])) }
        }
        var generator = Generator(seed: 4)
        for _ in 0..<5000 {
            var changed = whole
            for _ in 0..<3 {
                changed[Int.random(in: 0..<whole.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            guard let packet = try? Self.decode(changed) else { continue }
            packet.withSlices { slices, _ in
                #expect(slices.payload.isEmpty || (try? JSONScanner.validate(slices.payload)) != nil)
            }
        }
    }
}
