// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The bytes that the grammars of JSON and of packets name.
enum ASCII {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let minus = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")
    static let point = UInt8(ascii: ".")
    static let slash = UInt8(ascii: "/")
    static let questionMark = UInt8(ascii: "?")
    static let zero = UInt8(ascii: "0")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- self.zero < 10 }

    /// The bytes of a word that end a plain run of a JSON string: `"`, `\` and all below 0x20.
    ///
    /// Bit 7 of each such byte is set; above the lowest one there may be false ones, so only the lowest counts.
    @inline(__always)
    static func stringSpecials(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones &* UInt64(self.quote))
        let backslashes = word ^ (ones &* UInt64(self.backslash))
        let found =
            ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes) | ((word &- (ones &* 0x20)) & ~word)
        return found & (ones &* 0x80)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes are exactly the text.
    @inline(__always)
    func equals(_ text: StaticString) -> Bool {
        guard self.count == text.utf8CodeUnitCount else { return false }
        var index = 0
        while index < self.count {
            if self[index] != text.utf8Start[index] { return false }
            index &+= 1
        }
        return true
    }

    /// The bytes between two offsets, which must lie inside.
    @inline(__always)
    func part(from start: Int, to end: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[start..<end])
    }
}
