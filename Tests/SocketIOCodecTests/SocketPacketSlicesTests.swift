// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec
import Testing

/// What a packet should be sliced into.
struct PacketExpectation: Sendable, CustomTestStringConvertible {
    let packet: String
    let type: SocketPacketType
    var attachmentCount = 0
    var namespace = ""
    var id: UInt64?
    var idDigits = ""
    var payload = ""

    var testDescription: String { self.packet }
}

@Suite struct SocketPacketSlicesTests {
    @Test(arguments: [
        // The examples of the protocol, without the Engine.IO type in front.
        PacketExpectation(packet: "0", type: .connect),
        PacketExpectation(packet: #"0{"token":"x"}"#, type: .connect, payload: #"{"token":"x"}"#),
        PacketExpectation(
            packet: #"0/admin,{"token":"x"}"#, type: .connect, namespace: "/admin", payload: #"{"token":"x"}"#),
        PacketExpectation(packet: "0/admin,", type: .connect, namespace: "/admin"),
        PacketExpectation(packet: "0/admin", type: .connect, namespace: "/admin"),
        PacketExpectation(packet: "0/", type: .connect),
        PacketExpectation(packet: "0/,{}", type: .connect, payload: "{}"),
        PacketExpectation(packet: "0/admin?token=1&x=/,{}", type: .connect, namespace: "/admin", payload: "{}"),
        PacketExpectation(packet: "0/?token=1,", type: .connect),
        PacketExpectation(packet: "0/admin?a?b,", type: .connect, namespace: "/admin"),
        PacketExpectation(packet: "1", type: .disconnect),
        PacketExpectation(packet: "1/admin,", type: .disconnect, namespace: "/admin"),
        PacketExpectation(packet: #"2["echo","hello"]"#, type: .event, payload: #"["echo","hello"]"#),
        PacketExpectation(
            packet: #"20["echo","hello"]"#, type: .event, id: 0, idDigits: "0", payload: #"["echo","hello"]"#),
        PacketExpectation(packet: #"30["hello"]"#, type: .ack, id: 0, idDigits: "0", payload: #"["hello"]"#),
        PacketExpectation(packet: "3[]", type: .ack, payload: "[]"),
        PacketExpectation(
            packet: #"2/admin,13["x"]"#, type: .event, namespace: "/admin", id: 13, idDigits: "13", payload: #"["x"]"#),
        PacketExpectation(packet: #"2/a,["x"]"#, type: .event, namespace: "/a", payload: #"["x"]"#),
        PacketExpectation(packet: #"2["/a,b"]"#, type: .event, payload: #"["/a,b"]"#),
        PacketExpectation(
            packet: #"2007["x"]"#, type: .event, id: 7, idDigits: "007", payload: #"["x"]"#),
        PacketExpectation(
            packet: #"29007199254740992["x"]"#, type: .event, id: 1 << 53, idDigits: "9007199254740992",
            payload: #"["x"]"#),
        PacketExpectation(
            packet: #"51-["baz",{"_placeholder":true,"num":0}]"#, type: .binaryEvent, attachmentCount: 1,
            payload: #"["baz",{"_placeholder":true,"num":0}]"#),
        PacketExpectation(
            packet: #"61-0[{"_placeholder":true,"num":0}]"#, type: .binaryAck, attachmentCount: 1, id: 0, idDigits: "0",
            payload: #"[{"_placeholder":true,"num":0}]"#),
        PacketExpectation(
            packet: #"52-/admin,12["x"]"#, type: .binaryEvent, attachmentCount: 2, namespace: "/admin", id: 12,
            idDigits: "12", payload: #"["x"]"#),
        PacketExpectation(packet: #"50-["x"]"#, type: .binaryEvent, payload: #"["x"]"#),
        PacketExpectation(packet: #"510-["x"]"#, type: .binaryEvent, attachmentCount: 10, payload: #"["x"]"#),
        PacketExpectation(packet: #"4{"message":"no"}"#, type: .connectError, payload: #"{"message":"no"}"#),
        PacketExpectation(
            packet: #"4/nope,{"message":"Invalid namespace"}"#, type: .connectError, namespace: "/nope",
            payload: #"{"message":"Invalid namespace"}"#),
        PacketExpectation(packet: #"4"no""#, type: .connectError, payload: #""no""#),
    ])
    func slices(_ expected: PacketExpectation) throws {
        try withBytes(expected.packet) { bytes in
            let packet = try SocketPacketSlices.parse(bytes)
            #expect(packet.type == expected.type)
            #expect(packet.attachmentCount == expected.attachmentCount)
            #expect(text(packet.namespace) == expected.namespace)
            #expect(packet.id == expected.id)
            #expect(text(packet.idDigits) == expected.idDigits)
            #expect(text(packet.payload) == expected.payload)
        }
    }

    @Test(arguments: [
        ("", SocketPacketError.unknownType),
        ("7", .unknownType),
        ("9[]", .unknownType),
        ("/", .unknownType),
        ("x", .unknownType),
        ("é", .unknownType),
        (" 2[\"x\"]", .unknownType),
        // Attachment counts belong to the binary types, and only to them.
        (#"5["x"]"#, .malformedAttachmentCount),
        (#"5-["x"]"#, .malformedAttachmentCount),
        (#"51["x"]"#, .malformedAttachmentCount),
        (#"51"#, .malformedAttachmentCount),
        (#"5"#, .malformedAttachmentCount),
        (#"5x-["x"]"#, .malformedAttachmentCount),
        (#"5-1-["x"]"#, .malformedAttachmentCount),
        (#"51.0-["x"]"#, .malformedAttachmentCount),
        (#"6["x"]"#, .malformedAttachmentCount),
        (#"511-["x"]"#, .tooManyAttachments),
        (#"599999999999999999999999-["x"]"#, .tooManyAttachments),
        (#"21-["x"]"#, .malformedPayload),
        (#"31-["x"]"#, .malformedPayload),
        // Ids above 2^53 cannot be echoed by JavaScript.
        (#"29007199254740993["x"]"#, .idOutOfRange),
        (#"2184467440737095516160["x"]"#, .idOutOfRange),
        (#"2-1["x"]"#, .malformedPayload),
        (#"21.5["x"]"#, .malformedPayload),
        // Payloads.
        ("2", .malformedPayload),
        ("20", .malformedPayload),
        ("2/admin,", .malformedPayload),
        ("2/admin", .malformedPayload),
        (#"2{"a":1}"#, .malformedPayload),
        (#"2"x""#, .malformedPayload),
        (#"2 ["x"]"#, .malformedPayload),
        ("3", .malformedPayload),
        ("30", .malformedPayload),
        ("3{}", .malformedPayload),
        ("50-", .malformedPayload),
        ("60-{}", .malformedPayload),
        ("1{}", .malformedPayload),
        ("1[]", .malformedPayload),
        ("1/admin,{}", .malformedPayload),
        ("0[]", .malformedPayload),
        ("0null", .malformedPayload),
        (#"0"token""#, .malformedPayload),
        ("0true", .malformedPayload),
        ("0{", .malformedPayload),
        (#"0{"a":}"#, .malformedPayload),
        ("0{}x", .malformedPayload),
        ("4", .malformedPayload),
        ("4[]", .malformedPayload),
        ("4null", .malformedPayload),
        (#"4"no"#, .malformedPayload),
    ])
    func refuses(_ packet: String, _ error: SocketPacketError) {
        #expect(throws: error) { try withBytes(packet) { _ = try SocketPacketSlices.parse($0) } }
    }

    @Test func allowsAsManyAttachmentsAsTold() throws {
        let packet = #"512-["x"]"#
        #expect(
            try withBytes(packet) { try SocketPacketSlices.parse($0, maximumAttachments: 12).attachmentCount } == 12)
        #expect(throws: SocketPacketError.tooManyAttachments) {
            try withBytes(packet) { _ = try SocketPacketSlices.parse($0, maximumAttachments: 11) }
        }
        #expect(throws: SocketPacketError.tooManyAttachments) {
            try withBytes(#"51-["x"]"#) { _ = try SocketPacketSlices.parse($0, maximumAttachments: 0) }
        }
    }

    @Test func knowsItsTypes() {
        #expect(SocketPacketType.binaryEvent.isBinary && SocketPacketType.binaryAck.isBinary)
        #expect(!SocketPacketType.event.isBinary)
        #expect(SocketPacketType.binaryAck.digit == UInt8(ascii: "6"))
    }
}
