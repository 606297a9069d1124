// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Writes the types that need no container.
enum DirectEncoding {
    /// Writes a value of a type, whose kind this is.
    static func encode<T>(
        _ kind: DirectKind, _ value: T, into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) {
        switch kind {
        case .string: JSONWriter.write(DirectKind.cast(value, to: String.self), into: &buffer)
        case .int: JSONWriter.write(DirectKind.cast(value, to: Int.self), into: &buffer)
        case .double: JSONWriter.write(DirectKind.cast(value, to: Double.self), into: &buffer)
        case .bool: JSONWriter.write(DirectKind.cast(value, to: Bool.self), into: &buffer)
        case .value:
            JSONWriter.write(DirectKind.cast(value, to: SocketValue.self), into: &buffer, attachments: &attachments)
        case .binary:
            let binary = DirectKind.cast(value, to: SocketBinary.self).bytes
            JSONWriter.write(binary: binary, into: &buffer, attachments: &attachments)
        case .buffer:
            let binary = DirectKind.cast(value, to: ByteBuffer.self)
            JSONWriter.write(binary: binary, into: &buffer, attachments: &attachments)
        case .optionalString, .optionalInt, .optionalDouble, .optionalBool, .optionalValue, .optionalBinary:
            self.encodeOptional(kind, value, into: &buffer, &attachments)
        case .strings, .ints, .doubles, .bools, .values, .binaries:
            self.encodeArray(kind, value, into: &buffer, &attachments)
        }
    }

    private static func encodeOptional<T>(
        _ kind: DirectKind, _ value: T, into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) {
        switch kind {
        case .optionalString:
            self.encode(.string, DirectKind.cast(value, to: String?.self), into: &buffer, &attachments)
        case .optionalInt: self.encode(.int, DirectKind.cast(value, to: Int?.self), into: &buffer, &attachments)
        case .optionalDouble:
            self.encode(.double, DirectKind.cast(value, to: Double?.self), into: &buffer, &attachments)
        case .optionalBool: self.encode(.bool, DirectKind.cast(value, to: Bool?.self), into: &buffer, &attachments)
        case .optionalBinary:
            self.encode(.binary, DirectKind.cast(value, to: SocketBinary?.self), into: &buffer, &attachments)
        default: self.encode(.value, DirectKind.cast(value, to: SocketValue?.self), into: &buffer, &attachments)
        }
    }

    @inline(__always)
    private static func encode<Wrapped>(
        _ kind: DirectKind, _ value: Wrapped?, into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) {
        if let value {
            self.encode(kind, value, into: &buffer, &attachments)
        } else {
            JSONWriter.writeNull(into: &buffer)
        }
    }

    private static func encodeArray<T>(
        _ kind: DirectKind, _ value: T, into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) {
        switch kind {
        case .strings:
            self.encode(.string, items: DirectKind.cast(value, to: [String].self), into: &buffer, &attachments)
        case .ints: self.encode(.int, items: DirectKind.cast(value, to: [Int].self), into: &buffer, &attachments)
        case .doubles:
            self.encode(.double, items: DirectKind.cast(value, to: [Double].self), into: &buffer, &attachments)
        case .bools: self.encode(.bool, items: DirectKind.cast(value, to: [Bool].self), into: &buffer, &attachments)
        case .binaries:
            self.encode(.binary, items: DirectKind.cast(value, to: [SocketBinary].self), into: &buffer, &attachments)
        default:
            let items = DirectKind.cast(value, to: [SocketValue].self)
            JSONWriter.write(.array(items), into: &buffer, attachments: &attachments)
        }
    }

    @inline(__always)
    private static func encode<Item>(
        _ kind: DirectKind, items: [Item], into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) {
        buffer.writeInteger(ASCII.openBracket)
        var isFirst = true
        for item in items {
            if !isFirst { buffer.writeInteger(ASCII.comma) }
            isFirst = false
            self.encode(kind, item, into: &buffer, &attachments)
        }
        buffer.writeInteger(ASCII.closeBracket)
    }
}
