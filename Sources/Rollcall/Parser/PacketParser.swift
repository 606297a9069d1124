// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import NIOCore
public import SocketIOCodec

/// How packets become messages and back. Servers and their clients must use the same parser: see ``ServerConfiguration/parser``.
///
/// ```swift
/// struct OneLine: PacketParser {
///     func makeDecoder() -> any PacketDecoder { OneLineDecoder() }
///     func encode(_ packet: Packet) -> [PacketMessage] { [.text(…)] }
/// }
/// configuration.parser = .custom(OneLine())
/// ```
public protocol PacketParser: Sendable {
    /// Makes the decoder of one connection.
    func makeDecoder() -> any PacketDecoder

    /// The messages of a packet, in order. Called on any event loop; a broadcast is encoded once for each.
    func encode(_ packet: Packet) -> [PacketMessage]
}

/// Decodes the messages of one connection, on its event loop, in order.
///
/// A message has at most `maxPayload` bytes. What a decoder keeps until a packet is complete, it must bound itself.
public protocol PacketDecoder: AnyObject {
    /// The packet that a message completes; nil if more messages are needed. Throw to end the connection.
    func decode(_ message: PacketMessage) throws -> Packet?
}

/// One message as it travels in Engine.IO.
public enum PacketMessage: Sendable, Hashable {
    /// A message of text.
    case text(String)
    /// A message of bytes.
    case binary(ByteBuffer)
}

/// A Socket.IO packet as custom parsers see it.
public struct Packet: Sendable, Hashable {
    /// What a packet is for; the raw values are the protocol's.
    public enum Kind: UInt8, Sendable {
        /// Joins a namespace; from the server: it was joined.
        case connect
        /// Leaves a namespace.
        case disconnect
        /// An event: ``Packet/data`` is an array that begins with its name, a string or number.
        case event
        /// Answers an event: ``Packet/data`` is an array.
        case acknowledgement
        /// From the server: joining was refused.
        case connectError
    }

    /// What the packet is for.
    public var kind: Kind
    /// The namespace with its leading slash.
    public var namespace: String
    /// Of an event: what its acknowledgement is to be numbered with; of an acknowledgement: that number. At most 2^53.
    public var id: UInt64?
    /// The payload, binary values included. An object for `connect` and `connectError`, none for `disconnect`; null
    /// counts as none.
    public var data: SocketValue?

    /// Memberwise.
    public init(kind: Kind, namespace: String = "/", id: UInt64? = nil, data: SocketValue? = nil) {
        self.kind = kind
        self.namespace = namespace
        self.id = id
        self.data = data
    }
}

extension ServerConfiguration {
    /// How packets become messages.
    public struct Parser: Sendable {
        enum Format: Sendable {
            case standard
            case messagePack
            case custom(any PacketParser)
        }
        let format: Format

        /// The protocol's own: JSON text, binary values as attachments.
        public static let `default` = Parser(format: .standard)
        /// MessagePack, as `socket.io-msgpack-parser` has it: a packet is one binary message with everything in it.
        ///
        /// Numbers, strings, dates and binary arrive as with the default parser: `NaN` and infinite numbers as null, a date as its
        /// ISO 8601 text. Of equal keys the last one counts; unknown keys of a packet are ignored.
        public static let messagePack = Parser(format: .messagePack)
        /// One of your own. The default parser is spared what its generality costs.
        public static func custom(_ parser: any PacketParser) -> Parser { Parser(format: .custom(parser)) }
    }
}
