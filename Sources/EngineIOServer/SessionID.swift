// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// An id of 20 URL-safe characters, kept inline: what `@socket.io/sticky` and the sharded adapter recognise as a session.
package struct SessionID: Hashable, Sendable, CustomStringConvertible {
    package static let length = 20
    private var first: UInt64 = 0
    private var second: UInt64 = 0
    private var third: UInt32 = 0

    /// Nil unless `bytes` are exactly 20 characters of `[A-Za-z0-9_-]`.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.length else { return nil }
        for byte in bytes where !Self.isAllowed(byte) { return nil }
        self.first = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        self.second = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        self.third = bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
    }

    /// Nil unless `text` is exactly 20 characters of `[A-Za-z0-9_-]`.
    package init?(_ text: some StringProtocol) {
        var copy = String(text)
        guard let id = copy.withUTF8({ Self(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = id
    }

    /// Writes the 20 characters at `target`.
    @inline(__always)
    package func write(at target: UnsafeMutableRawPointer) {
        target.storeBytes(of: self.first, as: UInt64.self)
        target.storeBytes(of: self.second, toByteOffset: 8, as: UInt64.self)
        target.storeBytes(of: self.third, toByteOffset: 16, as: UInt32.self)
    }

    package var description: String {
        withUnsafeTemporaryAllocation(byteCount: Self.length, alignment: 8) { memory in
            guard let base = memory.baseAddress else { return "" }
            self.write(at: base)
            return String(decoding: memory, as: UTF8.self)
        }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

/// Makes ids from the kernel's random bytes, fetched for many ids at a time: one system call for each would cost 5 us.
package struct IDSource {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    private var pool = [UInt8](repeating: 0, count: 4096)
    private var used = 4096
    private let prefix: [UInt8]

    /// - Parameter prefix: up to four characters that name the node; `-` follows. Empty: none, 20 random characters.
    package init(prefix: String = "") {
        self.prefix = prefix.isEmpty ? [] : Array(prefix.utf8.prefix(4)) + [UInt8(ascii: "-")]
    }

    /// An id with the prefix and at least 90 random bits.
    package mutating func next() -> SessionID {
        let count = self.prefix.count
        if self.used + SessionID.length > self.pool.count { self.refill() }
        return withUnsafeTemporaryAllocation(byteCount: SessionID.length, alignment: 8) { memory in
            for index in 0..<SessionID.length {
                memory[index] =
                    index < count
                    ? self.prefix[index] : Self.alphabet.utf8Start[Int(self.pool[self.used &+ index] & 63)]
            }
            self.used += SessionID.length
            return SessionID(UnsafeRawBufferPointer(memory)) ?? SessionID.zero
        }
    }

    private mutating func refill() {
        self.pool.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { arc4random_buf(base, bytes.count) }
        }
        self.used = 0
    }
}

extension SessionID {
    fileprivate init() {}
    /// Never an id of anybody: a prefix with characters that an id cannot have is refused where it is configured.
    fileprivate static var zero: SessionID { SessionID() }
}
