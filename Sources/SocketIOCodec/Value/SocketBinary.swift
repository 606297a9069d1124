// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import NIOCore

/// Bytes in an event or acknowledgement: they travel as an attachment, not as text.
///
/// A `ByteBuffer` as an argument, or as a member of one, travels in the same way.
public struct SocketBinary: Sendable, Hashable {
    /// The bytes.
    public var bytes: ByteBuffer

    /// Wraps a buffer's readable bytes.
    public init(_ bytes: ByteBuffer) { self.bytes = bytes }

    /// Copies bytes, such as an array's.
    public init(bytes: some Sequence<UInt8>) { self.bytes = ByteBuffer(bytes: bytes) }
}

extension SocketBinary: Codable {
    /// Throws: an attachment can only be decoded by the coders of this package, which do not come here.
    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            .init(codingPath: decoder.codingPath, debugDescription: "SocketBinary needs a packet with attachments"))
    }

    /// Throws: an attachment can only be encoded by the coders of this package, which do not come here.
    public func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            self,
            .init(codingPath: encoder.codingPath, debugDescription: "SocketBinary needs a packet with attachments"))
    }
}
