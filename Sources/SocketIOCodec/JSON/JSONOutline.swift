// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What must be known of checked JSON text before it is written in another form: how many items each container has, and
/// which ones are placeholders. Made in one pass.
struct JSONOutline {
    struct Container {
        /// The items of an array or the members of an object.
        var count = 0
        /// Whether this is an object; `next` and `end` are only set for objects.
        let isObject: Bool
        /// Whether the last member `_placeholder` is `true`.
        var isPlaceholder = false
        /// The last member `num`; -1 when it is missing or no index.
        var number = -1
        /// The place behind its closing bracket.
        var end = 0
        /// The index of the first container that opens behind it.
        var next = 0
    }

    /// The containers in the order in which they open.
    private(set) var containers: [Container] = []
    /// An upper bound of the value's length as MessagePack, without the attachments.
    private(set) var messagePackLength = 0
    private var open: [Int] = []
    private var placeholders = 0

    /// - Parameter attachmentCount: how many attachments placeholders may name; nil when the packet is not binary, and
    ///   what looks like a placeholder is an object.
    init(_ text: UnsafeRawBufferPointer, attachmentCount: Int?) throws(JSONError) {
        var cursor = try JSONCursor(text)
        var isKey = false
        while true {
            cursor.skipWhitespace()
            guard !cursor.isAtEnd else { break }
            switch cursor.byte {
            case ASCII.quote:
                let (content, isEscaped) = try cursor.readString()
                // A byte that is not UTF-8 may become U+FFFD where escapes are decoded.
                self.messagePackLength += content.count * (isEscaped ? 3 : 1) + MessagePackSink.maximumHeaderLength
                if isKey, attachmentCount != nil { try self.noteKey(content, isEscaped: isEscaped, cursor) }
            case ASCII.openBrace, ASCII.openBracket:
                isKey = cursor.byte == ASCII.openBrace
                cursor.index &+= 1
                try self.openContainer(isObject: isKey, cursor)
            case ASCII.closeBrace, ASCII.closeBracket:
                cursor.index &+= 1
                try self.closeContainer(at: cursor.index, attachmentCount: attachmentCount)
            case ASCII.comma:
                cursor.index &+= 1
                isKey = self.noteComma()
            case ASCII.colon:
                cursor.index &+= 1
                isKey = false
            default:
                try cursor.skipScalar()
                self.messagePackLength += MessagePackSink.maximumNumberLength
            }
        }
        guard self.open.isEmpty else { throw .unexpectedEnd }
    }

    private mutating func openContainer(isObject: Bool, _ cursor: JSONCursor) throws(JSONError) {
        var ahead = cursor
        let isEmpty = try ahead.nextByte() == (isObject ? ASCII.closeBrace : ASCII.closeBracket)
        self.open.append(self.containers.count)
        self.containers.append(Container(count: isEmpty ? 0 : 1, isObject: isObject))
        self.messagePackLength += MessagePackSink.maximumHeaderLength
    }

    private mutating func closeContainer(at end: Int, attachmentCount: Int?) throws(JSONError) {
        guard let index = self.open.popLast() else { throw .unexpectedByte }
        self.containers[index].end = end
        self.containers[index].next = self.containers.count
        guard let attachmentCount, self.containers[index].isPlaceholder else { return }
        // More placeholders than attachments would let a small packet become a huge one.
        self.placeholders += 1
        guard (0..<attachmentCount).contains(self.containers[index].number), self.placeholders <= attachmentCount
        else { throw .placeholderOutOfRange }
    }

    /// Counts one more item; returns whether a key follows.
    private mutating func noteComma() -> Bool {
        guard let index = self.open.last else { return false }
        self.containers[index].count += 1
        return self.containers[index].isObject
    }

    /// Looks at the value behind a key that the cursor has just passed.
    private mutating func noteKey(
        _ content: UnsafeRawBufferPointer, isEscaped: Bool, _ cursor: JSONCursor
    ) throws(JSONError) {
        guard let index = self.open.last else { return }
        let isMark: Bool
        let isNumber: Bool
        if isEscaped {
            let key = JSONString.decode(content, isEscaped: true)
            (isMark, isNumber) = (key == JSONPlaceholder.key, key == JSONPlaceholder.numberKey)
        } else {
            (isMark, isNumber) = (content.equals("_placeholder"), content.equals("num"))
        }
        guard isMark || isNumber else { return }
        var ahead = cursor
        try ahead.expect(ASCII.colon)
        let byte = try ahead.nextByte()
        if isMark {
            self.containers[index].isPlaceholder = byte == UInt8(ascii: "t")
        } else {
            self.containers[index].number = ASCII.isDigit(byte) || byte == ASCII.minus ? try ahead.readIndex() : -1
        }
    }
}

extension JSONCursor {
    /// Consumes a number or literal.
    mutating func skipScalar() throws(JSONError) {
        if self.byte == ASCII.minus || ASCII.isDigit(self.byte) {
            _ = try self.skipNumber()
        } else {
            _ = try self.readLiteral()
        }
    }

    /// Consumes a number; returns its value if that is an index, however it is written (`0.0` and `-0` are zero), else -1.
    fileprivate mutating func readIndex() throws(JSONError) -> Int {
        let start = self.index
        let isInteger = try self.skipNumber()
        let text = self.slice(from: start, to: self.index)
        if isInteger, let value = JSONNumber.integer(text, as: Int.self) { return value }
        return Int(exactly: JSONNumber.double(text)) ?? -1
    }
}
