// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec

/// Stands before a connection whose parser is not the default one: hands on what it decodes as JSON text with attachments.
final class ParsingReceiver: EngineSessionReceiver {
    let connection: Connection
    private let format: ServerConfiguration.Parser.Format
    private var decoder: (any PacketDecoder)?

    init(_ connection: Connection, _ format: ServerConfiguration.Parser.Format) {
        self.connection = connection
        self.format = format
        if case .custom(let parser) = format { self.decoder = parser.makeDecoder() }
    }

    func engineReceived(text: UnsafeRawBufferPointer) {
        guard self.connection.isReceiving else { return }
        guard let decoder = self.decoder else { return self.connection.violate(.unexpectedText) }
        self.decode(.text(String(decoding: text, as: UTF8.self)), decoder)
    }

    func engineReceived(binary: UnsafeRawBufferPointer) {
        guard self.connection.isReceiving else { return }
        if let decoder = self.decoder { return self.decode(.binary(ByteBuffer(bytes: binary)), decoder) }
        do throws(SocketPacketError) {
            try MessagePackPacket.decode(binary).withSlices { self.connection.receive($0, attachments: $1) }
        } catch {
            self.connection.violate(PacketViolation(error))
        }
    }

    private func decode(_ message: PacketMessage, _ decoder: any PacketDecoder) {
        let decoded: Packet?
        do {
            decoded = try decoder.decode(message)
        } catch {
            return self.connection.violate(.undecodable)
        }
        guard var decoded else { return }
        if decoded.data == .some(.null) { decoded.data = .none }  // as a parser that knows no difference has it
        guard let type = SocketPacketType(rawValue: decoded.kind.rawValue), Self.isValid(decoded) else {
            return self.connection.violate(.malformedPayload)
        }
        var payload = ByteBuffer()
        var attachments: [ByteBuffer] = []
        if let data = decoded.data { JSONWriter.write(data, into: &payload, attachments: &attachments) }
        let packet = DecodedPacket(
            type: type, namespace: decoded.namespace, id: decoded.id, payload: payload, attachments: attachments)
        packet.withSlices { self.connection.receive($0, attachments: $1) }
    }

    /// The rules of ``SocketPacketSlices/parse(_:maximumAttachments:)`` for payloads.
    private static func isValid(_ packet: Packet) -> Bool {
        if let id = packet.id, id > SocketPacketSlices.maximumID { return false }
        return switch (packet.kind, packet.data) {
        case (.connect, nil), (.connect, .object), (.disconnect, nil), (.event, .array), (.acknowledgement, .array),
            (.connectError, .object), (.connectError, .string):
            true
        default: false
        }
    }

    func engineOpened() { self.connection.engineOpened() }
    func engineUpgraded() { self.connection.engineUpgraded() }
    func engineConnectTimedOut() { self.connection.engineConnectTimedOut() }
    func engineExpired() { self.connection.engineExpired() }
    func engineClosed(_ reason: CloseReason) {
        self.decoder = nil
        self.connection.engineClosed(reason)
    }
}
