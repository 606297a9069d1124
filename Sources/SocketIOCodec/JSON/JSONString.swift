// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The content of JSON strings: escapes (RFC 8259 section 7) and their meaning.
enum JSONString {
    /// The text of a string's content, without its quotes.
    ///
    /// A lone surrogate becomes U+FFFD, as do bytes that are not UTF-8, so the result is always well-formed.
    static func decode(_ content: UnsafeRawBufferPointer, isEscaped: Bool) -> String {
        guard isEscaped else { return String(decoding: content, as: UTF8.self) }
        // No escape is shorter than what it stands for.
        return String(unsafeUninitializedCapacity: content.count) { self.unescape(content, into: $0) }
    }

    /// The value of four hexadecimal digits, or nil if they are none. The four bytes must be readable.
    @inline(__always)
    static func hexadecimal(_ digits: UnsafeRawPointer) -> UInt16? {
        var value: UInt16 = 0
        for offset in 0..<4 {
            let byte = digits.load(fromByteOffset: offset, as: UInt8.self)
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte &- UInt8(ascii: "A") &+ 10
            default: return nil
            }
            value = value &<< 4 | UInt16(digit)
        }
        return value
    }

    /// Writes the meaning of a string's content; `target` must be at least as long as the content. Returns the length.
    static func unescape(_ content: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<UInt8>) -> Int {
        var read = 0
        var written = 0
        while read < content.count, written < target.count {
            let byte = content[read]
            read &+= 1
            guard byte == ASCII.backslash, read < content.count else {
                target[written] = byte
                written &+= 1
                continue
            }
            let kind = content[read]
            read &+= 1
            if kind == UInt8(ascii: "u") {
                let scalar = self.readScalar(content, &read) ?? "\u{FFFD}"
                for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter where written < target.count {
                    target[written] = unit
                    written &+= 1
                }
            } else {
                target[written] = self.meaning(of: kind)
                written &+= 1
            }
        }
        return written
    }

    private static func meaning(of kind: UInt8) -> UInt8 {
        switch kind {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: kind
        }
    }

    /// Whether an escape of a checked string's content is half of a surrogate pair without the other half.
    static func hasLoneSurrogate(_ content: UnsafeRawBufferPointer) -> Bool {
        var read = 0
        while read < content.count {
            let byte = content[read]
            read &+= 1
            guard byte == ASCII.backslash, read < content.count else { continue }
            let kind = content[read]
            read &+= 1
            if kind == UInt8(ascii: "u"), self.readScalar(content, &read) == nil { return true }
        }
        return false
    }

    /// Reads the digits behind `\u`, and a second escape when the first is the high half of a surrogate pair.
    ///
    /// Nil for a half without the other one.
    private static func readScalar(_ content: UnsafeRawBufferPointer, _ read: inout Int) -> Unicode.Scalar? {
        guard let first = self.readUnit(content, &read) else { return nil }
        guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
        guard read &+ 6 <= content.count, content[read] == ASCII.backslash, content[read &+ 1] == UInt8(ascii: "u")
        else { return nil }
        var ahead = read &+ 2
        guard let second = self.readUnit(content, &ahead), UTF16.isTrailSurrogate(second) else { return nil }
        read = ahead
        return Unicode.Scalar(0x1_0000 + (UInt32(first & 0x3FF) << 10 | UInt32(second & 0x3FF)))
    }

    private static func readUnit(_ content: UnsafeRawBufferPointer, _ read: inout Int) -> UInt16? {
        guard read &+ 4 <= content.count, let base = content.baseAddress else { return nil }
        defer { read &+= 4 }
        return self.hexadecimal(base + read)
    }
}
