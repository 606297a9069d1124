// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Base64 with the standard alphabet (RFC 4648, 4).
enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// With padding.
    static func encodedLength(_ count: Int) -> Int { (count + 2) / 3 * 4 }

    static func encode(_ bytes: UnsafeRawBufferPointer, into out: inout ByteBuffer) {
        let length = self.encodedLength(bytes.count)
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { room in
            let letters = self.alphabet.utf8Start
            var position = 0
            for index in stride(from: 0, to: bytes.count, by: 3) {
                let second = index + 1 < bytes.count ? Int(bytes[index + 1]) : 0
                let third = index + 2 < bytes.count ? Int(bytes[index + 2]) : 0
                let value = Int(bytes[index]) << 16 | second << 8 | third
                room[position] = letters[value >> 18]
                room[position + 1] = letters[value >> 12 & 63]
                room[position + 2] = index + 1 < bytes.count ? letters[value >> 6 & 63] : UInt8(ascii: "=")
                room[position + 3] = index + 2 < bytes.count ? letters[value & 63] : UInt8(ascii: "=")
                position += 4
            }
            return length
        }
    }

    /// Nil when it is not base64. As in the reference padding may be missing, and white space is skipped: the Java client
    /// breaks its lines (RFC 2045, 6.8).
    static func decode(_ text: UnsafeRawBufferPointer) -> ByteBuffer? {
        var out = ByteBufferAllocator().buffer(capacity: text.count / 4 * 3 + 2)
        var value: UInt32 = 0
        var bits = 0
        var padding = 0
        for character in text {
            if let digit = Self.digit(character), padding == 0 {
                value = value << 6 | digit
                bits += 6
                guard bits >= 8 else { continue }
                bits -= 8
                out.writeInteger(UInt8(truncatingIfNeeded: value >> UInt32(bits)))
            } else if character == UInt8(ascii: "=") {
                padding += 1
            } else if !Self.isWhiteSpace(character) {
                return nil
            }
        }
        // Six bits over: a digit that is part of no byte.
        return bits != 6 && padding <= 2 ? out : nil
    }

    private static func isWhiteSpace(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: " "), UInt8(ascii: "\t"): true
        default: false
        }
    }

    private static func digit(_ character: UInt8) -> UInt32? {
        switch character {
        case 0x41...0x5A: UInt32(character) - 0x41
        case 0x61...0x7A: UInt32(character) - 0x61 + 26
        case 0x30...0x39: UInt32(character) - 0x30 + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
