// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Encodes values as JSON text, straight into a buffer.
package struct SocketEncoder {
    /// Writes a value's JSON; binary values become placeholders and are appended to the attachments.
    ///
    /// When it throws, the buffer and the attachments are as they were before.
    package static func encode<T: Encodable>(
        _ value: T, into buffer: inout ByteBuffer, attachments: inout [ByteBuffer]
    ) throws {
        throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "not encodable"))
    }
}
