// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

extension JSONWriter {
    /// Writes a value; binary ones become placeholders and are appended to the attachments.
    package static func write(
        _ value: SocketValue, into buffer: inout ByteBuffer, attachments: inout [ByteBuffer]
    ) {
        self.put(into: &buffer, room: self.maximumLength(of: value)) { sink in
            sink.put(value, attachments: &attachments)
        }
    }

    /// What a value needs at most; exact for strings.
    private static func maximumLength(of value: SocketValue) -> Int {
        switch value {
        case .null, .bool: 5
        case .int, .double: JSONSink.maximumNumberLength
        case .string(let text): self.quotedLength(text)
        case .binary: JSONPlaceholder.maximumLength
        case .array(let items): items.reduce(2) { $0 + 1 + self.maximumLength(of: $1) }
        case .object(let members):
            members.reduce(2) { $0 + 2 + self.quotedLength($1.key) + self.maximumLength(of: $1.value) }
        }
    }

    private static func quotedLength(_ text: String) -> Int {
        var text = text
        return text.withUTF8 { JSONSink.quotedLength(UnsafeRawBufferPointer($0)) }
    }
}

extension JSONSink {
    fileprivate mutating func put(_ value: SocketValue, attachments: inout [ByteBuffer]) {
        switch value {
        case .null: self.put("null")
        case .bool(let value): self.put(value)
        case .int(let value): self.put(value)
        case .double(let value): self.put(value)
        case .string(let text): self.putQuoted(text)
        case .binary(let bytes):
            self.putPlaceholder(UInt64(attachments.count))
            attachments.append(bytes)
        case .array(let items):
            self.put(ASCII.openBracket)
            self.put(items, attachments: &attachments)
            self.put(ASCII.closeBracket)
        case .object(let members):
            self.put(ASCII.openBrace)
            self.put(members, attachments: &attachments)
            self.put(ASCII.closeBrace)
        }
    }

    private mutating func put(_ items: [SocketValue], attachments: inout [ByteBuffer]) {
        var isFirst = true
        for item in items {
            if !isFirst { self.put(ASCII.comma) }
            isFirst = false
            self.put(item, attachments: &attachments)
        }
    }

    private mutating func put(_ members: [String: SocketValue], attachments: inout [ByteBuffer]) {
        var isFirst = true
        for (key, value) in members {
            if !isFirst { self.put(ASCII.comma) }
            isFirst = false
            self.putQuoted(key)
            self.put(ASCII.colon)
            self.put(value, attachments: &attachments)
        }
    }

    private mutating func putQuoted(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            self.putQuoted(bytes, length: Self.quotedLength(bytes))
        }
    }
}
