// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Checks UTF-8 piece by piece (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF. What it accepted so far is
/// well-formed or the beginning of something well-formed.
struct UTF8Validator {
    /// Bytes that the last sequence still lacks.
    private var missing: UInt8 = 0
    /// What the next byte of that sequence may be.
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xBF

    /// Whether no sequence is cut.
    var isComplete: Bool { self.missing == 0 }

    /// False at the first byte that no continuation can mend.
    mutating func accepts(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        let count = bytes.count
        while self.missing > 0 {
            guard index < count else { return true }
            guard self.takesContinuation(bytes[index]) else { return false }
            index &+= 1
        }
        while index < count {
            let byte = bytes[index]
            if byte < 0x80 {
                index &+= 1
                continue
            }
            guard self.begins(byte) else { return false }
            index &+= 1
            while self.missing > 0 {
                guard index < count else { return true }
                guard self.takesContinuation(bytes[index]) else { return false }
                index &+= 1
            }
        }
        return true
    }

    @inline(__always)
    private mutating func begins(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: self.missing = 1
        case 0xE0: (self.missing, self.low) = (2, 0xA0)
        case 0xED: (self.missing, self.high) = (2, 0x9F)
        case 0xE1...0xEF: self.missing = 2
        case 0xF0: (self.missing, self.low) = (3, 0x90)
        case 0xF4: (self.missing, self.high) = (3, 0x8F)
        case 0xF1...0xF3: self.missing = 3
        default: return false
        }
        return true
    }

    @inline(__always)
    private mutating func takesContinuation(_ byte: UInt8) -> Bool {
        guard byte >= self.low, byte <= self.high else { return false }
        (self.low, self.high) = (0x80, 0xBF)
        self.missing &-= 1
        return true
    }
}

/// Whether the bytes are well-formed UTF-8. Only asked when a payload has a byte above 127.
package func isValidUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var validator = UTF8Validator()
    return validator.accepts(bytes) && validator.isComplete
}
