// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// MessagePack of strangers: reading, skipping and transcoding agree; what was read and written reads the same.
enum MessagePackProperties {
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        var reader = MessagePackReader(bytes)
        let value = try? reader.readValue()
        var skipping = MessagePackReader(bytes)
        let skips = (try? skipping.skipValue()) != nil
        var transcoding = MessagePackReader(bytes)
        var text = ByteBuffer(string: "before")
        var attachments = [ByteBuffer(string: "one")]
        let transcodes =
            (try? MessagePackTranscoder.writeJSON(from: &transcoding, into: &text, attachments: &attachments)) != nil
        try requireEqual(transcodes, value != nil, "what can be read can be transcoded")
        guard let value else {
            try requireEqual(String(buffer: text), "before", "a refused value leaves nothing behind")
            try requireEqual(attachments.count, 1, "a refused value leaves no attachment behind")
            return
        }
        try require(skips, "what can be read can be skipped")
        try requireEqual(skipping.remaining, reader.remaining, "what was skipped is what was read")
        try requireEqual(transcoding.remaining, reader.remaining, "what was transcoded is what was read")
        try self.checkWriting(value)
        text.moveReaderIndex(forwardBy: "before".utf8.count)
        try self.checkJSON(text, attachments, value)
    }

    private static func checkWriting(_ value: SocketValue) throws {
        var packed = ByteBuffer()
        MessagePackWriter.write(value, into: &packed)
        let again = try packed.withUnsafeReadableBytes { packed in
            var reader = MessagePackReader(packed)
            let value = try reader.readValue()
            try require(reader.isAtEnd, "what was written is one value")
            return value
        }
        try requireEqual(finite(again), finite(value), "what was written reads the same")
    }

    private static func checkJSON(_ text: ByteBuffer, _ attachments: [ByteBuffer], _ value: SocketValue) throws {
        try text.withUnsafeReadableBytes { text in
            try require(String(validating: text, as: UTF8.self) != nil, "JSON made from MessagePack is UTF-8")
            try JSONScanner.validate(text)
            // Maps that look like placeholders are refused behind this, where there are attachments.
            guard attachments.count == 1 else { return }
            let read = try JSONReader.value(text)
            try requireEqual(normalized(read), normalized(value), "JSON made from MessagePack holds the same")
        }
    }

    /// A value that can be compared: NaN is not equal to itself.
    private static func finite(_ value: SocketValue) -> SocketValue {
        switch value {
        case .double(let number) where number.isNaN: .string("NaN")
        case .double(let number): Int64(exactly: number).map { .int($0) } ?? .double(number)
        case .array(let items): .array(items.map(self.finite))
        case .object(let members): .object(members.mapValues(self.finite))
        default: value
        }
    }
}
