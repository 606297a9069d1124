// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// A reply of Redis (RESP2), copied out of the reader's memory.
package enum RedisReply: Sendable, Equatable {
    /// A bulk string.
    case string(ByteBuffer)
    /// A simple string such as `OK`.
    case status(String)
    /// An integer.
    case integer(Int64)
    /// An array; its elements may be arrays, nulls and errors.
    case array([RedisReply])
    /// A null bulk string or null array.
    case null
    /// An error inside an array. An error as the whole reply is a ``RedisError`` instead.
    case error(String)

    /// The text of a bulk or simple string; invalid UTF-8 is repaired.
    package var text: String? {
        switch self {
        case .string(let bytes): String(buffer: bytes)
        case .status(let text): text
        default: nil
        }
    }

    /// The bytes of a bulk string.
    package var bytes: ByteBuffer? {
        guard case .string(let bytes) = self else { return nil }
        return bytes
    }

    /// The value of an integer, or of a string that is a decimal number (as Lua scripts answer numbers).
    package var int: Int? {
        switch self {
        case .integer(let value): Int(exactly: value)
        case .string(let bytes): Int(String(buffer: bytes))
        case .status(let text): Int(text)
        default: nil
        }
    }

    /// The elements of an array.
    package var elements: [RedisReply]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// Whether it is null.
    package var isNull: Bool { self == .null }
}
