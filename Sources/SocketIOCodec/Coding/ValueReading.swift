// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Reads one value of a known kind from its text; nil is a value that is missing.
enum ValueReading {
    /// Whether the value is `null` or missing.
    static func isNil(_ text: UnsafeRawBufferPointer?) -> Bool {
        guard let text, !text.equals("null") else { return true }
        // Around a whole text there may be whitespace.
        guard let first = text.first, first <= 0x20 || first == UInt8(ascii: "n") else { return false }
        do throws(JSONError) {
            var cursor = try JSONCursor(text)
            guard try cursor.nextByte() == UInt8(ascii: "n") else { return false }
            _ = try cursor.readLiteral()
            try cursor.expectEnd()
            return true
        } catch {
            return false
        }
    }

    static func string(_ text: UnsafeRawBufferPointer?) throws(ValueError) -> String {
        try self.scalar(text) { cursor throws(JSONError) in
            guard cursor.byte == ASCII.quote else { return nil }
            let (content, isEscaped) = try cursor.readString()
            return JSONString.decode(content, isEscaped: isEscaped)
        }
    }

    static func bool(_ text: UnsafeRawBufferPointer?) throws(ValueError) -> Bool {
        try self.scalar(text) { cursor throws(JSONError) in
            guard cursor.byte == UInt8(ascii: "t") || cursor.byte == UInt8(ascii: "f") else { return nil }
            return try cursor.readLiteral() == UInt8(ascii: "t")
        }
    }

    static func double(_ text: UnsafeRawBufferPointer?) throws(ValueError) -> Double {
        try self.scalar(text) { cursor throws(JSONError) in try cursor.readNumber()?.double }
    }

    static func integer<T: FixedWidthInteger>(_ text: UnsafeRawBufferPointer?) throws(ValueError) -> T {
        let number = try self.scalar(text) { cursor throws(JSONError) in try cursor.readNumber() }
        guard let value: T = number.integer() else { throw ValueError(.doesNotFit) }
        return value
    }

    /// Reads any value as a tree.
    static func value(_ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]) throws(ValueError) -> SocketValue {
        guard let text else { throw ValueError(.missing) }
        do throws(JSONError) {
            return try JSONReader.value(text, attachments: attachments)
        } catch {
            throw ValueError(.malformed(error))
        }
    }

    /// Reads a placeholder's attachment.
    static func binary(_ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]) throws(ValueError) -> ByteBuffer {
        switch try self.value(text, attachments) {
        case .binary(let bytes): return bytes
        case .null: throw ValueError(.null)
        default: throw ValueError(.mismatch)
        }
    }

    static func array<Element>(
        _ text: UnsafeRawBufferPointer?, _ read: (UnsafeRawBufferPointer) throws(ValueError) -> Element
    ) throws(ValueError) -> [Element] {
        guard let text else { throw ValueError(.missing) }
        var elements: [Element] = []
        for element in ArgumentSlices(try self.items(text)) {
            do throws(ValueError) {
                elements.append(try read(element))
            } catch {
                throw ValueError(error.reason, index: elements.count)
            }
        }
        return elements
    }

    private static func items(_ text: UnsafeRawBufferPointer) throws(ValueError) -> UnsafeRawBufferPointer {
        do throws(JSONError) {
            return try JSONScanner.validateArray(text)
        } catch {
            throw error == .notAnArray ? ValueError.mismatch(text) : ValueError(.malformed(error))
        }
    }

    /// Reads a value that only whitespace surrounds; `read` returns nil, at its first byte, for another kind of value.
    @inline(__always)
    private static func scalar<Value>(
        _ text: UnsafeRawBufferPointer?, _ read: (inout JSONCursor) throws(JSONError) -> Value?
    ) throws(ValueError) -> Value {
        guard let text else { throw ValueError(.missing) }
        do throws(JSONError) {
            var cursor = try JSONCursor(text)
            _ = try cursor.nextByte()
            if let value = try read(&cursor) {
                try cursor.expectEnd()
                return value
            }
        } catch {
            throw ValueError(.malformed(error))
        }
        throw ValueError.mismatch(text)
    }
}

extension JSONCursor {
    /// The text of a number, checked.
    struct Number {
        let text: UnsafeRawBufferPointer
        let isInteger: Bool

        var double: Double { JSONNumber.double(self.text) }

        /// The value, if the type holds it exactly.
        func integer<T: FixedWidthInteger>() -> T? {
            self.isInteger ? JSONNumber.integer(self.text) : T(exactly: JSONNumber.double(self.text))
        }
    }

    /// Consumes a number; returns nil if none begins here.
    @inline(__always)
    mutating func readNumber() throws(JSONError) -> Number? {
        guard self.byte == ASCII.minus || ASCII.isDigit(self.byte) else { return nil }
        let start = self.index
        let isInteger = try self.skipNumber()
        return Number(text: self.slice(from: start, to: self.index), isInteger: isInteger)
    }
}
