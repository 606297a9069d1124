// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The header of one client frame, found in bytes that somebody else owns.
struct FrameHeader {
    var firstByte: UInt8
    var headerLength: Int
    var payloadLength: Int
    var mask: UInt32

    var frameLength: Int { self.headerLength + self.payloadLength }
}

enum FrameParsing {
    case needsMore
    case found(FrameHeader)
    case violation(closeCode: UInt16)
}

/// Frames of RFC 6455 on raw bytes: no state beyond the bytes themselves, no allocation.
package enum WebSocketCodec {
    package static let text: UInt8 = 0x81
    package static let binary: UInt8 = 0x82
    static let close: UInt8 = 0x88
    static let ping: UInt8 = 0x89
    static let pong: UInt8 = 0x8A
    static let final: UInt8 = 0x80
    /// RSV1: the first frame of a compressed message (RFC 7692, 6).
    static let compressed: UInt8 = 0x40
    /// Bits that no frame may have while no extension is in use.
    static let reserved: UInt8 = 0x70
    package static let longestHeader = 10

    /// RFC 6455, 5.2: a client's frame must be masked (5.1), reserved bits must be clear, control frames are short and whole (5.5),
    /// lengths are as short as they can be.
    ///
    /// - Parameter reserved: the bits that must be clear. Of control frames all must be, always.
    @inline(__always)
    static func parseHeader(
        _ bytes: UnsafeRawBufferPointer, maximumPayload: Int, reserved: UInt8 = Self.reserved
    ) -> FrameParsing {
        guard bytes.count >= 2 else { return .needsMore }
        let first = bytes[0]
        let second = bytes[1]
        guard second & 0x80 != 0, first & reserved == 0 else { return .violation(closeCode: 1002) }
        var length = Int(second & 0x7F)
        if first & 0x08 != 0 {
            guard length < 126, first & 0xF0 == Self.final, first & 0x0F <= 0x0A else {
                return .violation(closeCode: 1002)
            }
        } else if first & 0x0F > 2 {
            return .violation(closeCode: 1002)
        }
        var header = 6
        if length >= 126 {
            if length == 126 {
                header = 8
                guard bytes.count >= header else { return .needsMore }
                length = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
                guard length >= 126 else { return .violation(closeCode: 1002) }
            } else {
                header = 14
                guard bytes.count >= header else { return .needsMore }
                let wide = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
                guard wide >> 63 == 0, wide >= 65536 else { return .violation(closeCode: 1002) }
                length = Int(clamping: wide)
            }
        }
        guard length <= maximumPayload else { return .violation(closeCode: 1009) }
        guard bytes.count >= header else { return .needsMore }
        let mask = bytes.loadUnaligned(fromByteOffset: header &- 4, as: UInt32.self)
        return .found(FrameHeader(firstByte: first, headerLength: header, payloadLength: length, mask: mask))
    }

    /// Copies and unmasks in one pass of eight bytes a step, and says whether all of it was ASCII.
    ///
    /// The channel still holds a reference to the buffer that was read, so unmasking in place would copy the whole buffer first.
    @inline(__always)
    static func unmask(
        _ source: UnsafeRawPointer, into target: UnsafeMutableRawPointer, count: Int, mask: UInt32
    ) -> Bool {
        let wide = UInt64(mask) << 32 | UInt64(mask)
        var seen: UInt64 = 0
        var offset = 0
        while offset &+ 8 <= count {
            let word = (source + offset).loadUnaligned(as: UInt64.self) ^ wide
            (target + offset).storeBytes(of: word, as: UInt64.self)
            seen |= word
            offset &+= 8
        }
        var rest = wide
        while offset < count {
            let byte = (source + offset).load(as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
            (target + offset).storeBytes(of: byte, as: UInt8.self)
            seen |= UInt64(byte)
            rest >>= 8
            offset &+= 1
        }
        return seen & 0x8080_8080_8080_8080 == 0
    }

    /// Writes a server frame's header at `target`, which has room for ten bytes; the payload follows the returned pointer.
    @inline(__always)
    package static func writeHeader(
        _ firstByte: UInt8, payloadLength: Int, at target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        target.storeBytes(of: firstByte, as: UInt8.self)
        if payloadLength < 126 {
            (target + 1).storeBytes(of: UInt8(truncatingIfNeeded: payloadLength), as: UInt8.self)
            return target + 2
        } else if payloadLength < 65536 {
            (target + 1).storeBytes(of: 126, as: UInt8.self)
            (target + 2).storeBytes(of: UInt16(truncatingIfNeeded: payloadLength).bigEndian, as: UInt16.self)
            return target + 4
        }
        (target + 1).storeBytes(of: 127, as: UInt8.self)
        (target + 2).storeBytes(of: UInt64(payloadLength).bigEndian, as: UInt64.self)
        return target + 10
    }

    /// Reads a frame that this server wrote itself: first byte, where the payload starts and how long it is.
    static func readServerFrame(_ bytes: UnsafeRawBufferPointer) -> (firstByte: UInt8, header: Int, length: Int) {
        let short = Int(bytes[1])
        if short < 126 { return (bytes[0], 2, short) }
        if short == 126 {
            return (bytes[0], 4, Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))))
        }
        return (bytes[0], 10, Int(UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))))
    }

    /// RFC 6455, 7.4: codes that an endpoint may send.
    static func isValidCloseCode(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

extension ByteBuffer {
    /// Appends a whole server frame: one capacity check, one pass.
    @inline(__always)
    package mutating func writeFrame(_ firstByte: UInt8, _ payload: UnsafeRawBufferPointer) {
        self.writeFrame(firstByte, payloadLength: payload.count) { body in
            if let base = payload.baseAddress, payload.count > 0 {
                body.copyMemory(from: base, byteCount: payload.count)
            }
        }
    }

    /// Appends a server frame whose payload `fill` writes: exactly `payloadLength` bytes.
    @inline(__always)
    package mutating func writeFrame(
        _ firstByte: UInt8, payloadLength: Int, fill: (UnsafeMutableRawPointer) -> Void
    ) {
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: payloadLength + WebSocketCodec.longestHeader) { room in
            guard let start = room.baseAddress else { return 0 }
            let body = WebSocketCodec.writeHeader(firstByte, payloadLength: payloadLength, at: start)
            fill(body)
            return body - start + payloadLength
        }
    }

    @inline(__always)
    mutating func writeFrame(_ firstByte: UInt8, _ payload: StaticString) {
        self.writeFrame(firstByte, UnsafeRawBufferPointer(start: payload.utf8Start, count: payload.utf8CodeUnitCount))
    }
}
