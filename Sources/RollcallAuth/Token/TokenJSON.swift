// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// The JSON of tokens, read without building a tree: what nobody asks for is checked and skipped.
///
/// Stricter than readers of JSON must be, since others may read the same token in another way: keys that stand twice
/// are seen twice, and strings with half a surrogate pair are none.
enum TokenJSON {
    /// Containers inside each other at most.
    private static let maximumDepth = 32

    /// Checks that these bytes are one JSON object in UTF-8, and hands each member to `body`.
    ///
    /// Throws ``TokenError/malformed`` if they are not, or what `body` throws.
    static func readMembers(
        of bytes: [UInt8], _ body: (_ key: String, _ value: UnsafeRawBufferPointer) throws(TokenError) -> Void
    ) throws(TokenError) {
        // Most tokens are ASCII, which needs no further check.
        if bytes.contains(where: { $0 >= 0x80 }), String(validating: bytes, as: UTF8.self) == nil { throw .malformed }
        try bytes.withUnsafeBufferPointer { (bytes) throws(TokenError) in
            let text = UnsafeRawBufferPointer(bytes)
            guard (try? JSONScanner.validate(text, maximumDepth: Self.maximumDepth)) != nil else { throw .malformed }
            try Self.readMembers(of: text, orThrow: .malformed, body)
        }
    }

    /// Hands each member of an object, the text of which was checked, to `body`.
    static func readMembers(
        of object: UnsafeRawBufferPointer, orThrow failure: TokenError,
        _ body: (_ key: String, _ value: UnsafeRawBufferPointer) throws(TokenError) -> Void
    ) throws(TokenError) {
        guard let members = MemberSlices(object) else { throw failure }
        for (key, value) in members {
            guard let key = JSONReader.exactString(key) else { throw failure }
            try body(key, value)
        }
    }

    /// The items of an array; nil if the value is none.
    static func items(_ value: UnsafeRawBufferPointer) -> ArgumentSlices? {
        (try? JSONScanner.validateArray(value)).map(ArgumentSlices.init)
    }

    /// A number as whole units, rounded down; nil if it is none or beyond what a double counts exactly.
    static func integer(_ value: UnsafeRawBufferPointer) -> Int64? {
        switch try? JSONReader.value(value) {
        case .int(let number) where number.magnitude < 1 << 53: number
        case .double(let number) where number.magnitude < 0x1p53: Int64(number.rounded(.down))
        default: nil
        }
    }

    /// A string as JSON writes it.
    static func quote(_ text: String) -> String {
        var quoted = ByteBuffer()
        JSONWriter.write(text, into: &quoted)
        return String(buffer: quoted)
    }
}
