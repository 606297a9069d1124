// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Takes the body of a polling client's POST apart, one packet at a time: ``PollingFormat`` says how it is written.
struct PayloadReader {
    static let separator: UInt8 = 0x1E

    enum Framing {
        /// Protocol 4.
        case separated
        /// Protocol 3, text.
        case counted
        /// Protocol 3, `application/octet-stream`.
        case bytes
    }

    /// A packet, valid during the call that gets it.
    enum Packet {
        /// Its type first; also `b` and base64.
        case text(UnsafeRawBufferPointer)
        case binary(UnsafeRawBufferPointer)
    }

    enum Progress {
        case packet
        case end
        /// What came before was well-formed, what follows is not looked at.
        case malformed
    }

    private let body: ByteBuffer
    private let framing: Framing
    private var offset = 0
    private var isMalformed = false
    /// More digits than any length has that fits the largest body.
    private static let mostDigits = 10

    init(_ body: ByteBuffer, _ framing: Framing) {
        self.body = body
        self.framing = framing
        guard framing != .bytes else { return }
        // An empty payload is malformed, but for bytes.
        self.isMalformed = body.readableBytes == 0 || !body.withUnsafeReadableBytes { isValidUTF8($0) }
    }

    /// Calls `deliver` with the next packet, if there is one.
    mutating func next(_ deliver: (Packet) -> Void) -> Progress {
        guard !self.isMalformed else { return .malformed }
        var offset = self.offset
        let framing = self.framing
        let progress = self.body.withUnsafeReadableBytes { bytes in
            switch framing {
            case .separated: Self.readSeparated(bytes, &offset, deliver)
            case .counted: Self.readCounted(bytes, &offset, deliver)
            case .bytes: Self.readBytes(bytes, &offset, deliver)
            }
        }
        self.offset = offset
        self.isMalformed = progress == .malformed
        return progress
    }

    private static func readSeparated(
        _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ deliver: (Packet) -> Void
    ) -> Progress {
        guard offset <= bytes.count else { return .end }
        let end = bytes[offset...].firstIndex(of: Self.separator) ?? bytes.count
        guard end > offset else { return .malformed }
        deliver(.text(UnsafeRawBufferPointer(rebasing: bytes[offset..<end])))
        offset = end + 1
        return .packet
    }

    private static func readCounted(
        _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ deliver: (Packet) -> Void
    ) -> Progress {
        while offset < bytes.count {
            guard let length = self.readLength(bytes, &offset, end: UInt8(ascii: ":"), zero: UInt8(ascii: "0")),
                let end = self.index(after: length, from: offset, in: bytes)
            else { return .malformed }
            guard end > offset else { continue }  // an empty packet counts for nothing
            deliver(.text(UnsafeRawBufferPointer(rebasing: bytes[offset..<end])))
            offset = end
            return .packet
        }
        return .end
    }

    private static func readBytes(
        _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, _ deliver: (Packet) -> Void
    ) -> Progress {
        guard offset < bytes.count else { return .end }
        let kind = bytes[offset]
        offset += 1
        guard kind <= 1, let length = self.readLength(bytes, &offset, end: 0xFF, zero: 0),
            length > 0, length <= bytes.count - offset
        else { return .malformed }
        let packet = UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
        guard kind == 1 || isValidUTF8(packet) else { return .malformed }
        deliver(kind == 1 ? .binary(packet) : .text(packet))
        offset += length
        return .packet
    }

    /// Decimal digits up to `end`, which is consumed.
    private static func readLength(
        _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, end: UInt8, zero: UInt8
    ) -> Int? {
        var length = 0
        let start = offset
        while offset < bytes.count, bytes[offset] != end {
            let digit = bytes[offset] &- zero
            guard digit <= 9, offset - start < Self.mostDigits else { return nil }
            length = length * 10 + Int(digit)
            offset += 1
        }
        guard offset < bytes.count, offset > start else { return nil }
        offset += 1
        return length
    }

    /// Where `length` UTF-16 code units of valid UTF-8 end; nil when there are fewer, or when the end splits a character.
    private static func index(after length: Int, from start: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        var index = start
        var left = length
        while left > 0 {
            guard index < bytes.count else { return nil }
            let byte = bytes[index]
            left -= byte >= 0xF0 ? 2 : 1
            index += byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
        }
        return left == 0 ? index : nil
    }
}
