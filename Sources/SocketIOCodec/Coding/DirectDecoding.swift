// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Decodes the types that need no container, from the text of one value.
enum DirectDecoding {
    /// Decodes the value if its type is one of those; else returns nil.
    static func decode<T>(
        _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T? {
        if T.self == String.self { return self.cast(try ValueReading.string(text)) }
        if T.self == Int.self { return self.cast(try ValueReading.integer(text) as Int) }
        if T.self == Double.self { return self.cast(try ValueReading.double(text)) }
        if T.self == Bool.self { return self.cast(try ValueReading.bool(text)) }
        if T.self == SocketValue.self { return self.cast(try ValueReading.value(text, attachments)) }
        if T.self == SocketBinary.self {
            return self.cast(SocketBinary(try ValueReading.binary(text, attachments)))
        }
        if T.self == ByteBuffer.self { return self.cast(try ValueReading.binary(text, attachments)) }
        if let decoded = try self.decodeOptional(type, text, attachments) { return decoded }
        return try self.decodeArray(type, text, attachments)
    }

    private static func decodeOptional<T>(
        _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T? {
        let isNil = ValueReading.isNil(text)
        if T.self == String?.self { return self.cast(isNil ? nil : try ValueReading.string(text)) }
        if T.self == Int?.self { return self.cast(isNil ? nil : try ValueReading.integer(text) as Int) }
        if T.self == Double?.self { return self.cast(isNil ? nil : try ValueReading.double(text)) }
        if T.self == Bool?.self { return self.cast(isNil ? nil : try ValueReading.bool(text)) }
        if T.self == SocketValue?.self { return self.cast(isNil ? nil : try ValueReading.value(text, attachments)) }
        if T.self == SocketBinary?.self {
            return self.cast(isNil ? nil : SocketBinary(try ValueReading.binary(text, attachments)))
        }
        return nil
    }

    private static func decodeArray<T>(
        _ type: T.Type, _ text: UnsafeRawBufferPointer?, _ attachments: [ByteBuffer]
    ) throws(ValueError) -> T? {
        if T.self == [String].self { return self.cast(try ValueReading.array(text, ValueReading.string)) }
        if T.self == [Int].self {
            return self.cast(
                try ValueReading.array(text) { item throws(ValueError) in try ValueReading.integer(item) as Int })
        }
        if T.self == [Double].self { return self.cast(try ValueReading.array(text, ValueReading.double)) }
        if T.self == [Bool].self { return self.cast(try ValueReading.array(text, ValueReading.bool)) }
        if T.self == [SocketValue].self {
            return self.cast(
                try ValueReading.array(text) { item throws(ValueError) in try ValueReading.value(item, attachments) })
        }
        if T.self == [SocketBinary].self {
            return self.cast(
                try ValueReading.array(text) { item throws(ValueError) in
                    SocketBinary(try ValueReading.binary(item, attachments))
                })
        }
        return nil
    }

    /// The same value under the other name of its type: the caller has compared the two.
    @inline(__always)
    private static func cast<Source, T>(_ value: Source) -> T {
        // Cheaper than `as?`, which asks the runtime.
        unsafeBitCast(value, to: T.self)
    }
}
