// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import NIOCore

/// A value of an event or acknowledgement whose shape is not known beforehand: JSON plus binary.
///
/// ```swift
/// let value: SocketValue = ["name": "Ada", "tries": 3]
/// value["name"]?.stringValue  // "Ada"
/// ```
public enum SocketValue: Sendable, Hashable {
    /// `null`, and JavaScript's `undefined`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction and exponent that fits 64 bits, exactly.
    case int(Int64)
    /// Any other number.
    case double(Double)
    /// A text.
    case string(String)
    /// Bytes, which travel as an attachment.
    case binary(ByteBuffer)
    /// A list.
    case array([SocketValue])
    /// Members by key. Their order is not kept.
    case object([String: SocketValue])
}

extension SocketValue {
    /// The text of a string, else nil.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The value of a number without a fraction that fits an `Int`, else nil.
    public var intValue: Int? {
        switch self {
        case .int(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The value of a number, an integer rounded to the nearest double, else nil.
    public var doubleValue: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The value of a boolean, else nil.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The bytes of a binary value, else nil.
    public var binaryValue: ByteBuffer? {
        if case .binary(let value) = self { value } else { nil }
    }

    /// The items of an array, else nil.
    public var arrayValue: [SocketValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members of an object, else nil.
    public var objectValue: [String: SocketValue]? {
        if case .object(let value) = self { value } else { nil }
    }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// An object's member; nil if it has none of that key, or if this is no object.
    public subscript(key: String) -> SocketValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    /// An array's item; nil outside its bounds, or if this is no array.
    public subscript(index: Int) -> SocketValue? {
        if case .array(let items) = self, items.indices.contains(index) { items[index] } else { nil }
    }
}

extension SocketValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
    /// Makes `null`.
    public init(nilLiteral: ()) { self = .null }

    /// Makes a boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// Makes an integer.
    public init(integerLiteral value: Int64) { self = .int(value) }
}

extension SocketValue: ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    /// Makes a number.
    public init(floatLiteral value: Double) { self = .double(value) }

    /// Makes a string.
    public init(stringLiteral value: String) { self = .string(value) }
}

extension SocketValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    /// Makes an array.
    public init(arrayLiteral elements: SocketValue...) { self = .array(elements) }

    /// Makes an object. Of members with equal keys the last one counts, as in JavaScript.
    public init(dictionaryLiteral elements: (String, SocketValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
    }
}
