// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Writes MessagePack through a pointer. The caller has made room for everything that it puts.
struct MessagePackSink {
    private let base: UnsafeMutableRawPointer
    /// The bytes written.
    private(set) var count = 0

    /// The length of a number at most.
    static let maximumNumberLength = 9
    /// The length of any header at most.
    static let maximumHeaderLength = 5

    @inline(__always)
    init(_ base: UnsafeMutableRawPointer) { self.base = base }

    @inline(__always)
    mutating func put(type: UInt8) {
        self.base.storeBytes(of: type, toByteOffset: self.count, as: UInt8.self)
        self.count &+= 1
    }

    /// Puts a type byte and a big-endian number behind it.
    @inline(__always)
    mutating func put<T: FixedWidthInteger & BitwiseCopyable>(type: UInt8, _ value: T) {
        self.put(type: type)
        self.base.storeBytes(of: value.bigEndian, toByteOffset: self.count, as: T.self)
        self.count &+= MemoryLayout<T>.size
    }

    mutating func putNil() { self.put(type: 0xC0) }

    mutating func put(_ value: Bool) { self.put(type: value ? 0xC3 : 0xC2) }

    mutating func put(_ value: Int64) {
        switch value {
        case -0x20..<0x80: self.put(type: UInt8(truncatingIfNeeded: value))
        case 0..<0x100: self.put(type: 0xCC, UInt8(truncatingIfNeeded: value))
        case 0..<0x1_0000: self.put(type: 0xCD, UInt16(truncatingIfNeeded: value))
        case 0..<0x1_0000_0000: self.put(type: 0xCE, UInt32(truncatingIfNeeded: value))
        case 0...: self.put(type: 0xCF, value)
        case -0x80..<0: self.put(type: 0xD0, Int8(truncatingIfNeeded: value))
        case -0x8000..<0: self.put(type: 0xD1, Int16(truncatingIfNeeded: value))
        case -0x8000_0000..<0: self.put(type: 0xD2, Int32(truncatingIfNeeded: value))
        default: self.put(type: 0xD3, value)
        }
    }

    /// Puts a number: one that JavaScript holds as an exact integer as such, any other as a double.
    mutating func put(_ value: Double) {
        if value.magnitude <= 9_007_199_254_740_991, let integer = Int64(exactly: value) {
            self.put(integer)
        } else {
            self.put(type: 0xCB, value.bitPattern)
        }
    }

    mutating func putString(_ utf8: UnsafeRawBufferPointer) {
        let count = utf8.count
        switch count {
        case ..<0x20: self.put(type: 0xA0 | UInt8(truncatingIfNeeded: count))
        case ..<0x100: self.put(type: 0xD9, UInt8(truncatingIfNeeded: count))
        case ..<0x1_0000: self.put(type: 0xDA, UInt16(truncatingIfNeeded: count))
        default: self.put(type: 0xDB, UInt32(truncatingIfNeeded: count))
        }
        self.put(utf8)
    }

    mutating func putString(_ text: String) {
        var text = text
        text.withUTF8 { self.putString(UnsafeRawBufferPointer($0)) }
    }

    mutating func putBinary(_ value: ByteBuffer) {
        let count = value.readableBytes
        switch count {
        case ..<0x100: self.put(type: 0xC4, UInt8(truncatingIfNeeded: count))
        case ..<0x1_0000: self.put(type: 0xC5, UInt16(truncatingIfNeeded: count))
        default: self.put(type: 0xC6, UInt32(truncatingIfNeeded: count))
        }
        value.withUnsafeReadableBytes { self.put($0) }
    }

    mutating func putArrayHeader(_ count: Int) { self.putHeader(count, short: 0x90, long: 0xDC) }

    mutating func putMapHeader(_ count: Int) { self.putHeader(count, short: 0x80, long: 0xDE) }

    private mutating func putHeader(_ count: Int, short: UInt8, long: UInt8) {
        switch count {
        case ..<0x10: self.put(type: short | UInt8(truncatingIfNeeded: count))
        case ..<0x1_0000: self.put(type: long, UInt16(truncatingIfNeeded: count))
        default: self.put(type: long &+ 1, UInt32(truncatingIfNeeded: count))
        }
    }

    @inline(__always)
    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        (self.base + self.count).copyMemory(from: source, byteCount: bytes.count)
        self.count &+= bytes.count
    }
}
