// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec

/// Writes the packets of one namespace for another parser than the default one. Everywhere else payloads are JSON text with
/// attachments, whatever the parser.
final class PacketEncoder: Sendable {
    private let namespace: String
    private let format: ServerConfiguration.Parser.Format

    /// Nil for the default parser, which needs none.
    init?(_ parser: ServerConfiguration.Parser, namespace: String) {
        if case .standard = parser.format { return nil }
        self.namespace = namespace
        self.format = parser.format
    }

    /// - Parameter payload: checked JSON text; empty if the packet has none.
    func write(
        _ type: SocketPacketType, id: UInt64?, payload: UnsafeRawBufferPointer, attachments: [ByteBuffer],
        into out: inout ByteBuffer
    ) {
        switch self.format {
        case .standard: break
        case .messagePack:
            var packet = ByteBuffer()
            let isWritten = MessagePackPacket.write(
                type, namespace: self.namespace, id: id, payload: payload, attachments: attachments, into: &packet)
            guard isWritten else { return }
            packet.withUnsafeReadableBytes { out.writeFrame(WebSocketCodec.binary, $0) }
        case .custom(let parser):
            guard let packet = self.packet(type, id, payload, attachments) else { return }
            for message in parser.encode(packet) { Self.write(message, into: &out) }
        }
    }

    private func packet(
        _ type: SocketPacketType, _ id: UInt64?, _ payload: UnsafeRawBufferPointer, _ attachments: [ByteBuffer]
    ) -> Packet? {
        guard let kind = Packet.Kind(rawValue: type.rawValue) else { return nil }
        var packet = Packet(kind: kind, namespace: self.namespace, id: id)
        if !payload.isEmpty {
            guard let data = try? JSONReader.value(payload, attachments: attachments) else { return nil }
            packet.data = data
        }
        return packet
    }

    private static func write(_ message: PacketMessage, into out: inout ByteBuffer) {
        switch message {
        case .text(let text):
            var packet = "4" + text
            packet.withUTF8 { out.writeFrame(WebSocketCodec.text, UnsafeRawBufferPointer($0)) }
        case .binary(let bytes): bytes.withUnsafeReadableBytes { out.writeFrame(WebSocketCodec.binary, $0) }
        }
    }
}

extension Namespace {
    /// Frames of a packet for clients of this namespace.
    @inline(__always)
    func write(
        _ type: SocketPacketType, id: UInt64? = nil, payload: UnsafeRawBufferPointer, attachments: [ByteBuffer] = [],
        into out: inout ByteBuffer
    ) {
        if let encoder = self.encoder {
            return encoder.write(type, id: id, payload: payload, attachments: attachments, into: &out)
        }
        PacketWriter.write(
            type, namespace: self.wirePrefix, id: id, payload: payload, attachments: attachments, into: &out)
    }

    /// Frames of an event for clients of this namespace.
    @inline(__always)
    func write(_ event: EncodedEvent, id: UInt64? = nil, into out: inout ByteBuffer) {
        event.payload.withUnsafeReadableBytes { payload in
            self.write(.event, id: id, payload: payload, attachments: event.attachments, into: &out)
        }
    }
}
