// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The significant digits and the exponent of a number, without its sign, taken from the text that Swift gives it.
///
/// Swift and JavaScript choose the same shortest digits (those nearest to the number that read back the same) and differ
/// only in the layout.
struct DecimalDigits: ~Copyable {
    /// Up to 17 digits, the first not zero.
    private var digits = InlineArray<20, UInt8>(repeating: ASCII.zero)
    private(set) var count = 0
    /// The number is 0.d₁d₂… × 10 to the power of this.
    private(set) var exponent = 0

    init(_ text: UnsafeRawBufferPointer) {
        var index = 0
        var seenPoint = false
        var zeros = 0
        while index < text.count, text[index] != UInt8(ascii: "e") {
            let byte = text[index]
            index &+= 1
            if byte == ASCII.minus { continue }
            if byte == ASCII.point {
                seenPoint = true
                continue
            }
            if !seenPoint, self.count + zeros > 0 || byte != ASCII.zero { self.exponent += 1 }
            if byte == ASCII.zero {
                // Zeros count once another digit follows; those in front only move the point.
                if self.count > 0 { zeros += 1 } else if seenPoint { self.exponent -= 1 }
                continue
            }
            while zeros > 0 {
                self.append(ASCII.zero)
                zeros -= 1
            }
            self.append(byte)
        }
        self.exponent += Self.readExponent(text, from: index + 1)
    }

    /// The digit at a place; zero behind the last one.
    subscript(index: Int) -> UInt8 { index < self.count ? self.digits[index] : ASCII.zero }

    private mutating func append(_ digit: UInt8) {
        guard self.count < 20 else { return }
        self.digits[self.count] = digit
        self.count += 1
    }

    private static func readExponent(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard start < text.count else { return 0 }
        var value = 0
        for byte in text[start...] where ASCII.isDigit(byte) { value = value * 10 + Int(byte &- ASCII.zero) }
        return text[start] == ASCII.minus ? -value : value
    }
}
