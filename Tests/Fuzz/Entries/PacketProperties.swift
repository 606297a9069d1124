// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// Packets of the default parser: the slices are what was there, and nothing is accepted that cannot be read.
enum PacketProperties {
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        guard let packet = try? SocketPacketSlices.parse(bytes) else { return }
        try self.checkSlices(packet, of: bytes)
        // In front of the parser stands the check of UTF-8.
        guard String(validating: bytes, as: UTF8.self) != nil else { return }
        try self.checkPayload(packet)
    }

    /// What stands behind a parser accepts what can be read.
    static func checkPayload(_ packet: SocketPacketSlices) throws {
        switch packet.type {
        case .event, .binaryEvent: try self.checkEvent(packet)
        case .ack, .binaryAck: try self.checkArray(packet)
        case .connect, .connectError: if !packet.payload.isEmpty { _ = try JSONReader.value(packet.payload) }
        case .disconnect: break
        }
    }

    /// The slices put together again are the same packet.
    private static func checkSlices(_ packet: SocketPacketSlices, of bytes: UnsafeRawBufferPointer) throws {
        var text: [UInt8] = [packet.type.digit]
        if packet.type.isBinary { text += Array("\(packet.attachmentCount)-".utf8) }
        if !packet.namespace.isEmpty { text += Array(packet.namespace) + [UInt8(ascii: ",")] }
        text += Array(packet.idDigits) + Array(packet.payload)
        try text.withUnsafeBytes { text in
            guard let again = try? SocketPacketSlices.parse(text) else {
                throw Finding(description: "a packet put together again is one")
            }
            try requireEqual(again.type, packet.type, "the type")
            try requireEqual(again.attachmentCount, packet.attachmentCount, "the number of attachments")
            try require(again.namespace.elementsEqual(packet.namespace), "the namespace")
            try requireEqual(again.id, packet.id, "the id")
            try require(again.payload.elementsEqual(packet.payload), "the payload")
        }
        try require(!packet.namespace.contains(UInt8(ascii: "?")), "a namespace has no query")
        if let id = packet.id {
            try requireEqual(UInt64(String(decoding: packet.idDigits, as: UTF8.self)), id, "the digits of the id")
        }
        try require(bytes.suffix(packet.payload.count).elementsEqual(packet.payload), "the payload stands last")
    }

    private static func checkEvent(_ packet: SocketPacketSlices) throws {
        let tree = try? JSONReader.value(packet.payload)
        guard let event = try? EventSlices.parse(packet.payload) else {
            // What is refused is no JSON, or begins with what is no name.
            guard let first = tree?.arrayValue?.first else { return }
            try require(first.stringValue == nil && first.doubleValue == nil, "an event is accepted")
            return
        }
        guard let items = tree?.arrayValue, let first = items.first else {
            throw Finding(description: "an event is an array with a name")
        }
        if let name = first.stringValue {
            try requireEqual(event.decodedName, name, "the name")
            try require(!event.nameIsNumber, "a string is no number")
        } else {
            try require(event.nameIsNumber && first.doubleValue != nil, "a name is a string or a number")
        }
        let slices = try ArgumentSlices(event.arguments).map { try JSONReader.value($0) }
        try requireEqual(slices.map(normalized), items.dropFirst().map(normalized), "the arguments")
        try self.checkPlaceholders(packet, event.arguments, slices)
    }

    private static func checkArray(_ packet: SocketPacketSlices) throws {
        let tree = try? JSONReader.value(packet.payload)
        let inner = try? JSONScanner.validateArray(packet.payload)
        try requireEqual(inner != nil, tree?.arrayValue != nil, "an acknowledgement is an array")
        guard let inner, let items = tree?.arrayValue else { return }
        let slices = try ArgumentSlices(inner).map { try JSONReader.value($0) }
        try requireEqual(slices.map(normalized), items.map(normalized), "the arguments")
        try self.checkPlaceholders(packet, inner, slices)
    }

    /// What the check of placeholders accepts can be read with attachments, and be sent on in MessagePack; what it
    /// refuses cannot.
    private static func checkPlaceholders(
        _ packet: SocketPacketSlices, _ arguments: UnsafeRawBufferPointer, _ values: [SocketValue]
    ) throws {
        let count = packet.attachmentCount
        guard count > 0, !arguments.isEmpty else { return }
        let attachments = (0..<count).map { ByteBuffer(integer: $0) }
        let isAccepted =
            (try? JSONScanner.validatePlaceholders(arguments, attachmentCount: attachments.count)) != nil
        let read = try? JSONReader.value(packet.payload, attachments: attachments)
        try requireEqual(isAccepted, read != nil, "placeholders that are accepted can be read")
        var packed = ByteBuffer()
        let isTranscoded =
            (try? MessagePackTranscoder.write(json: packet.payload, attachments: attachments, into: &packed)) != nil
        try requireEqual(isTranscoded, isAccepted, "placeholders that are accepted can be transcoded")
        let decoded = try? SocketDecoder.decode(SocketValue.self, from: packet.payload, attachments: attachments)
        guard let read, isTranscoded else { return }
        try requireEqual(decoded.map(normalized), normalized(read), "the decoder finds the attachments")
        let unpacked = try packed.withUnsafeReadableBytes { packed in
            var reader = MessagePackReader(packed)
            return try reader.readValue()
        }
        try requireEqual(normalized(unpacked), normalized(read), "what was transcoded holds the attachments")
        // And back: the attachments are numbered anew.
        var text = ByteBuffer()
        var found: [ByteBuffer] = []
        JSONWriter.write(read, into: &text, attachments: &found)
        let again = try text.withUnsafeReadableBytes { try JSONReader.value($0, attachments: found) }
        if !found.isEmpty { try requireEqual(normalized(again), normalized(read), "what was written with attachments") }
    }
}
