// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// `Sec-WebSocket-Accept` (RFC 6455, 4.2.2): SHA-1 of the 24 bytes of a key and the protocol's constant, in base64. Always two blocks.
enum AcceptKey {
    static let length = 28
    private static let constant: StaticString = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// Whether this is base64 of 16 bytes (RFC 6455, 4.2.1).
    static func isValid(_ key: UnsafeRawBufferPointer) -> Bool {
        guard key.count == 24, key[22] == UInt8(ascii: "="), key[23] == UInt8(ascii: "=") else { return false }
        return key[..<22].allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }

    /// Writes 28 bytes at `target`.
    ///
    /// - Parameter key: exactly 24 bytes, else nothing is written.
    static func write(for key: UnsafeRawBufferPointer, at target: UnsafeMutableRawPointer) {
        guard let keyStart = key.baseAddress, key.count == 24 else { return }
        withUnsafeTemporaryAllocation(byteCount: 128 + 320 + 24, alignment: 8) { memory in
            guard let message = memory.baseAddress else { return }
            memset(message, 0, memory.count)
            message.copyMemory(from: keyStart, byteCount: 24)
            (message + 24).copyMemory(from: self.constant.utf8Start, byteCount: 36)
            message.storeBytes(of: 0x80, toByteOffset: 60, as: UInt8.self)
            message.storeBytes(of: UInt16(480).bigEndian, toByteOffset: 126, as: UInt16.self)
            let words = (message + 128).bindMemory(to: UInt32.self, capacity: 80)
            var hash = Hash()
            for block in 0..<2 { hash.digest(message + 64 * block, words) }
            let digest = message + 448
            let words5 = (hash.a.bigEndian, hash.b.bigEndian, hash.c.bigEndian, hash.d.bigEndian, hash.e.bigEndian)
            withUnsafeBytes(of: words5) { bytes in
                if let base = bytes.baseAddress { digest.copyMemory(from: base, byteCount: 20) }
            }
            Self.writeBase64(UnsafePointer(digest.assumingMemoryBound(to: UInt8.self)), at: target)
        }
    }

    /// 20 bytes and a zero behind them, as 27 characters and `=`.
    private static func writeBase64(_ input: UnsafePointer<UInt8>, at target: UnsafeMutableRawPointer) {
        let letters = self.alphabet.utf8Start
        let out = target.assumingMemoryBound(to: UInt8.self)
        var position = 0
        for index in stride(from: 0, to: 21, by: 3) {
            let value = Int(input[index]) << 16 | Int(input[index + 1]) << 8 | Int(input[index + 2])
            out[position] = letters[value >> 18]
            out[position + 1] = letters[value >> 12 & 63]
            out[position + 2] = letters[value >> 6 & 63]
            out[position + 3] = letters[value & 63]
            position += 4
        }
        out[27] = UInt8(ascii: "=")
    }

    private struct Hash {
        var a: UInt32 = 0x6745_2301
        var b: UInt32 = 0xEFCD_AB89
        var c: UInt32 = 0x98BA_DCFE
        var d: UInt32 = 0x1032_5476
        var e: UInt32 = 0xC3D2_E1F0

        mutating func digest(_ block: UnsafeMutableRawPointer, _ w: UnsafeMutablePointer<UInt32>) {
            for i in 0..<16 { w[i] = UInt32(bigEndian: block.load(fromByteOffset: 4 &* i, as: UInt32.self)) }
            for i in 16..<80 {
                let x = w[i &- 3] ^ w[i &- 8] ^ w[i &- 14] ^ w[i &- 16]
                w[i] = x << 1 | x >> 31
            }
            var (a, b, c, d, e) = (self.a, self.b, self.c, self.d, self.e)
            for i in 0..<80 {
                let f: UInt32 =
                    if i < 20 {
                        ((b & c) | (~b & d)) &+ 0x5A82_7999
                    } else if i < 40 {
                        (b ^ c ^ d) &+ 0x6ED9_EBA1
                    } else if i < 60 {
                        ((b & c) | (b & d) | (c & d)) &+ 0x8F1B_BCDC
                    } else {
                        (b ^ c ^ d) &+ 0xCA62_C1D6
                    }
                let t = (a << 5 | a >> 27) &+ f &+ e &+ w[i]
                (e, d, c, b, a) = (d, c, b << 30 | b >> 2, a, t)
            }
            self.a &+= a
            self.b &+= b
            self.c &+= c
            self.d &+= d
            self.e &+= e
        }
    }
}
