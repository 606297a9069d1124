// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// A packet of another parser than the default one, brought into its form: the payload as JSON text with attachments.
package struct DecodedPacket {
    /// Never a binary type.
    package let type: SocketPacketType
    /// With its leading slash.
    package let namespace: String
    /// The acknowledgement id, if one is there.
    package let id: UInt64?
    /// JSON text; empty when the packet has no payload.
    package let payload: ByteBuffer
    /// What the placeholders in the payload stand for.
    package let attachments: [ByteBuffer]

    /// Memberwise.
    package init(
        type: SocketPacketType, namespace: String, id: UInt64?, payload: ByteBuffer, attachments: [ByteBuffer]
    ) {
        self.type = type
        self.namespace = namespace
        self.id = id
        self.payload = payload
        self.attachments = attachments
    }

    /// Calls `body` with the packet as the default parser gives it.
    package func withSlices(_ body: (SocketPacketSlices, [ByteBuffer]) -> Void) {
        var name = self.namespace == "/" ? "" : self.namespace
        name.withUTF8 { name in
            self.payload.withUnsafeReadableBytes { payload in
                let none = UnsafeRawBufferPointer(start: nil, count: 0)
                let slices = SocketPacketSlices(
                    type: self.type, attachmentCount: self.attachments.count, namespace: UnsafeRawBufferPointer(name),
                    id: self.id, idDigits: none, payload: payload)
                body(slices, self.attachments)
            }
        }
    }
}

/// The packets of `socket.io-msgpack-parser`: one map `{type, nsp, data, id}`, binary values inside.
package enum MessagePackPacket {
    /// Binary values of one packet at most: each costs a buffer of its own, however short it is.
    static let maximumBinaries = 1024
    /// Containers inside each other: the packet's map around what ``JSONScanner/defaultMaximumDepth`` allows.
    private static let maximumDepth = JSONScanner.defaultMaximumDepth + 1

    /// Decodes one packet. Unknown keys are ignored, of equal keys the last one counts; nil and `undefined` count as absent.
    package static func decode(_ bytes: UnsafeRawBufferPointer) throws(SocketPacketError) -> DecodedPacket {
        let fields = try Fields(bytes)
        guard let type = fields.type, let type = UInt8(exactly: type).flatMap(SocketPacketType.init), !type.isBinary
        else { throw .unknownType }
        guard let namespace = fields.namespace, !namespace.isEmpty else { throw .malformedNamespace }
        var id: UInt64?
        if let number = fields.id {
            id = UInt64(exactly: number)
            guard let id, id <= SocketPacketSlices.maximumID else { throw .idOutOfRange }
        }
        guard self.isValid(fields.dataKind, for: type) else { throw .malformedPayload }
        var payload = ByteBuffer()
        var attachments: [ByteBuffer] = []
        if let data = fields.data {
            do throws(MessagePackError) {
                var reader = MessagePackReader(data)
                try MessagePackTranscoder.writeJSON(from: &reader, into: &payload, attachments: &attachments)
            } catch {
                throw .malformedMessagePack
            }
        }
        return DecodedPacket(type: type, namespace: namespace, id: id, payload: payload, attachments: attachments)
    }

    private static func isValid(_ data: MessagePackReader.Kind?, for type: SocketPacketType) -> Bool {
        switch type {
        case .connect: data == nil || data == .map
        case .disconnect: data == nil
        case .connectError: data == .string || data == .map
        default: data == .array
        }
    }

    /// The fields of the map; ``data`` is not looked into.
    private struct Fields {
        var type: Int64?
        var namespace: String?
        var id: Int64?
        var data: UnsafeRawBufferPointer?
        var dataKind: MessagePackReader.Kind?

        init(_ bytes: UnsafeRawBufferPointer) throws(SocketPacketError) {
            var reader = MessagePackReader(bytes, maximumDepth: MessagePackPacket.maximumDepth)
            do throws(MessagePackError) {
                for _ in 0..<(try reader.readMapHeader()) { try self.readField(&reader) }
            } catch {
                throw .malformedMessagePack
            }
            guard reader.isAtEnd else { throw .malformedMessagePack }
            guard reader.binariesSkipped <= MessagePackPacket.maximumBinaries else { throw .tooManyAttachments }
        }

        private mutating func readField(_ reader: inout MessagePackReader) throws(MessagePackError) {
            let key = try reader.readKey()
            let isAbsent = try reader.nextKind() == .null || reader.isUndefinedNext
            switch key {
            case "type": self.type = isAbsent ? try self.skip(&reader) : try reader.readInteger()
            case "id": self.id = isAbsent ? try self.skip(&reader) : try reader.readInteger()
            case "nsp":
                self.namespace =
                    isAbsent ? try self.skip(&reader) : String(decoding: try reader.readString(), as: UTF8.self)
            case "data":
                self.dataKind = isAbsent ? nil : try reader.nextKind()
                self.data = isAbsent ? try self.skip(&reader) : try reader.readSlice()
            default: try reader.skipValue()
            }
        }

        private func skip<T>(_ reader: inout MessagePackReader) throws(MessagePackError) -> T? {
            try reader.skipValue()
            return nil
        }
    }

    /// Writes one packet, in the order in which the reference's packets have their fields. False, and nothing written, when the
    /// payload is not JSON or names an attachment that is not there.
    ///
    /// - Parameter payload: checked JSON text; empty if the packet has none.
    package static func write(
        _ type: SocketPacketType, namespace: String, id: UInt64?, payload: UnsafeRawBufferPointer,
        attachments: [ByteBuffer], into buffer: inout ByteBuffer
    ) -> Bool {
        let start = buffer.writerIndex
        MessagePackWriter.writeMapHeader(2 + (payload.isEmpty ? 0 : 1) + (id == nil ? 0 : 1), into: &buffer)
        MessagePackWriter.write("type", into: &buffer)
        MessagePackWriter.write(type.rawValue, into: &buffer)
        MessagePackWriter.write("nsp", into: &buffer)
        MessagePackWriter.write(namespace, into: &buffer)
        if !payload.isEmpty {
            MessagePackWriter.write("data", into: &buffer)
            do throws(JSONError) {
                try MessagePackTranscoder.write(json: payload, attachments: attachments, into: &buffer)
            } catch {
                buffer.moveWriterIndex(to: start)
                return false
            }
        }
        if let id {
            MessagePackWriter.write("id", into: &buffer)
            MessagePackWriter.write(id, into: &buffer)
        }
        return true
    }
}
