// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Decodes the types that need no container, from the text of one value.
enum DirectDecoding {
    /// Decodes a value of a type, whose kind this is.
    static func decode<T>(
        _ kind: DirectKind, _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T {
        switch kind {
        case .string: DirectKind.cast(try ValueReading.string(text), to: type)
        case .int: DirectKind.cast(try ValueReading.integer(text) as Int, to: type)
        case .double: DirectKind.cast(try ValueReading.double(text), to: type)
        case .bool: DirectKind.cast(try ValueReading.bool(text), to: type)
        case .value: DirectKind.cast(try ValueReading.value(text, attachments), to: type)
        case .binary: DirectKind.cast(SocketBinary(try ValueReading.binary(text, attachments)), to: type)
        case .buffer: DirectKind.cast(try ValueReading.binary(text, attachments), to: type)
        case .optionalString, .optionalInt, .optionalDouble, .optionalBool, .optionalValue, .optionalBinary:
            try self.decodeOptional(kind, type, text, attachments)
        case .strings, .ints, .doubles, .bools, .values, .binaries:
            try self.decodeArray(kind, type, text, attachments)
        }
    }

    private static func decodeOptional<T>(
        _ kind: DirectKind, _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T {
        switch kind {
        case .optionalString: return DirectKind.cast(try self.optional(text, ValueReading.string), to: type)
        case .optionalInt:
            let read: (UnsafeRawBufferPointer) throws(ValueError) -> Int = ValueReading.integer
            return DirectKind.cast(try self.optional(text, read), to: type)
        case .optionalDouble: return DirectKind.cast(try self.optional(text, ValueReading.double), to: type)
        case .optionalBool: return DirectKind.cast(try self.optional(text, ValueReading.bool), to: type)
        case .optionalBinary:
            let value = try self.optional(text) { text throws(ValueError) in
                SocketBinary(try ValueReading.binary(text, attachments))
            }
            return DirectKind.cast(value, to: type)
        default:
            let value = try self.optional(text) { text throws(ValueError) in try ValueReading.value(text, attachments) }
            return DirectKind.cast(value, to: type)
        }
    }

    private static func optional<Value>(
        _ text: UnsafeRawBufferPointer?, _ read: (UnsafeRawBufferPointer) throws(ValueError) -> Value
    ) throws(ValueError) -> Value? {
        guard let text, !ValueReading.isNil(text) else { return nil }
        return try read(text)
    }

    private static func decodeArray<T>(
        _ kind: DirectKind, _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T {
        switch kind {
        case .strings: return DirectKind.cast(try ValueReading.array(text, ValueReading.string), to: type)
        case .ints:
            let read: (UnsafeRawBufferPointer) throws(ValueError) -> Int = ValueReading.integer
            return DirectKind.cast(try ValueReading.array(text, read), to: type)
        case .doubles: return DirectKind.cast(try ValueReading.array(text, ValueReading.double), to: type)
        case .bools: return DirectKind.cast(try ValueReading.array(text, ValueReading.bool), to: type)
        case .binaries:
            let values = try ValueReading.array(text) { item throws(ValueError) in
                SocketBinary(try ValueReading.binary(item, attachments))
            }
            return DirectKind.cast(values, to: type)
        default:
            let values = try ValueReading.array(text) { item throws(ValueError) in
                try ValueReading.value(item, attachments)
            }
            return DirectKind.cast(values, to: type)
        }
    }
}
