// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

extension MessagePackTranscoder {
    /// Writes the reader's next value as JSON text, as `JSON.stringify` would write what notepack.io reads.
    ///
    /// Binary becomes a placeholder and an attachment, a date its ISO 8601 text. `undefined` is `null`, and left out of a map.
    /// Strings that are not UTF-8 are repaired, so that the text can be sent to any client. What becomes a container, as binary
    /// does, counts as one for the depth. When it throws, the buffer and the attachments are as before.
    package static func writeJSON(
        from reader: inout MessagePackReader, into buffer: inout ByteBuffer, attachments: inout [ByteBuffer]
    ) throws(MessagePackError) {
        let start = buffer.writerIndex
        let count = attachments.count
        do throws(MessagePackError) {
            try self.writeValue(&reader, &buffer, &attachments, depth: reader.maximumDepth)
        } catch {
            buffer.moveWriterIndex(to: start)
            attachments.removeLast(attachments.count - count)
            throw error
        }
    }

    private static func writeValue(
        _ reader: inout MessagePackReader, _ buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer], depth: Int
    ) throws(MessagePackError) {
        switch try reader.nextKind() {
        case .null:
            try reader.readNil()
            JSONWriter.writeNull(into: &buffer)
        case .bool: JSONWriter.write(try reader.readBool(), into: &buffer)
        case .number: self.write(try reader.readNumber(), into: &buffer)
        case .string: self.writeString(try reader.readString(), into: &buffer)
        case .binary:
            guard depth > 0 else { throw .tooDeep }
            self.writeBinary(try reader.readBinary(), &buffer, &attachments)
        case .array: try self.writeArray(&reader, &buffer, &attachments, depth: depth)
        case .map: try self.writeMap(&reader, &buffer, &attachments, depth: depth)
        case .ext:
            let value = MessagePackExtension(try reader.readExtension())
            guard depth >= value.depth else { throw .tooDeep }
            self.write(value, &buffer, &attachments)
        }
    }

    private static func writeArray(
        _ reader: inout MessagePackReader, _ buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer], depth: Int
    ) throws(MessagePackError) {
        guard depth > 0 else { throw .tooDeep }
        let count = try reader.readArrayHeader()
        buffer.writeInteger(ASCII.openBracket)
        for index in 0..<count {
            if index > 0 { buffer.writeInteger(ASCII.comma) }
            try self.writeValue(&reader, &buffer, &attachments, depth: depth - 1)
        }
        buffer.writeInteger(ASCII.closeBracket)
    }

    private static func writeMap(
        _ reader: inout MessagePackReader, _ buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer], depth: Int
    ) throws(MessagePackError) {
        guard depth > 0 else { throw .tooDeep }
        let count = try reader.readMapHeader()
        buffer.writeInteger(ASCII.openBrace)
        var isFirst = true
        for _ in 0..<count {
            let start = buffer.writerIndex
            if !isFirst { buffer.writeInteger(ASCII.comma) }
            try self.writeKey(&reader, into: &buffer)
            if reader.isUndefinedNext {
                buffer.moveWriterIndex(to: start)
                try reader.skipValue()
                continue
            }
            isFirst = false
            try self.writeValue(&reader, &buffer, &attachments, depth: depth - 1)
        }
        buffer.writeInteger(ASCII.closeBrace)
    }

    private static func writeKey(_ reader: inout MessagePackReader, into buffer: inout ByteBuffer)
        throws(MessagePackError)
    {
        if try reader.nextKind() == .string {
            self.writeString(try reader.readString(), into: &buffer)
        } else {
            JSONWriter.write(try reader.readKey(), into: &buffer)
        }
        buffer.writeInteger(ASCII.colon)
    }

    private static func write(_ number: MessagePackReader.Number, into buffer: inout ByteBuffer) {
        switch number {
        case .integer(let value): JSONWriter.write(value, into: &buffer)
        case .double(let value): JSONWriter.write(value, into: &buffer)
        }
    }

    private static func writeString(_ utf8: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        if (try? UTF8Span(validating: utf8.assumingMemoryBound(to: UInt8.self).span)) != nil {
            JSONWriter.writeString(utf8, into: &buffer)
        } else {
            JSONWriter.write(String(decoding: utf8, as: UTF8.self), into: &buffer)
        }
    }

    private static func writeBinary(
        _ bytes: UnsafeRawBufferPointer, _ buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) {
        JSONWriter.write(binary: ByteBuffer(bytes: bytes), into: &buffer, attachments: &attachments)
    }

    private static func write(
        _ value: MessagePackExtension, _ buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) {
        switch value {
        case .binary(let bytes): self.writeBinary(bytes, &buffer, &attachments)
        default: JSONWriter.write(value.value ?? .null, into: &buffer, attachments: &attachments)
        }
    }
}
