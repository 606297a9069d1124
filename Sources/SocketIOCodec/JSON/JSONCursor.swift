// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A place in a JSON text, and the tokens of RFC 8259 that can be read from it.
///
/// Every read is bounded by `end`, whatever the bytes are. After a thrown error the place is undefined.
struct JSONCursor {
    let base: UnsafeRawPointer
    var index: Int
    let end: Int

    /// Throws `unexpectedEnd` when there are no bytes at all.
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        guard let base = bytes.baseAddress else { throw .unexpectedEnd }
        self.init(base: base, index: 0, end: bytes.count)
    }

    @inline(__always)
    init(base: UnsafeRawPointer, index: Int, end: Int) {
        self.base = base
        self.index = index
        self.end = end
    }

    /// The next byte, which must be there: ask `isAtEnd` first.
    @inline(__always)
    var byte: UInt8 { self.base.load(fromByteOffset: self.index, as: UInt8.self) }

    @inline(__always)
    var isAtEnd: Bool { self.index >= self.end }

    /// The next byte, without consuming it.
    @inline(__always)
    func peek() throws(JSONError) -> UInt8 {
        guard self.index < self.end else { throw .unexpectedEnd }
        return self.byte
    }

    @inline(__always)
    func slice(from start: Int, to end: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self.base + start, count: end &- start)
    }

    @inline(__always)
    mutating func skipWhitespace() {
        while self.index < self.end {
            let byte = self.byte
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            self.index &+= 1
        }
    }

    /// Skips whitespace and returns the byte behind it, without consuming it.
    @inline(__always)
    mutating func nextByte() throws(JSONError) -> UInt8 {
        self.skipWhitespace()
        return try self.peek()
    }

    /// Skips whitespace and consumes one given byte.
    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard try self.nextByte() == byte else { throw .unexpectedByte }
        self.index &+= 1
    }

    /// Requires that only whitespace follows.
    @inline(__always)
    mutating func expectEnd() throws(JSONError) {
        self.skipWhitespace()
        guard self.isAtEnd else { throw .trailingBytes }
    }

    /// Consumes a string whose opening quote is the next byte; returns its content, as written, and whether that has escapes.
    @inline(__always)
    mutating func readString() throws(JSONError) -> (content: UnsafeRawBufferPointer, isEscaped: Bool) {
        self.index &+= 1
        let start = self.index
        let isEscaped = try self.skipStringContent()
        return (self.slice(from: start, to: self.index &- 1), isEscaped)
    }

    /// Consumes the rest of a string behind its opening quote, with the closing one; returns whether it has escapes.
    @inline(__always)
    mutating func skipStringContent() throws(JSONError) -> Bool {
        var isEscaped = false
        while true {
            self.skipPlainRun()
            let byte = try self.peek()
            if byte == ASCII.quote {
                self.index &+= 1
                return isEscaped
            }
            guard byte == ASCII.backslash else { throw .controlCharacter }
            isEscaped = true
            try self.skipEscape()
        }
    }

    /// Goes to the next quote, backslash or control character, or to the end.
    @inline(__always)
    private mutating func skipPlainRun() {
        while self.index &+ 8 <= self.end {
            let word = self.base.loadUnaligned(fromByteOffset: self.index, as: UInt64.self)
            let specials = ASCII.stringSpecials(UInt64(littleEndian: word))
            if specials != 0 {
                self.index &+= specials.trailingZeroBitCount &>> 3
                return
            }
            self.index &+= 8
        }
        while self.index < self.end {
            let byte = self.byte
            if byte < 0x20 || byte == ASCII.quote || byte == ASCII.backslash { return }
            self.index &+= 1
        }
    }

    /// Consumes one escape, whose backslash is the next byte.
    private mutating func skipEscape() throws(JSONError) {
        self.index &+= 1
        let kind = try self.peek()
        self.index &+= 1
        switch kind {
        case ASCII.quote, ASCII.backslash, ASCII.slash, UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"):
            guard self.index &+ 4 <= self.end else { throw .unexpectedEnd }
            guard JSONString.hexadecimal(self.base + self.index) != nil else { throw .malformedEscape }
            self.index &+= 4
        default: throw .malformedEscape
        }
    }

    /// Consumes a number, whose first byte is the next one; returns whether it has neither fraction nor exponent.
    @inline(__always)
    mutating func skipNumber() throws(JSONError) -> Bool {
        if self.byte == ASCII.minus { self.index &+= 1 }
        guard self.index < self.end, ASCII.isDigit(self.byte) else { throw .malformedNumber }
        if self.byte == ASCII.zero {
            self.index &+= 1
            if self.index < self.end, ASCII.isDigit(self.byte) { throw .malformedNumber }
        } else {
            self.skipDigits()
        }
        guard self.index < self.end else { return true }
        let byte = self.byte
        guard byte == ASCII.point || byte | 0x20 == UInt8(ascii: "e") else { return true }
        try self.skipFraction()
        return false
    }

    private mutating func skipFraction() throws(JSONError) {
        if self.byte == ASCII.point {
            self.index &+= 1
            try self.skipOneOrMoreDigits()
        }
        guard self.index < self.end, self.byte | 0x20 == UInt8(ascii: "e") else { return }
        self.index &+= 1
        if self.index < self.end, self.byte == ASCII.plus || self.byte == ASCII.minus { self.index &+= 1 }
        try self.skipOneOrMoreDigits()
    }

    private mutating func skipOneOrMoreDigits() throws(JSONError) {
        let start = self.index
        self.skipDigits()
        guard self.index > start else { throw .malformedNumber }
    }

    @inline(__always)
    private mutating func skipDigits() {
        while self.index < self.end, ASCII.isDigit(self.byte) { self.index &+= 1 }
    }

    /// Consumes `true`, `false` or `null`, whose first byte is the next one; returns that byte.
    @inline(__always)
    mutating func readLiteral() throws(JSONError) -> UInt8 {
        let first = self.byte
        switch first {
        case UInt8(ascii: "t"): try self.expectLiteral("true")
        case UInt8(ascii: "f"): try self.expectLiteral("false")
        case UInt8(ascii: "n"): try self.expectLiteral("null")
        default: throw .unexpectedByte
        }
        return first
    }

    @inline(__always)
    private mutating func expectLiteral(_ text: StaticString) throws(JSONError) {
        let length = text.utf8CodeUnitCount
        guard self.index &+ length <= self.end else { throw .unexpectedEnd }
        guard self.slice(from: self.index, to: self.index &+ length).equals(text) else { throw .unexpectedByte }
        self.index &+= length
    }
}
