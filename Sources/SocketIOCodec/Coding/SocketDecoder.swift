// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Decodes the text of one JSON value, without a tree in between.
///
/// Strings, numbers, booleans, ``SocketValue``, binary, and optionals and arrays of them come straight from the text. `Int` and
/// its kin take any number that they hold exactly. Of equal keys the last one counts, as in JavaScript.
package struct SocketDecoder {
    /// Decodes a value.
    ///
    /// - Parameters:
    ///   - value: the value's text, valid during the call; nil for an argument that is missing, which optionals decode as nil.
    ///   - attachments: what the placeholders in the text stand for.
    /// - Throws: a `DecodingError` when the text is not JSON or does not fit the type, or what the type itself throws.
    package static func decode<T: Decodable>(
        _ type: T.Type, from value: UnsafeRawBufferPointer?, attachments: [ByteBuffer] = []
    ) throws -> T {
        if let kind = DirectKind(type) {
            do throws(ValueError) {
                return try DirectDecoding.decode(kind, type, value, attachments)
            } catch {
                throw error.decodingError(type, at: [])
            }
        }
        let source = DecodingSource(value, attachments: attachments)
        // A decoder that outlives the call must not read bytes that are gone.
        defer { source.invalidate() }
        return try T(from: ValueDecoder(path: DecodingPath(source, keys: []), range: source.range))
    }
}

/// The text that is being decoded.
final class DecodingSource {
    private var bytes: UnsafeRawBufferPointer?
    /// The whole text; nil when the argument is missing.
    let range: Range<Int>?
    let attachments: [ByteBuffer]

    init(_ bytes: UnsafeRawBufferPointer?, attachments: [ByteBuffer]) {
        self.bytes = bytes
        self.range = bytes.map { 0..<$0.count }
        self.attachments = attachments
    }

    func invalidate() { self.bytes = nil }

    /// The text of a value; nil when it is missing, or when the decoder has outlived its text.
    func text(_ range: Range<Int>?) -> UnsafeRawBufferPointer? {
        guard let bytes = self.bytes, let range else { return nil }
        return bytes.part(from: range.lowerBound, to: range.upperBound)
    }
}

/// The keys from the root to the value that is being decoded: pushed and popped around it.
final class DecodingPath {
    let source: DecodingSource
    private(set) var keys: [any CodingKey]

    init(_ source: DecodingSource, keys: [any CodingKey]) {
        self.source = source
        self.keys = keys
    }

    /// Decodes the value of a key.
    func decode<T: Decodable>(_ type: T.Type, _ range: Range<Int>?, _ key: any CodingKey) throws -> T {
        if let kind = DirectKind(type) {
            do throws(ValueError) {
                return try DirectDecoding.decode(kind, type, self.source.text(range), self.source.attachments)
            } catch {
                throw error.decodingError(type, at: self.keys + [key])
            }
        }
        self.keys.append(key)
        defer { self.keys.removeLast() }
        return try T(from: ValueDecoder(path: self, range: range))
    }

    /// Reads the value of a key, or the one that the path leads to; errors name the type.
    func read<T>(
        _ range: Range<Int>?, _ key: (any CodingKey)?, as type: Any.Type = T.self,
        _ read: (UnsafeRawBufferPointer?) throws(ValueError) -> T
    ) throws -> T {
        do throws(ValueError) {
            return try read(self.source.text(range))
        } catch {
            throw error.decodingError(type, at: self.keys + (key.map { [$0] } ?? []))
        }
    }

    /// A path of its own for a container that may be used at any time later.
    func branch(_ key: any CodingKey) -> DecodingPath { DecodingPath(self.source, keys: self.keys + [key]) }
}

/// The decoder of one value.
struct ValueDecoder: Decoder {
    let path: DecodingPath
    /// Where the value's text is; nil when it is missing.
    let range: Range<Int>?

    var codingPath: [any CodingKey] { self.path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(KeyedValueDecoder<Key>(self.path, try ObjectIndex(self.path, self.range)))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        UnkeyedValueDecoder(self.path, try ArrayIndex(self.path, self.range))
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        SingleValueDecoder(path: self.path, range: self.range)
    }
}
