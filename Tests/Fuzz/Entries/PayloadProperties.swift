// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

@testable import EngineIOServer

/// Payloads of long-polling in both protocols: what was decoded and encoded decodes the same.
enum PayloadProperties {
    private enum Packet: Equatable {
        case text([UInt8])
        case binary([UInt8])
    }

    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let body = ByteBuffer(bytes: bytes)
        try self.checkRoundTrip(body, .separated, PollingFormat(version: .v4))
        try self.checkRoundTrip(body, .counted, PollingFormat(version: .v3, isTextOnly: true))
        try self.checkRoundTrip(body, .bytes, PollingFormat(version: .v3))
        try self.checkBase64(bytes)
        if let data = FormBody.data(in: body) {
            try requireEqual(data.readableBytes <= 3 * bytes.count, true, "a form's field is no longer than the form")
        }
    }

    private static func checkRoundTrip(
        _ body: ByteBuffer, _ framing: PayloadReader.Framing, _ format: PollingFormat
    ) throws {
        guard let packets = self.decode(body, framing) else { return }
        var frames = ByteBuffer()
        for packet in packets {
            switch packet {
            case .text(let bytes): bytes.withUnsafeBytes { frames.writeFrame(WebSocketCodec.text, $0) }
            case .binary(let bytes):
                guard bytes.first == 4 else { return }  // of another type than message: never written
                bytes.dropFirst().withUnsafeBytes { frames.writeFrame(WebSocketCodec.binary, $0) }
            }
        }
        var again: [Packet]? = []
        while frames.readableBytes > 0 {
            let payload = format.takePayload(from: &frames)
            let part = self.decode(payload.body, framing == .bytes && !payload.isBinary ? .counted : framing)
            try requireEqual((part?.count ?? 0) <= PollingFormat.mostPackets, true, "an answer holds so many packets")
            again = again.flatMap { all in part.map { all + $0 } }
        }
        try requireEqual(again, .some(packets), "what was encoded decodes the same")
    }

    private static func checkBase64(_ bytes: UnsafeRawBufferPointer) throws {
        guard let decoded = Base64.decode(bytes) else { return }
        var text = ByteBuffer()
        decoded.withUnsafeReadableBytes { Base64.encode($0, into: &text) }
        try requireEqual(
            text.withUnsafeReadableBytes { Base64.decode($0) }, .some(decoded), "what was encoded decodes the same")
    }

    private static func decode(_ body: ByteBuffer, _ framing: PayloadReader.Framing) -> [Packet]? {
        var packets: [Packet] = []
        var reader = PayloadReader(body, framing)
        while true {
            let progress = reader.next { packet in
                switch packet {
                case .text(let bytes): packets.append(.text(Array(bytes)))
                case .binary(let bytes): packets.append(.binary(Array(bytes)))
                }
            }
            switch progress {
            case .packet: continue
            case .end: return packets
            case .malformed: return nil
            }
        }
    }
}
