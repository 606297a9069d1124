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
        if DirectEncoding.encode(value, into: &buffer, &attachments) { return }
        let session = EncodingSession(attachments)
        let output = EncodingOutput(session, path: [])
        try value.encode(to: ValueEncoder(output: output, level: 0))
        output.close(downTo: 0)
        if let failure = session.failure { throw failure }
        guard !output.isEmpty else {
            throw EncodingError.invalidValue(
                value, .init(codingPath: [], debugDescription: "\(T.self) did not encode anything"))
        }
        attachments = session.attachments
        output.write(into: &buffer)
    }
}

/// What all outputs of one call share.
final class EncodingSession {
    var attachments: [ByteBuffer]
    /// The first misuse that could not be thrown where it happened.
    private(set) var failure: EncodingError?

    init(_ attachments: [ByteBuffer]) { self.attachments = attachments }

    func fail(_ path: [any CodingKey], _ description: String) {
        self.failure = self.failure ?? .invalidValue(self, .init(codingPath: path, debugDescription: description))
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
