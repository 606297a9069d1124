// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// What an extension value means to notepack.io, and to `JSON.stringify` behind it.
enum MessagePackExtension {
    case undefined
    /// A date as ISO 8601 text; nil for one that JavaScript cannot print.
    case date(String?)
    case binary(UnsafeRawBufferPointer)
    /// A type of an application's own, which notepack.io gives as an array of type and bytes.
    case other(Int8, UnsafeRawBufferPointer)

    init(_ value: MessagePackReader.Extension) {
        let bytes = value.bytes
        switch (value.type, bytes.count) {
        case (0, 1) where value.isFixed && bytes[0] == 0: self = .undefined
        case (0, 8) where value.isFixed:
            let milliseconds = Int64(bigEndian: bytes.loadUnaligned(as: Int64.self))
            self = .date(ISO8601.text(milliseconds: milliseconds))
        case (0, _): self = .binary(bytes)
        case (-1, 4), (-1, 8), (-1, 12): self = .date(Self.timestamp(bytes))
        default: self = .other(value.type, bytes)
        }
    }

    /// How many containers inside each other it is in JSON, where binary is a placeholder.
    var depth: Int {
        switch self {
        case .undefined, .date: 0
        case .binary: 1
        case .other: 2
        }
    }

    /// The value; nil for `undefined`.
    var value: SocketValue? {
        switch self {
        case .undefined: nil
        case .date(let text): text.map { .string($0) } ?? .null
        case .binary(let bytes): .binary(ByteBuffer(bytes: bytes))
        case .other(let type, let bytes): .array([.int(Int64(type)), .binary(ByteBuffer(bytes: bytes))])
        }
    }

    /// The timestamp type of the MessagePack specification, in its three forms.
    private static func timestamp(_ bytes: UnsafeRawBufferPointer) -> String? {
        let seconds: Int64
        let nanoseconds: Int64
        switch bytes.count {
        case 4:
            seconds = Int64(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
            nanoseconds = 0
        case 8:
            let word = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
            seconds = Int64(word & 0x3_FFFF_FFFF)
            nanoseconds = Int64(word >> 34)
        default:
            nanoseconds = Int64(UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self)))
            seconds = Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: Int64.self))
        }
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return nil }
        return ISO8601.text(milliseconds: milliseconds.addingReportingOverflow(nanoseconds / 1_000_000).partialValue)
    }
}
