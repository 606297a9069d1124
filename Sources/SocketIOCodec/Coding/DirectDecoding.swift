// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Decodes the types that need no container, from the text of one value.
enum DirectDecoding {
    /// Decodes the value if its type is one of those; else returns nil.
    static func decode<T>(
        _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T? {
        if T.self == String.self { return self.cast(try ValueReading.string(text), to: type) }
        if T.self == Int.self { return self.cast(try ValueReading.integer(text) as Int, to: type) }
        if T.self == Double.self { return self.cast(try ValueReading.double(text), to: type) }
        if T.self == Bool.self { return self.cast(try ValueReading.bool(text), to: type) }
        if T.self == SocketValue.self { return self.cast(try ValueReading.value(text, attachments), to: type) }
        if T.self == SocketBinary.self {
            return self.cast(SocketBinary(try ValueReading.binary(text, attachments)), to: type)
        }
        if T.self == ByteBuffer.self { return self.cast(try ValueReading.binary(text, attachments), to: type) }
        if let decoded = try self.decodeOptional(type, text, attachments) { return decoded }
        return try self.decodeArray(type, text, attachments)
    }

    private static func decodeOptional<T>(
        _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T? {
        if T.self == String?.self { return self.cast(try self.optional(text, ValueReading.string), to: type) }
        if T.self == Int?.self {
            let read: (UnsafeRawBufferPointer) throws(ValueError) -> Int = ValueReading.integer
            return self.cast(try self.optional(text, read), to: type)
        }
        if T.self == Double?.self { return self.cast(try self.optional(text, ValueReading.double), to: type) }
        if T.self == Bool?.self { return self.cast(try self.optional(text, ValueReading.bool), to: type) }
        if T.self == SocketValue?.self {
            let value = try self.optional(text) { text throws(ValueError) in try ValueReading.value(text, attachments) }
            return self.cast(value, to: type)
        }
        if T.self == SocketBinary?.self {
            let value = try self.optional(text) { text throws(ValueError) in
                SocketBinary(try ValueReading.binary(text, attachments))
            }
            return self.cast(value, to: type)
        }
        return nil
    }

    private static func optional<Value>(
        _ text: UnsafeRawBufferPointer?, _ read: (UnsafeRawBufferPointer) throws(ValueError) -> Value
    ) throws(ValueError) -> Value? {
        guard let text, !ValueReading.isNil(text) else { return nil }
        return try read(text)
    }

    private static func decodeArray<T>(
        _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T? {
        if T.self == [String].self { return self.cast(try ValueReading.array(text, ValueReading.string), to: type) }
        if T.self == [Int].self {
            let read: (UnsafeRawBufferPointer) throws(ValueError) -> Int = ValueReading.integer
            return self.cast(try ValueReading.array(text, read), to: type)
        }
        if T.self == [Double].self { return self.cast(try ValueReading.array(text, ValueReading.double), to: type) }
        if T.self == [Bool].self { return self.cast(try ValueReading.array(text, ValueReading.bool), to: type) }
        if T.self == [SocketValue].self {
            let values = try ValueReading.array(text) { item throws(ValueError) in
                try ValueReading.value(item, attachments)
            }
            return self.cast(values, to: type)
        }
        if T.self == [SocketBinary].self {
            let values = try ValueReading.array(text) { item throws(ValueError) in
                SocketBinary(try ValueReading.binary(item, attachments))
            }
            return self.cast(values, to: type)
        }
        return nil
    }

    /// The same value under the other name of its type: the caller has compared the two.
    ///
    /// The type is a parameter because inferred it could be the optional that the caller returns.
    @inline(__always)
    private static func cast<Source, T>(_ value: Source, to type: T.Type) -> T {
        // Cheaper than `as?`, which asks the runtime.
        unsafeBitCast(value, to: type)
    }
}
