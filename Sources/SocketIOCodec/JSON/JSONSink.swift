// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Writes JSON through a pointer. The caller has made room for everything that it puts.
struct JSONSink {
    private let base: UnsafeMutableRawPointer
    /// The bytes written.
    private(set) var count = 0

    /// The length of a number at most: 26 for a double, 20 for an integer.
    static let maximumNumberLength = 32

    @inline(__always)
    init(_ base: UnsafeMutableRawPointer) { self.base = base }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        self.base.storeBytes(of: byte, toByteOffset: self.count, as: UInt8.self)
        self.count &+= 1
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        self.put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        (self.base + self.count).copyMemory(from: source, byteCount: bytes.count)
        self.count &+= bytes.count
    }

    /// The length of a string's text with its quotes and escapes.
    @inline(__always)
    static func quotedLength(_ utf8: UnsafeRawBufferPointer) -> Int {
        let plain = self.plainPrefix(utf8)
        if plain == utf8.count { return plain &+ 2 }
        return self.escapedLength(utf8, from: plain)
    }

    /// The number of bytes in front of the first one that needs an escape.
    @inline(__always)
    private static func plainPrefix(_ utf8: UnsafeRawBufferPointer) -> Int {
        var index = 0
        while index &+ 8 <= utf8.count {
            let word = UInt64(littleEndian: utf8.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let specials = ASCII.stringSpecials(word)
            if specials != 0 { return index &+ specials.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < utf8.count {
            if self.escapeLength(utf8[index]) != 1 { return index }
            index &+= 1
        }
        return index
    }

    private static func escapedLength(_ utf8: UnsafeRawBufferPointer, from start: Int) -> Int {
        var length = start &+ 2
        for index in start..<utf8.count { length &+= self.escapeLength(utf8[index]) }
        return length
    }

    @inline(__always)
    private static func escapeLength(_ byte: UInt8) -> Int {
        switch byte {
        case ASCII.quote, ASCII.backslash, 0x08, 0x09, 0x0A, 0x0C, 0x0D: 2
        case 0..<0x20: 6
        default: 1
        }
    }

    /// Puts a string with quotes, escaped as `JSON.stringify` does; `length` is its ``quotedLength(_:)``.
    @inline(__always)
    mutating func putQuoted(_ utf8: UnsafeRawBufferPointer, length: Int) {
        self.put(ASCII.quote)
        if length == utf8.count &+ 2 {
            self.put(utf8)
        } else {
            for byte in utf8 { self.putEscaped(byte) }
        }
        self.put(ASCII.quote)
    }

    private mutating func putEscaped(_ byte: UInt8) {
        let letter: UInt8
        switch byte {
        case ASCII.quote, ASCII.backslash: letter = byte
        case 0x08: letter = UInt8(ascii: "b")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x0A: letter = UInt8(ascii: "n")
        case 0x0C: letter = UInt8(ascii: "f")
        case 0x0D: letter = UInt8(ascii: "r")
        case 0..<0x20:
            self.put(#"\u00"#)
            self.put(byte < 0x10 ? ASCII.zero : ASCII.zero &+ 1)
            let digit = byte & 0x0F
            self.put(digit < 10 ? ASCII.zero &+ digit : UInt8(ascii: "a") &+ digit &- 10)
            return
        default:
            self.put(byte)
            return
        }
        self.put(ASCII.backslash)
        self.put(letter)
    }

    mutating func put(_ value: Bool) {
        self.put(value ? "true" : "false")
    }

    @inline(__always)
    mutating func put(_ value: Int64) {
        if value < 0 { self.put(ASCII.minus) }
        self.put(value.magnitude)
    }

    @inline(__always)
    mutating func put(_ value: UInt64) {
        var digits = 1
        var limit: UInt64 = 10
        while digits < 20, value >= limit {
            digits &+= 1
            limit &*= 10
            if digits == 20 { break }
        }
        var rest = value
        var position = self.count &+ digits
        self.count = position
        repeat {
            position &-= 1
            self.base.storeBytes(
                of: ASCII.zero &+ UInt8(truncatingIfNeeded: rest % 10), toByteOffset: position, as: UInt8.self)
            rest /= 10
        } while rest != 0
    }

    /// Puts a number as JavaScript prints it: the shortest text that reads back the same; `null` if it is not finite.
    mutating func put<T: BinaryFloatingPoint & CustomStringConvertible>(_ value: T) {
        guard value.isFinite else { return self.put("null") }
        // Integers that both sides hold exactly; this also prints the negative zero as `0`.
        if value.magnitude < 1e15, let integer = Int64(exactly: value) { return self.put(integer) }
        var text = value.description
        if value < 0 { self.put(ASCII.minus) }
        text.withUTF8 { self.put(DecimalDigits(UnsafeRawBufferPointer($0))) }
    }

    /// The layout of ECMA-262, Number::toString.
    private mutating func put(_ digits: borrowing DecimalDigits) {
        let count = digits.count
        let exponent = digits.exponent
        if count <= exponent, exponent <= 21 {
            for index in 0..<exponent { self.put(digits[index]) }
        } else if exponent > 0, exponent <= 21 {
            for index in 0..<exponent { self.put(digits[index]) }
            self.put(ASCII.point)
            for index in exponent..<count { self.put(digits[index]) }
        } else if exponent > -6, exponent <= 0 {
            self.put("0.")
            for _ in 0..<(-exponent) { self.put(ASCII.zero) }
            for index in 0..<count { self.put(digits[index]) }
        } else {
            self.put(digits[0])
            if count > 1 { self.put(ASCII.point) }
            for index in 1..<max(count, 1) { self.put(digits[index]) }
            self.put(exponent > 0 ? "e+" : "e-")
            self.put(UInt64((exponent - 1).magnitude))
        }
    }
}
