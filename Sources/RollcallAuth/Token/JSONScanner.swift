// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A strict reader of one JSON text (RFC 8259) that finds values without building a tree: what nobody asks for is
/// checked and skipped. Foundation's decoder would cost several times the signature.
struct JSONScanner {
    /// The text is not JSON, or is nested deeper than ``maximumDepth``.
    struct SyntaxError: Error {}

    /// What a value is, and where it stands.
    struct Value {
        enum Kind { case string, number, `true`, `false`, null, array, object }

        let kind: Kind
        /// Of a string: what stands between the quotes. Of all others: the value itself.
        let range: Range<Int>
        /// Whether a string holds escape sequences.
        let escaped: Bool

        init(_ kind: Kind, _ range: Range<Int>, escaped: Bool = false) {
            self.kind = kind
            self.range = range
            self.escaped = escaped
        }
    }

    static let maximumDepth = 32

    private let bytes: [UInt8]
    private let end: Int
    private var position: Int

    /// A scanner over bytes that must be valid UTF-8.
    init(_ bytes: [UInt8]) throws(SyntaxError) {
        // Most tokens are ASCII, which needs no further check.
        if bytes.contains(where: { $0 >= 0x80 }), String(validating: bytes, as: UTF8.self) == nil {
            throw SyntaxError()
        }
        self.init(checked: bytes, range: bytes.indices)
    }

    private init(checked bytes: [UInt8], range: Range<Int>) {
        self.bytes = bytes
        self.position = range.lowerBound
        self.end = range.upperBound
    }

    /// Reads the whole text as one object and hands each member to `body`.
    mutating func readObject<Failure: Error>(
        orThrow failure: Failure, _ body: (_ key: String, _ value: Value) throws(Failure) -> Void
    ) throws(Failure) {
        do {
            try self.openObject()
        } catch {
            throw failure
        }
        var first = true
        while true {
            let member: (String, Value)?
            do {
                member = try self.nextMember(first: first, depth: 1)
            } catch {
                throw failure
            }
            guard let (key, value) = member else { break }
            first = false
            try body(key, value)
        }
        guard self.atEnd() else { throw failure }
    }

    /// The members of an object that ``readObject(orThrow:_:)`` has delivered.
    func members<Failure: Error>(
        of object: Value, orThrow failure: Failure, _ body: (_ key: String, _ value: Value) throws(Failure) -> Void
    ) throws(Failure) {
        var inner = JSONScanner(checked: self.bytes, range: object.range)
        try inner.readObject(orThrow: failure, body)
    }

    /// The elements of an array that ``readObject(orThrow:_:)`` has delivered.
    func elements(of array: Value) throws(SyntaxError) -> [Value] {
        var inner = JSONScanner(checked: self.bytes, range: array.range)
        var elements: [Value] = []
        inner.position += 1
        while let element = try inner.nextElement(first: elements.isEmpty, depth: 1) {
            elements.append(element)
        }
        return elements
    }

    /// The text of a string value; `nil` if it is no string or holds half a surrogate pair.
    func string(_ value: Value) -> String? {
        guard value.kind == .string else { return nil }
        guard value.escaped else { return String(decoding: self.bytes[value.range], as: UTF8.self) }
        return self.unescaped(value.range)
    }

    /// A number as whole units, rounded down; `nil` if it is none or beyond what a double counts exactly.
    func integer(_ value: Value) -> Int64? {
        guard value.kind == .number else { return nil }
        let text = String(decoding: self.bytes[value.range], as: UTF8.self)
        if let integer = Int64(text), integer.magnitude < 1 << 53 {
            return integer
        }
        guard let number = Double(text), number.magnitude < 0x1p53 else { return nil }
        return Int64(number.rounded(.down))
    }
}

// MARK: - Grammar

extension JSONScanner {
    private mutating func openObject() throws(SyntaxError) {
        self.skipWhitespace()
        guard self.take(UInt8(ascii: "{")) else { throw SyntaxError() }
    }

    private mutating func nextMember(first: Bool, depth: Int) throws(SyntaxError) -> (String, Value)? {
        self.skipWhitespace()
        if self.take(UInt8(ascii: "}")) { return nil }
        if !first {
            guard self.take(UInt8(ascii: ",")) else { throw SyntaxError() }
            self.skipWhitespace()
        }
        guard self.take(UInt8(ascii: "\"")) else { throw SyntaxError() }
        let name = try self.readString()
        guard let key = self.string(name) else { throw SyntaxError() }
        self.skipWhitespace()
        guard self.take(UInt8(ascii: ":")) else { throw SyntaxError() }
        return (key, try self.readValue(depth: depth + 1))
    }

    private mutating func nextElement(first: Bool, depth: Int) throws(SyntaxError) -> Value? {
        self.skipWhitespace()
        if self.take(UInt8(ascii: "]")) { return nil }
        if !first {
            guard self.take(UInt8(ascii: ",")) else { throw SyntaxError() }
        }
        return try self.readValue(depth: depth + 1)
    }

