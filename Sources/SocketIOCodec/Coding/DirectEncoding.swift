// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Writes the types that need no container.
enum DirectEncoding {
    /// Writes the value if its type is one of those; else returns false.
    static func encode<T>(_ value: T, into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]) -> Bool {
        if T.self == String.self {
            JSONWriter.write(self.cast(value, to: String.self), into: &buffer)
        } else if T.self == Int.self {
            JSONWriter.write(self.cast(value, to: Int.self), into: &buffer)
        } else if T.self == Double.self {
            JSONWriter.write(self.cast(value, to: Double.self), into: &buffer)
        } else if T.self == Bool.self {
            JSONWriter.write(self.cast(value, to: Bool.self), into: &buffer)
        } else if T.self == SocketValue.self {
            JSONWriter.write(self.cast(value, to: SocketValue.self), into: &buffer, attachments: &attachments)
        } else if T.self == SocketBinary.self {
            JSONWriter.write(
                binary: self.cast(value, to: SocketBinary.self).bytes, into: &buffer, attachments: &attachments)
        } else if T.self == ByteBuffer.self {
            JSONWriter.write(binary: self.cast(value, to: ByteBuffer.self), into: &buffer, attachments: &attachments)
        } else {
            return self.encodeOptional(value, into: &buffer, &attachments)
                || self.encodeArray(value, into: &buffer, &attachments)
        }
        return true
    }

    private static func encodeOptional<T>(
        _ value: T, into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) -> Bool {
        if T.self == String?.self {
            return self.encode(self.cast(value, to: String?.self), into: &buffer, &attachments)
        }
        if T.self == Int?.self { return self.encode(self.cast(value, to: Int?.self), into: &buffer, &attachments) }
        if T.self == Double?.self {
            return self.encode(self.cast(value, to: Double?.self), into: &buffer, &attachments)
        }
        if T.self == Bool?.self { return self.encode(self.cast(value, to: Bool?.self), into: &buffer, &attachments) }
        if T.self == SocketValue?.self {
            return self.encode(self.cast(value, to: SocketValue?.self), into: &buffer, &attachments)
        }
        if T.self == SocketBinary?.self {
            return self.encode(self.cast(value, to: SocketBinary?.self), into: &buffer, &attachments)
        }
        return false
    }

    private static func encode<Wrapped>(
        _ value: Wrapped?, into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) -> Bool {
        if let value { return self.encode(value, into: &buffer, &attachments) }
        JSONWriter.writeNull(into: &buffer)
        return true
    }

    private static func encodeArray<T>(
        _ value: T, into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) -> Bool {
        if T.self == [String].self {
            return self.encode(items: self.cast(value, to: [String].self), into: &buffer, &attachments)
        }
        if T.self == [Int].self {
            return self.encode(items: self.cast(value, to: [Int].self), into: &buffer, &attachments)
        }
        if T.self == [Double].self {
            return self.encode(items: self.cast(value, to: [Double].self), into: &buffer, &attachments)
        }
        if T.self == [Bool].self {
            return self.encode(items: self.cast(value, to: [Bool].self), into: &buffer, &attachments)
        }
        if T.self == [SocketValue].self {
            JSONWriter.write(.array(self.cast(value, to: [SocketValue].self)), into: &buffer, attachments: &attachments)
            return true
        }
        if T.self == [SocketBinary].self {
            return self.encode(items: self.cast(value, to: [SocketBinary].self), into: &buffer, &attachments)
        }
        return false
    }

    private static func encode<Item>(
        items: [Item], into buffer: inout ByteBuffer, _ attachments: inout [ByteBuffer]
    ) -> Bool {
        buffer.writeInteger(ASCII.openBracket)
        var isFirst = true
        for item in items {
            if !isFirst { buffer.writeInteger(ASCII.comma) }
            isFirst = false
            _ = self.encode(item, into: &buffer, &attachments)
        }
        buffer.writeInteger(ASCII.closeBracket)
        return true
    }

    /// The same value under the other name of its type: the caller has compared the two.
    ///
    /// The type is a parameter because inferred it could be one that converts to the wanted one.
    @inline(__always)
    private static func cast<Source, T>(_ value: Source, to type: T.Type) -> T {
        // Cheaper than `as?`, which asks the runtime.
        unsafeBitCast(value, to: type)
    }
}
