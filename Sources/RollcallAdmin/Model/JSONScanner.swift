// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Walks over JSON and checks its grammar.
struct JSONScanner {
    typealias SyntaxError = JSONText.SyntaxError
    typealias Value = JSONText.Value

    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8], from position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// A whole document; reports the members of the outermost object.
    mutating func document(
        member: (_ name: Value, _ value: Value) -> Void
    ) throws(SyntaxError) -> Value {
        self.skipSpace()
        let value: Value
        if self.peek() == UInt8(ascii: "{") {
            value = try self.object(depth: 1, member: member)
        } else {
            value = try self.value(depth: 1)
        }
        self.skipSpace()
        guard self.position == self.bytes.count else { throw .malformed(self.position) }
        return value
    }

    /// The elements of the array that begins here.
    mutating func elements() throws(SyntaxError) -> [Value] {
        var elements: [Value] = []
        _ = try self.array(depth: 1) { elements.append($0) }
        return elements
    }

    private mutating func value(depth: Int) throws(SyntaxError) -> Value {
        switch self.peek() {
        case UInt8(ascii: "{"): return try self.object(depth: depth) { _, _ in }
        case UInt8(ascii: "["): return try self.array(depth: depth) { _ in }
        case UInt8(ascii: "\""): return try self.string()
        case UInt8(ascii: "t"): return try self.literal("true")
        case UInt8(ascii: "f"): return try self.literal("false")
        case UInt8(ascii: "n"): return try self.literal("null")
        default: return try self.number()
        }
    }

    private mutating func object(
        depth: Int, member: (_ name: Value, _ value: Value) -> Void
    ) throws(SyntaxError) -> Value {
        guard depth <= JSONText.maximumDepth else { throw .tooDeep }
        let start = self.position
        self.position += 1
        self.skipSpace()
        if self.take(UInt8(ascii: "}")) {
            return Value(kind: .object, range: start..<self.position)
        }
        while true {
            self.skipSpace()
            let name = try self.string()
            self.skipSpace()
            try self.expect(UInt8(ascii: ":"))
            self.skipSpace()
            member(name, try self.value(depth: depth + 1))
            self.skipSpace()
            if self.take(UInt8(ascii: "}")) {
                return Value(kind: .object, range: start..<self.position)
            }
            try self.expect(UInt8(ascii: ","))
        }
    }

    private mutating func array(depth: Int, element: (Value) -> Void) throws(SyntaxError) -> Value {
        guard depth <= JSONText.maximumDepth else { throw .tooDeep }
        let start = self.position
        self.position += 1
        self.skipSpace()
        if self.take(UInt8(ascii: "]")) {
            return Value(kind: .array, range: start..<self.position)
        }
        while true {
            self.skipSpace()
            element(try self.value(depth: depth + 1))
            self.skipSpace()
            if self.take(UInt8(ascii: "]")) {
                return Value(kind: .array, range: start..<self.position)
            }
            try self.expect(UInt8(ascii: ","))
        }
    }

    private mutating func string() throws(SyntaxError) -> Value {
        let start = self.position
        try self.expect(UInt8(ascii: "\""))
        while let byte = self.peek() {
            self.position += 1
            switch byte {
            case UInt8(ascii: "\""): return Value(kind: .string, range: start..<self.position)
            case UInt8(ascii: "\\"): try self.escape()
            case 0..<0x20: throw .malformed(self.position - 1)
            default: break
            }
        }
        throw .malformed(self.position)
    }

    private mutating func escape() throws(SyntaxError) {
        guard let byte = self.peek() else { throw .malformed(self.position) }
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                guard let digit = self.peek(), Self.isHexadecimal(digit) else { throw .malformed(self.position) }
                self.position += 1
            }
        default:
            throw .malformed(self.position - 1)
        }
    }

    private mutating func number() throws(SyntaxError) -> Value {
        let start = self.position
        _ = self.take(UInt8(ascii: "-"))
        if !self.take(UInt8(ascii: "0")) {
            try self.digits()
        }
        if self.take(UInt8(ascii: ".")) {
            try self.digits()
        }
        if self.take(UInt8(ascii: "e")) || self.take(UInt8(ascii: "E")) {
            if !self.take(UInt8(ascii: "+")) {
                _ = self.take(UInt8(ascii: "-"))
            }
            try self.digits()
        }
        return Value(kind: .number, range: start..<self.position)
    }

    private mutating func digits() throws(SyntaxError) {
        let start = self.position
        while let byte = self.peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            self.position += 1
        }
        guard self.position > start else { throw .malformed(self.position) }
    }

    private mutating func literal(_ text: StaticString) throws(SyntaxError) -> Value {
        let start = self.position
        for byte in text.description.utf8 {
            try self.expect(byte)
        }
        return Value(kind: .literal, range: start..<self.position)
    }

    private mutating func skipSpace() {
        while let byte = self.peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            self.position += 1
        }
    }

    private func peek() -> UInt8? {
        self.position < self.bytes.count ? self.bytes[self.position] : nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard self.peek() == byte else { return false }
        self.position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws(SyntaxError) {
        guard self.take(byte) else { throw .malformed(self.position) }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
