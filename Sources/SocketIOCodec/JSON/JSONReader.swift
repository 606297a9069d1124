// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Builds a ``SocketValue`` from JSON text (RFC 8259, strictly).
package enum JSONReader {
    /// Reads one JSON text.
    ///
    /// With attachments, an object whose `_placeholder` is `true` becomes the attachment of its `num`, or an error if there
    /// is none, or too many placeholders. A lone surrogate in an escape becomes U+FFFD; of equal keys the last one counts.
    package static func value(
        _ bytes: UnsafeRawBufferPointer, attachments: [ByteBuffer] = [],
        maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws(JSONError) -> SocketValue {
        var parser = Parser(cursor: try JSONCursor(bytes), attachments: attachments)
        let value = try parser.value(depth: maximumDepth)
        try parser.cursor.expectEnd()
        return value
    }

    /// The text of a string, as a name that is compared needs it. The value's text must have been checked.
    ///
    /// Nil if it is no string, or if one of its escapes is half of a surrogate pair: ``value(_:attachments:maximumDepth:)``
    /// puts U+FFFD there, which makes different strings equal.
    package static func exactString(_ text: UnsafeRawBufferPointer) -> String? {
        guard text.count >= 2, text.first == ASCII.quote, text.last == ASCII.quote else { return nil }
        let content = text.part(from: 1, to: text.count &- 1)
        let isEscaped = content.contains(ASCII.backslash)
        guard !isEscaped || !JSONString.hasLoneSurrogate(content) else { return nil }
        return JSONString.decode(content, isEscaped: isEscaped)
    }

    private struct Parser {
        var cursor: JSONCursor
        let attachments: [ByteBuffer]
        var placeholders = 0

        /// Reads a value which may hold `depth` containers inside each other.
        mutating func value(depth: Int) throws(JSONError) -> SocketValue {
            switch try self.cursor.nextByte() {
            case ASCII.quote: return .string(try self.string())
            case ASCII.openBracket: return .array(try self.items(depth: depth))
            case ASCII.openBrace: return try self.replacingPlaceholder(try self.members(depth: depth))
            case ASCII.minus, ASCII.zero...UInt8(ascii: "9"): return try self.number()
            default:
                switch try self.cursor.readLiteral() {
                case UInt8(ascii: "t"): return .bool(true)
                case UInt8(ascii: "f"): return .bool(false)
                default: return .null
                }
            }
        }

        private mutating func string() throws(JSONError) -> String {
            let (content, isEscaped) = try self.cursor.readString()
            return JSONString.decode(content, isEscaped: isEscaped)
        }

        private mutating func number() throws(JSONError) -> SocketValue {
            let start = self.cursor.index
            let isInteger = try self.cursor.skipNumber()
            let text = self.cursor.slice(from: start, to: self.cursor.index)
            if isInteger, let value = JSONNumber.integer(text, as: Int64.self) { return .int(value) }
            return .double(JSONNumber.double(text))
        }

        private mutating func items(depth: Int) throws(JSONError) -> [SocketValue] {
            guard depth > 0 else { throw .tooDeep }
            self.cursor.index &+= 1
            var items: [SocketValue] = []
            guard try !self.consume(ASCII.closeBracket) else { return items }
            repeat { items.append(try self.value(depth: depth - 1)) } while try self.consume(ASCII.comma)
            try self.cursor.expect(ASCII.closeBracket)
            return items
        }

        private mutating func members(depth: Int) throws(JSONError) -> [String: SocketValue] {
            guard depth > 0 else { throw .tooDeep }
            self.cursor.index &+= 1
            var members: [String: SocketValue] = [:]
            guard try !self.consume(ASCII.closeBrace) else { return members }
            repeat {
                guard try self.cursor.nextByte() == ASCII.quote else { throw .unexpectedByte }
                let key = try self.string()
                try self.cursor.expect(ASCII.colon)
                members[key] = try self.value(depth: depth - 1)
            } while try self.consume(ASCII.comma)
            try self.cursor.expect(ASCII.closeBrace)
            return members
        }

        /// Consumes the byte behind whitespace if it is the given one.
        private mutating func consume(_ byte: UInt8) throws(JSONError) -> Bool {
            guard try self.cursor.nextByte() == byte else { return false }
            self.cursor.index &+= 1
            return true
        }

        private mutating func replacingPlaceholder(_ members: [String: SocketValue]) throws(JSONError) -> SocketValue {
            guard !self.attachments.isEmpty, members[JSONPlaceholder.key] == .bool(true) else {
                return .object(members)
            }
            // More placeholders than attachments would let a small packet become a huge one.
            self.placeholders += 1
            guard let number = members[JSONPlaceholder.numberKey]?.intValue, self.attachments.indices.contains(number),
                self.placeholders <= self.attachments.count
            else { throw .placeholderOutOfRange }
            return .binary(self.attachments[number])
        }
    }
}
