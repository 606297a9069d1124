// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
package import NIOCore
import SocketIOCodec

/// Socket.IO packets of the default parser (protocol 5), straight into WebSocket frames.
enum PacketWriter {
    /// `4<type>[<attachments>-][<namespace>,][<id>]<payload>`, then a binary frame for each attachment.
    ///
    /// - Parameters:
    ///   - type: of the packet without attachments; with some, the binary form is taken.
    ///   - namespace: `/name,`, or nothing for `/`.
    static func write(
        _ type: SocketPacketType, namespace: [UInt8], id: UInt64? = nil, payload: UnsafeRawBufferPointer,
        attachments: [ByteBuffer] = [], into out: inout ByteBuffer
    ) {
        withUnsafeTemporaryAllocation(byteCount: 64 + namespace.count, alignment: 1) { memory in
            var count = 2
            memory[0] = UInt8(ascii: "4")
            memory[1] = type.digit
            if !attachments.isEmpty {
                memory[1] = type == .ack ? SocketPacketType.binaryAck.digit : SocketPacketType.binaryEvent.digit
                count += Self.writeDigits(UInt64(attachments.count), at: memory, count)
                memory[count] = UInt8(ascii: "-")
                count += 1
            }
            for byte in namespace {
                memory[count] = byte
                count += 1
            }
            if let id { count += Self.writeDigits(id, at: memory, count) }
            out.writeFrame(WebSocketCodec.text, payloadLength: count + payload.count) { body in
                if let head = memory.baseAddress { body.copyMemory(from: head, byteCount: count) }
                if let base = payload.baseAddress, payload.count > 0 {
                    (body + count).copyMemory(from: base, byteCount: payload.count)
                }
            }
        }
        for attachment in attachments {
            attachment.withUnsafeReadableBytes { out.writeFrame(WebSocketCodec.binary, $0) }
        }
    }

    /// `43<namespace><id>[<arguments>]`.
    @inline(__always)
    static func writeAcknowledgement(
        namespace: [UInt8], id: UInt64, arguments: UnsafeRawBufferPointer, into out: inout ByteBuffer
    ) {
        let digits = Self.digitCount(id)
        let head = 2 + namespace.count + digits + 1
        out.writeFrame(WebSocketCodec.text, payloadLength: head + arguments.count + 1) { body in
            body.storeBytes(of: 0x3334, as: UInt16.self)  // "43", little endian
            namespace.withUnsafeBytes { name in
                if let base = name.baseAddress, name.count > 0 {
                    (body + 2).copyMemory(from: base, byteCount: name.count)
                }
            }
            var rest = id
            for position in stride(from: digits - 1, through: 0, by: -1) {
                body.storeBytes(
                    of: UInt8(truncatingIfNeeded: 0x30 &+ rest % 10), toByteOffset: 2 + namespace.count + position,
                    as: UInt8.self)
                rest /= 10
            }
            body.storeBytes(of: UInt8(ascii: "["), toByteOffset: head - 1, as: UInt8.self)
            if let base = arguments.baseAddress, arguments.count > 0 {
                (body + head).copyMemory(from: base, byteCount: arguments.count)
            }
            body.storeBytes(of: UInt8(ascii: "]"), toByteOffset: head + arguments.count, as: UInt8.self)
        }
    }

    @inline(__always)
    private static func digitCount(_ value: UInt64) -> Int {
        var rest = value
        var count = 1
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        return count
    }

    private static func writeDigits(_ value: UInt64, at memory: UnsafeMutableRawBufferPointer, _ offset: Int) -> Int {
        let count = Self.digitCount(value)
        var rest = value
        for position in stride(from: count - 1, through: 0, by: -1) {
            memory[offset + position] = UInt8(truncatingIfNeeded: 0x30 &+ rest % 10)
            rest /= 10
        }
        return count
    }
}

/// An event ready to be sent: `["name",…]` and its attachments.
package struct EncodedEvent: Sendable {
    package var payload: ByteBuffer
    package var attachments: [ByteBuffer]

    package init(payload: ByteBuffer, attachments: [ByteBuffer] = []) {
        self.payload = payload
        self.attachments = attachments
    }

    /// Of its text and attachments.
    package var byteCount: Int { self.attachments.reduce(self.payload.readableBytes) { $0 + $1.readableBytes } }

    /// Encodes a name and arguments. Throws what an argument's `encode(to:)` throws.
    init<each A: Encodable>(_ name: String, _ arguments: repeat each A) throws {
        var payload = ByteBufferAllocator().buffer(capacity: 128)
        var attachments: [ByteBuffer] = []
        payload.writeInteger(UInt8(ascii: "["))
        JSONWriter.write(name, into: &payload)
        for argument in repeat each arguments {
            payload.writeInteger(UInt8(ascii: ","))
            try SocketEncoder.encode(argument, into: &payload, attachments: &attachments)
        }
        payload.writeInteger(UInt8(ascii: "]"))
        self.init(payload: payload, attachments: attachments)
    }

    /// A name and arguments that came from elsewhere as they are.
    package init(_ name: String, _ arguments: Arguments) {
        var payload = ByteBufferAllocator().buffer(capacity: name.utf8.count + arguments.text.readableBytes + 8)
        payload.writeInteger(UInt8(ascii: "["))
        JSONWriter.write(name, into: &payload)
        if arguments.text.readableBytes > 0 {
            payload.writeInteger(UInt8(ascii: ","))
            payload.writeImmutableBuffer(arguments.text)
        }
        payload.writeInteger(UInt8(ascii: "]"))
        self.init(payload: payload, attachments: arguments.attachments)
    }
}
