// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Turns JSON text into MessagePack and back without a tree in between, for what passes through the cluster.
package enum MessagePackTranscoder {
    /// Writes checked JSON text (``JSONScanner``) as MessagePack, placeholders as bins.
    ///
    /// Throws when a placeholder names no attachment, or when the text is not JSON after all; the buffer is then as before.
    package static func write(
        json: UnsafeRawBufferPointer, attachments: [ByteBuffer], into buffer: inout ByteBuffer
    ) throws(JSONError) {
        let outline = try JSONOutline(json, attachmentCount: attachments.isEmpty ? nil : attachments.count)
        let room = outline.containers.reduce(outline.messagePackLength) {
            $1.isPlaceholder ? $0 + attachments[$1.number].readableBytes : $0
        }
        let start = buffer.writerIndex
        var failure: JSONError?
        MessagePackWriter.put(into: &buffer, room: room) { sink in
            do throws(JSONError) {
                try self.put(json, outline.containers, attachments, into: &sink)
            } catch {
                failure = error
            }
        }
        if let failure {
            buffer.moveWriterIndex(to: start)
            throw failure
        }
    }

    /// MessagePack has no closing marks, so the tokens can be written as they come.
    private static func put(
        _ json: UnsafeRawBufferPointer, _ containers: [JSONOutline.Container], _ attachments: [ByteBuffer],
        into sink: inout MessagePackSink
    ) throws(JSONError) {
        var cursor = try JSONCursor(json)
        var next = 0
        while !cursor.isAtEnd {
            switch cursor.byte {
            case ASCII.quote: try self.putString(&cursor, into: &sink)
            case ASCII.openBracket, ASCII.openBrace:
                let container = containers[next]
                if container.isPlaceholder {
                    sink.putBinary(attachments[container.number])
                    cursor.index = container.end
                    next = container.next
                    continue
                }
                cursor.index &+= 1
                next &+= 1
                container.isObject ? sink.putMapHeader(container.count) : sink.putArrayHeader(container.count)
            case ASCII.comma, ASCII.colon, ASCII.closeBracket, ASCII.closeBrace, 0x20, 0x0A, 0x0D, 0x09:
                cursor.index &+= 1
            default: try self.putScalar(&cursor, into: &sink)
            }
        }
    }

    private static func putString(_ cursor: inout JSONCursor, into sink: inout MessagePackSink) throws(JSONError) {
        let (content, isEscaped) = try cursor.readString()
        if isEscaped {
            sink.putString(JSONString.decode(content, isEscaped: true))
        } else {
            sink.putString(content)
        }
    }

    private static func putScalar(_ cursor: inout JSONCursor, into sink: inout MessagePackSink) throws(JSONError) {
        let byte = cursor.byte
        guard byte == ASCII.minus || ASCII.isDigit(byte) else {
            switch try cursor.readLiteral() {
            case UInt8(ascii: "n"): sink.putNil()
            case let first: sink.put(first == UInt8(ascii: "t"))
            }
            return
        }
        let start = cursor.index
        let isInteger = try cursor.skipNumber()
        let text = cursor.slice(from: start, to: cursor.index)
        if isInteger, let value = JSONNumber.integer(text, as: Int64.self) {
            sink.put(value)
        } else {
            sink.put(JSONNumber.double(text))
        }
    }
}
