// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Finds the members of a JSON document without building a tree, so that a part of it can be passed on as it was
/// written.
///
/// The grammar is RFC 8259's. The bytes must be valid UTF-8; the caller checks that.
struct JSONText {
    enum SyntaxError: Error, Equatable {
        /// Not JSON, noticed at this byte.
        case malformed(Int)
        /// Nested beyond `maximumDepth`.
        case tooDeep
        /// JSON, but not what was expected.
        case member(String)
    }

    enum Kind {
        case object, array, string, number, literal
    }

    /// A value inside of the document.
    struct Value {
        var kind: Kind
        var range: Range<Int>
    }

    static let maximumDepth = 128

    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The members of the outermost object; the whole document is checked. A name that appears twice is refused.
    func members() throws(SyntaxError) -> [(name: String, value: Value)] {
        var scanner = JSONScanner(self.bytes)
        var members: [(name: String, value: Value)] = []
        let document = try scanner.document { name, value in
            members.append((self.string(name) ?? "", value))
        }
        guard document.kind == .object else { throw .member("the body must be a JSON object") }
        var names: Set<String> = []
        for (name, _) in members where !names.insert(name).inserted {
            throw .member("\"\(name)\" is given twice")
        }
        return members
    }

    /// The elements of an array that `members` found.
    func elements(of array: Value) throws(SyntaxError) -> [Value] {
        var scanner = JSONScanner(self.bytes, from: array.range.lowerBound)
        return try scanner.elements()
    }

    /// The text of a value as it was written.
    func raw(_ value: Value) -> String {
        String(decoding: self.bytes[value.range], as: UTF8.self)
    }

    /// The decoded string; nil when the value is no string, or escapes half of a surrogate pair.
    func string(_ value: Value) -> String? {
        guard value.kind == .string else { return nil }
        let content = self.bytes[value.range].dropFirst().dropLast()
        var units: [UInt8] = []
        units.reserveCapacity(content.count)
        var rest = content
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                units.append(byte)
                continue
            }
            guard let scalar = Self.escape(&rest) else { return nil }
            units.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
        }
        return String(decoding: units, as: UTF8.self)
    }

    private static func escape(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
        switch rest.popFirst() {
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return Self.unicodeEscape(&rest)
        case let byte?: return Unicode.Scalar(byte)
        case nil: return nil
        }
    }

    private static func unicodeEscape(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard let first = Self.codeUnit(&rest) else { return nil }
        guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
        guard rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u"),
            let second = Self.codeUnit(&rest), UTF16.isTrailSurrogate(second)
        else { return nil }
        return Unicode.Scalar(0x10000 + ((UInt32(first) - 0xD800) << 10) + (UInt32(second) - 0xDC00))
    }

    private static func codeUnit(_ rest: inout ArraySlice<UInt8>) -> UInt16? {
        guard rest.count >= 4 else { return nil }
        let unit = UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16)
        rest = rest.dropFirst(4)
        return unit
    }
}
