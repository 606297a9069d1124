// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

@testable import EngineIOServer

/// Payloads of long-polling: what was decoded and encoded decodes the same.
enum PayloadProperties {
    private enum Packet: Equatable {
        case text([UInt8])
        case binary([UInt8])
    }

    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        guard let packets = self.decode(bytes) else { return }
        var frames = ByteBuffer()
        for packet in packets {
            switch packet {
            case .text(let bytes): bytes.withUnsafeBytes { frames.writeFrame(WebSocketCodec.text, $0) }
            case .binary(let bytes): bytes.withUnsafeBytes { frames.writeFrame(WebSocketCodec.binary, $0) }
            }
        }
        let payload = PayloadCodec.encode(frames)
        let again = payload.withUnsafeReadableBytes { self.decode($0) }
        try requireEqual(again, .some(packets), "what was encoded decodes the same")
        try self.checkStopping(bytes, packets)
    }

    /// A session that is closed by its first packet gets no other.
    private static func checkStopping(_ bytes: UnsafeRawBufferPointer, _ packets: [Packet]) throws {
        var count = 0
        _ = PayloadCodec.decode(bytes, isOpen: { count == 0 }, text: { _ in count += 1 }, binary: { _ in count += 1 })
        try requireEqual(count, min(packets.count, 1), "a closed session gets nothing")
    }

    private static func decode(_ bytes: UnsafeRawBufferPointer) -> [Packet]? {
        var packets: [Packet] = []
        let isWellFormed = PayloadCodec.decode(
            bytes, isOpen: { true }, text: { packets.append(.text(Array($0))) },
            binary: { packets.append(.binary(Array($0))) })
        return isWellFormed ? packets : nil
    }
}
