// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

@testable import SocketIOCodec

/// Packets in MessagePack: refused for a reason that holds, or what the map says, within bounds, and the same when
/// written again.
enum MessagePackPacketProperties {
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let packet: DecodedPacket
        do throws(SocketPacketError) {
            packet = try MessagePackPacket.decode(bytes)
        } catch {
            return try self.checkRefusal(error, Fields(bytes), bytes)
        }
        try self.checkBounds(packet, bytes)
        let data = try self.read(packet)
        if let fields = Fields(bytes) { try self.checkFields(packet, fields, data) }
        try self.checkWriting(packet, data)
        try self.checkReceiving(packet)
    }

    /// The map as the reader of any value has it: null counts as absent.
    private struct Fields {
        private(set) var values: [String: SocketValue] = [:]
        private(set) var areUnique = true

        init?(_ bytes: UnsafeRawBufferPointer) {
            var reader = MessagePackReader(bytes)
            do throws(MessagePackError) {
                for _ in 0..<(try reader.readMapHeader()) {
                    let key = try reader.readKey()
                    self.areUnique = self.areUnique && !self.values.keys.contains(key)
                    self.values[key] = try reader.readValue()
                }
            } catch {
                return nil
            }
            guard reader.isAtEnd else { return nil }
        }

        subscript(_ key: String) -> SocketValue? {
            guard let value = self.values[key], value != .null else { return .none }
            return value
        }
    }

    // MARK: refused

    private static func checkRefusal(
        _ error: SocketPacketError, _ fields: Fields?, _ bytes: UnsafeRawBufferPointer
    ) throws {
        // What the reader of any value does not take, or takes only in part, has no fields to look at.
        guard let fields else { return }
        let data = fields["data"]
        switch error {
        case .malformedMessagePack:
            let isWellFormed =
                ["type", "id"].allSatisfy { key in fields[key].map { self.integer($0) != nil } ?? true }
                && fields["nsp"].map { $0.stringValue != nil } ?? true
            try require(!fields.areUnique || !isWellFormed, "a packet that can be read is refused")
        case .unknownType:
            let type = fields["type"].flatMap(self.integer)
            try require(type.map { !(0...4).contains($0) } ?? true, "a type of the protocol is refused")
        case .malformedNamespace: try require(fields["nsp"]?.stringValue?.isEmpty ?? true, "a namespace is refused")
        case .idOutOfRange:
            let id = fields["id"].flatMap(self.integer)
            try require(id.map { !(0...1 << 53).contains($0) } ?? false, "an id within bounds is refused")
        case .malformedPayload:
            let type = fields["type"].flatMap(self.integer).flatMap { UInt8(exactly: $0) }
            try require(
                !self.fits(data, type.flatMap(SocketPacketType.init)), "a payload of its type's kind is refused")
        case .tooManyAttachments:
            try require(bytes.count > 2 * MessagePackPacket.maximumBinaries, "few attachments are refused")
        case .malformedAttachmentCount: throw Finding(description: "nothing announces attachments")
        }
    }

    private static func integer(_ value: SocketValue) -> Int64? {
        switch value {
        case .int(let integer): integer
        case .double(let number): Int64(exactly: number)
        default: nil
        }
    }

    /// Whether a payload is surely of its type's kind: a date reads as text and other extensions as arrays, but are none.
    private static func fits(_ data: SocketValue?, _ type: SocketPacketType?) -> Bool {
        switch (type, data) {
        case (.connect, .none), (.connect, .object), (.disconnect, .none), (.connectError, .object): true
        default: false
        }
    }

    // MARK: accepted

    private static func checkBounds(_ packet: DecodedPacket, _ bytes: UnsafeRawBufferPointer) throws {
        try require(!packet.type.isBinary, "a type without attachments of its own")
        try require(packet.id ?? 0 <= SocketPacketSlices.maximumID, "an id that JavaScript has")
        try require(packet.attachments.count <= MessagePackPacket.maximumBinaries, "so many attachments at most")
        try require(
            packet.attachments.reduce(0) { $0 + $1.readableBytes } <= bytes.count, "no more binary than there was")
        // Of a byte at most an escape of six, of a binary value its placeholder.
        let bound = 6 * bytes.count + 48 * packet.attachments.count
        try require(packet.payload.readableBytes <= bound, "a payload not much longer than its packet")
    }

    /// The payload; nil where there is none, or where a map in it looks like a placeholder of what is not there.
    private static func read(_ packet: DecodedPacket) throws -> SocketValue? {
        guard packet.payload.readableBytes > 0 else { return nil }
        return try packet.payload.withUnsafeReadableBytes { text in
            try require(String(validating: text, as: UTF8.self) != nil, "a payload is UTF-8")
            try JSONScanner.validate(text)
            return try? JSONReader.value(text, attachments: packet.attachments)
        }
    }

    private static func checkFields(_ packet: DecodedPacket, _ fields: Fields, _ data: SocketValue?) throws {
        try requireEqual(fields["type"].flatMap(self.integer), Int64(packet.type.rawValue), "the type")
        try requireEqual(fields["nsp"]?.stringValue, packet.namespace, "the namespace")
        try requireEqual(fields["id"].flatMap(self.integer), packet.id.map { Int64($0) }, "the id")
        let value = fields["data"]
        try requireEqual(packet.payload.readableBytes == 0, value == nil, "whether there is a payload")
        guard let value, !self.hasPlaceholder(value) else { return }
        try requireEqual(data.map(normalized), normalized(value), "the payload")
    }

    private static func hasPlaceholder(_ value: SocketValue) -> Bool {
        switch value {
        case .array(let items): items.contains(where: self.hasPlaceholder)
        case .object(let members): members["_placeholder"] != nil || members.values.contains(where: self.hasPlaceholder)
        default: false
        }
    }

    private static func checkWriting(_ packet: DecodedPacket, _ data: SocketValue?) throws {
        var written = ByteBuffer()
        let isWritten = packet.payload.withUnsafeReadableBytes { payload in
            MessagePackPacket.write(
                packet.type, namespace: packet.namespace, id: packet.id, payload: payload,
                attachments: packet.attachments, into: &written)
        }
        let isWhole = data != nil || packet.payload.readableBytes == 0
        try requireEqual(isWritten, isWhole, "what can be read can be written")
        guard isWritten else { return try requireEqual(written.readableBytes, 0, "what is refused leaves nothing") }
        let again: DecodedPacket
        do throws(SocketPacketError) {
            again = try written.withUnsafeReadableBytes { bytes throws(SocketPacketError) in
                try MessagePackPacket.decode(bytes)
            }
        } catch {
            // Placeholders that came with the packet can make more of an attachment than one.
            return try requireEqual(error, .tooManyAttachments, "what was written is refused")
        }
        try requireEqual(again.type, packet.type, "the type")
        try requireEqual(again.namespace, packet.namespace, "the namespace")
        try requireEqual(again.id, packet.id, "the id")
        try requireEqual(try self.read(again).map(normalized), data.map(normalized), "what was written reads the same")
    }

    /// Behind the parser the packet is looked at as one of the default parser.
    private static func checkReceiving(_ packet: DecodedPacket) throws {
        var result: Result<Void, any Error> = .success(())
        packet.withSlices { slices, attachments in
            result = Result {
                try require(attachments == packet.attachments, "the attachments")
                try requireEqual(slices.attachmentCount, attachments.count, "the number of attachments")
                let name = slices.namespace.isEmpty ? "/" : String(decoding: slices.namespace, as: UTF8.self)
                try requireEqual(name, packet.namespace, "the namespace")
                try PacketProperties.checkPayload(slices)
            }
        }
        try result.get()
    }
}
