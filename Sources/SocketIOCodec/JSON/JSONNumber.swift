// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The value of a JSON number's text, which must have been checked (``JSONCursor/skipNumber()``).
enum JSONNumber {
    /// The exact value of an integer without fraction and exponent, or nil when it does not fit.
    static func integer<T: FixedWidthInteger>(_ text: UnsafeRawBufferPointer, as type: T.Type = T.self) -> T? {
        var index = 0
        let isNegative = text.first == ASCII.minus
        if isNegative { index = 1 }
        guard index < text.count else { return nil }
        if text.count &- index <= 18 {
            var value: Int64 = 0
            while index < text.count {
                guard ASCII.isDigit(text[index]) else { return nil }
                value = value &* 10 &+ Int64(text[index] &- ASCII.zero)
                index &+= 1
            }
            return T(exactly: isNegative ? 0 &- value : value)
        }
        return self.longInteger(text.part(from: index, to: text.count), isNegative: isNegative)
    }

    private static func longInteger<T: FixedWidthInteger>(_ digits: UnsafeRawBufferPointer, isNegative: Bool) -> T? {
        var value: UInt64 = 0
        for digit in digits {
            guard ASCII.isDigit(digit) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit &- ASCII.zero))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        guard isNegative else { return T(exactly: value) }
        guard value <= Int64.min.magnitude else { return nil }
        return T(exactly: 0 &- Int64(truncatingIfNeeded: value))
    }

    /// The nearest double; infinite for what is too large, as in JavaScript.
    static func double(_ text: UnsafeRawBufferPointer) -> Double {
        self.exactDouble(text) ?? Double(String(decoding: text, as: UTF8.self)) ?? .nan
    }

    /// The powers of ten that a double holds exactly.
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// Up to 15 digits times or divided by an exact power of ten: one correctly rounded operation gives the nearest double.
    private static func exactDouble(_ text: UnsafeRawBufferPointer) -> Double? {
        var mantissa: Int64 = 0
        var digits = 0
        var fraction = 0
        var seenPoint = false
        for byte in text.dropFirst(text.first == ASCII.minus ? 1 : 0) {
            if byte == ASCII.point {
                seenPoint = true
                continue
            }
            // An exponent: rare, left to the library.
            guard ASCII.isDigit(byte), digits < 15 else { return nil }
            mantissa = mantissa &* 10 &+ Int64(byte &- ASCII.zero)
            digits &+= 1
            if seenPoint { fraction &+= 1 }
        }
        let magnitude = Double(mantissa) / self.powersOfTen[fraction]
        return text.first == ASCII.minus ? -magnitude : magnitude
    }

    /// The text that JavaScript gives the number: `1` for `1.0`, the digits themselves for most.
    static func javaScriptText(_ text: UnsafeRawBufferPointer) -> String {
        if text.count <= 15, text.first != ASCII.minus, let value = self.integer(text, as: Int64.self) {
            return String(value)
        }
        return JSONWriter.javaScriptText(self.double(text))
    }
}
