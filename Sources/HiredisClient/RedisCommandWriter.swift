// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Writes the words of one command as RESP bulk strings into memory that was reserved once for all of them.
///
/// Where the memory turns out too small, nothing more is written, the size is counted on, and the whole building
/// closure runs a second time with enough: such a closure must not have effects of its own.
package struct RedisCommandWriter: ~Copyable {
    private let memory: UnsafeMutableRawPointer
    private let capacity: Int

    /// The bytes of all words so far, also of those that had no room.
    private(set) var byteCount = 0
    private(set) var wordCount = 0
    private(set) var didOverflow = false

    /// More than `$`, 19 digits and two line ends.
    static let wordOverhead = 24

    init(_ memory: UnsafeMutableRawBufferPointer, base: UnsafeMutableRawPointer) {
        self.memory = base
        self.capacity = memory.count
    }

    /// Appends a word of `byteCount` bytes, which `fill` must write completely.
    package mutating func append(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        self.wordCount += 1
        guard self.byteCount + byteCount + Self.wordOverhead <= self.capacity, !self.didOverflow else {
            self.didOverflow = true
            self.byteCount += byteCount + Self.wordOverhead
            return
        }
        var position = self.memory + self.byteCount
        position.storeBytes(of: UInt8(ascii: "$"), as: UInt8.self)
        position = Self.write(decimal: UInt64(byteCount), to: position + 1)
        position = Self.writeLineEnd(to: position)
        fill(UnsafeMutableRawBufferPointer(start: position, count: byteCount))
        position = Self.writeLineEnd(to: position + byteCount)
        self.byteCount = position - self.memory
    }

    /// Appends a word.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        self.append(byteCount: bytes.count) { $0.copyMemory(from: bytes) }
    }

    /// Appends a word that is known at compile time.
    package mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { self.append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends a word: the text as UTF-8.
    @_disfavoredOverload
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { self.append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends a word: the buffer's readable bytes.
    package mutating func append(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { self.append($0) }
    }

    /// Appends a word.
    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { self.append($0) }
    }

    /// Appends a word: the number in decimal.
    package mutating func append(_ number: some FixedWidthInteger & SignedInteger) {
        let magnitude = UInt64(number.magnitude)
        let sign = number < 0 ? 1 : 0
        self.append(byteCount: Self.digits(of: magnitude) + sign) { word in
            guard let start = word.baseAddress else { return }
            if sign == 1 { start.storeBytes(of: UInt8(ascii: "-"), as: UInt8.self) }
            _ = Self.write(decimal: magnitude, to: start + sign)
        }
    }

    /// Appends a script's key or argument.
    @_disfavoredOverload
    package mutating func append(_ argument: RedisArgument) {
        switch argument {
        case .text(let text): self.append(text)
        case .bytes(let bytes): self.append(bytes)
        case .integer(let number): self.append(number)
        }
    }

    static func writeLineEnd(to position: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        position.storeBytes(of: UInt8(ascii: "\r"), as: UInt8.self)
        position.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: 1, as: UInt8.self)
        return position + 2
    }

    /// Writes a number without a sign; returns the end.
    static func write(decimal value: UInt64, to position: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        let end = position + Self.digits(of: value)
        var rest = value
        var digit = end
        repeat {
            digit -= 1
            digit.storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), as: UInt8.self)
            rest /= 10
        } while digit > position
        return end
    }

    static func digits(of value: UInt64) -> Int {
        var count = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }
}
