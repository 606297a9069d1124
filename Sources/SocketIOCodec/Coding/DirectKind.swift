// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The types that are decoded and encoded without a container.
///
/// Finding out compares addresses of type metadata. The results of generic functions are never `T?`: making the metadata of an
/// optional at run time would cost more than decoding a short string.
enum DirectKind {
    case string, int, double, bool, value, binary, buffer
    case optionalString, optionalInt, optionalDouble, optionalBool, optionalValue, optionalBinary
    case strings, ints, doubles, bools, values, binaries

    @inline(__always)
    init?(_ type: Any.Type) {
        if type == String.self {
            self = .string
        } else if type == Int.self {
            self = .int
        } else if type == Double.self {
            self = .double
        } else if type == Bool.self {
            self = .bool
        } else if type == SocketValue.self {
            self = .value
        } else if type == SocketBinary.self {
            self = .binary
        } else if type == ByteBuffer.self {
            self = .buffer
        } else if let kind = DirectKind(optional: type) ?? DirectKind(array: type) {
            self = kind
        } else {
            return nil
        }
    }

    private init?(optional type: Any.Type) {
        if type == String?.self {
            self = .optionalString
        } else if type == Int?.self {
            self = .optionalInt
        } else if type == Double?.self {
            self = .optionalDouble
        } else if type == Bool?.self {
            self = .optionalBool
        } else if type == SocketValue?.self {
            self = .optionalValue
        } else if type == SocketBinary?.self {
            self = .optionalBinary
        } else {
            return nil
        }
    }

    private init?(array type: Any.Type) {
        if type == [String].self {
            self = .strings
        } else if type == [Int].self {
            self = .ints
        } else if type == [Double].self {
            self = .doubles
        } else if type == [Bool].self {
            self = .bools
        } else if type == [SocketValue].self {
            self = .values
        } else if type == [SocketBinary].self {
            self = .binaries
        } else {
            return nil
        }
    }

    /// The same value under the other name of its type: the two have been compared.
    @inline(__always)
    static func cast<Source, T>(_ value: Source, to type: T.Type) -> T {
        // Cheaper than `as?`, which asks the runtime.
        unsafeBitCast(value, to: type)
    }
}