    private mutating func readValue(depth: Int) throws(SyntaxError) -> Value {
        guard depth <= Self.maximumDepth else { throw SyntaxError() }
        self.skipWhitespace()
        let start = self.position
        guard start < self.end else { throw SyntaxError() }
        self.position += 1
        switch self.bytes[start] {
        case UInt8(ascii: "\""):
            return try self.readString()
        case UInt8(ascii: "{"):
            var first = true
            while try self.nextMember(first: first, depth: depth) != nil {
                first = false
            }
            return Value(.object, start..<self.position)
        case UInt8(ascii: "["):
            var first = true
            while try self.nextElement(first: first, depth: depth) != nil {
                first = false
            }
            return Value(.array, start..<self.position)
        case UInt8(ascii: "t"):
            return try self.readWord("true", .true, from: start)
        case UInt8(ascii: "f"):
            return try self.readWord("false", .false, from: start)
        case UInt8(ascii: "n"):
            return try self.readWord("null", .null, from: start)
        default:
            self.position = start
            return try self.readNumber()
        }
    }

    /// Reads behind the opening quote up to and with the closing one.
    private mutating func readString() throws(SyntaxError) -> Value {
        let start = self.position
        var escaped = false
        while self.position < self.end {
            let byte = self.bytes[self.position]
            self.position += 1
            switch byte {
            case UInt8(ascii: "\""):
                return Value(.string, start..<self.position - 1, escaped: escaped)
            case UInt8(ascii: "\\"):
                escaped = true
                try self.skipEscape()
            case 0..<0x20:
                throw SyntaxError()
            default:
                break
            }
        }
        throw SyntaxError()
    }

    private mutating func skipEscape() throws(SyntaxError) {
        guard self.position < self.end else { throw SyntaxError() }
        let byte = self.bytes[self.position]
        self.position += 1
        if byte == UInt8(ascii: "u") {
            guard self.hexadecimal(at: self.position) != nil else { throw SyntaxError() }
            self.position += 4
        } else if Self.escapes[byte] == nil {
            throw SyntaxError()
        }
    }

    private mutating func readNumber() throws(SyntaxError) -> Value {
        let start = self.position
        _ = self.take(UInt8(ascii: "-"))
        if !self.take(UInt8(ascii: "0")) {
            try self.readDigits()
        }
        if self.take(UInt8(ascii: ".")) {
            try self.readDigits()
        }
        if self.take(UInt8(ascii: "e")) || self.take(UInt8(ascii: "E")) {
            _ = self.take(UInt8(ascii: "+")) || self.take(UInt8(ascii: "-"))
            try self.readDigits()
        }
        return Value(.number, start..<self.position)
    }

    private mutating func readDigits() throws(SyntaxError) {
        let start = self.position
        while self.position < self.end, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self.bytes[self.position]) {
            self.position += 1
        }
        guard self.position > start else { throw SyntaxError() }
    }

    private mutating func readWord(_ word: StaticString, _ kind: Value.Kind, from start: Int) throws(SyntaxError)
        -> Value
    {
        let end = start + word.utf8CodeUnitCount
        guard end <= self.end, self.bytes[start..<end].elementsEqual(word.description.utf8) else { throw SyntaxError() }
        self.position = end
        return Value(kind, start..<end)
    }

    private mutating func skipWhitespace() {
        while self.position < self.end {
            switch self.bytes[self.position] {
            case 0x20, 0x09, 0x0A, 0x0D: self.position += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard self.position < self.end, self.bytes[self.position] == byte else { return false }
        self.position += 1
        return true
    }

    private mutating func atEnd() -> Bool {
        self.skipWhitespace()
        return self.position == self.end
    }
}

// MARK: - Escapes

extension JSONScanner {
    private static let escapes: [UInt8: UInt8] = [
        UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "/"): 0x2F, UInt8(ascii: "b"): 0x08,
        UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09,
    ]

    /// Decodes a string whose escapes ``readString()`` has checked.
    private func unescaped(_ range: Range<Int>) -> String? {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            guard self.bytes[index] == UInt8(ascii: "\\") else {
                text.append(self.bytes[index])
                index += 1
                continue
            }
            if let plain = Self.escapes[self.bytes[index + 1]] {
                text.append(plain)
                index += 2
            } else {
                guard let scalar = self.scalar(at: &index) else { return nil }
                text.append(contentsOf: String(Character(scalar)).utf8)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The scalar of `\uXXXX` or of a surrogate pair at `index`, which moves behind it.
    private func scalar(at index: inout Int) -> Unicode.Scalar? {
        guard let high = self.hexadecimal(at: index + 2) else { return nil }
        index += 6
        guard UTF16.isLeadSurrogate(high) else { return Unicode.Scalar(high) }
        guard index + 1 < self.end, self.bytes[index] == UInt8(ascii: "\\"), self.bytes[index + 1] == UInt8(ascii: "u"),
            let low = self.hexadecimal(at: index + 2), UTF16.isTrailSurrogate(low)
        else { return nil }
        index += 6
        return Unicode.Scalar(0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00))
    }

    private func hexadecimal(at start: Int) -> UInt16? {
        guard start + 4 <= self.end else { return nil }
        var value: UInt16 = 0
        for byte in self.bytes[start..<start + 4] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt16(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt16(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt16(byte - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        return value
    }
}
