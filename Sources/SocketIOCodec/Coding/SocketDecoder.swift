// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Decodes the text of one JSON value, without a tree in between.
package struct SocketDecoder {
    /// Decodes a value.
    ///
    /// - Parameters:
    ///   - value: the value's text; nil for an argument that is missing, which optionals decode as nil.
    ///   - attachments: what the placeholders in the text stand for.
    package static func decode<T: Decodable>(
        _ type: T.Type, from value: UnsafeRawBufferPointer?, attachments: [ByteBuffer]
    ) throws -> T {
        throw DecodingError.valueNotFound(type, .init(codingPath: [], debugDescription: "argument is missing"))
    }
}
