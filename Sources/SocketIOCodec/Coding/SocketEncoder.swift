// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Encodes values as JSON text, straight into a buffer.
///
/// Strings, numbers, booleans, ``SocketValue``, binary, and optionals and arrays of them are written without an `Encoder`; for
/// other types there is one that writes as it is told, without a tree in between.
package struct SocketEncoder {
    /// Writes a value's JSON; binary values become placeholders and are appended to the attachments.
    ///
    /// - Throws: an `EncodingError` for a type that encodes nothing or in several ways at once, or what the type itself
    ///   throws. The buffer and the attachments are then as they were before.
    package static func encode<T: Encodable>(
        _ value: T, into buffer: inout ByteBuffer, attachments: inout [ByteBuffer]
    ) throws {
        if let kind = DirectKind(T.self) {
            return DirectEncoding.encode(kind, value, into: &buffer, &attachments)
        }
        let session = EncodingSession(attachments)
        // The buffer moves into the output and back, so that it is nobody else's and is written in place.
        let output = EncodingOutput(session, path: [], buffer: buffer)
        buffer = ByteBuffer()
        do {
            try value.encode(to: ValueEncoder(output: output, level: 0))
            output.close(downTo: 0)
            try session.check(value, isEmpty: output.isEmpty)
        } catch {
            buffer = output.takeBuffer(withText: false)
            throw error
        }
        buffer = output.takeBuffer(withText: true)
        attachments = session.attachments
    }
}

/// What all outputs of one call share.
final class EncodingSession {
    var attachments: [ByteBuffer]
    /// The first misuse that could not be thrown where it happened.
    private var failure: EncodingError.Context?

    init(_ attachments: [ByteBuffer]) { self.attachments = attachments }

    /// Notes a misuse; ``check(_:isEmpty:)`` throws it.
    func fail(_ path: [any CodingKey], _ description: String) {
        self.failure = self.failure ?? .init(codingPath: path, debugDescription: description)
    }

    /// Throws what was noted, or that nothing was encoded.
    func check<T>(_ value: T, isEmpty: Bool) throws {
        if let failure { throw EncodingError.invalidValue(value, failure) }
        if isEmpty {
            let context = EncodingError.Context(codingPath: [], debugDescription: "\(T.self) did not encode anything")
            throw EncodingError.invalidValue(value, context)
        }
    }
}

/// The encoder of one value: the one that begins at a level of an output.
struct ValueEncoder: Encoder {
    let output: EncodingOutput
    let level: Int

    var codingPath: [any CodingKey] { self.output.path }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        self.output.open(.object, at: self.level)
        return KeyedEncodingContainer(KeyedValueEncoder<Key>(output: self.output, level: self.level))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        self.output.open(.array, at: self.level)
        return UnkeyedValueEncoder(output: self.output, level: self.level)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueEncoder(output: self.output, level: self.level)
    }
}
