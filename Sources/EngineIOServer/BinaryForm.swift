// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// How binary messages look on a session's WebSocket. What is sent is written as for ``plain``, and rewritten for the few clients
/// that want something else: all frames of a broadcast are written once for everybody.
enum BinaryForm: UInt8 {
    /// A binary frame with the message alone.
    case plain
    /// Protocol 3: the packet type, as a byte, goes first.
    case typed
    /// The client asked for text (`b64=1`): `b` and base64.
    case base64
    /// The same in protocol 3: `b4` and base64.
    case typedBase64

    init(_ version: EngineVersion, isTextOnly: Bool) {
        switch version {
        case .v3: self = isTextOnly ? .typedBase64 : .typed
        case .v4: self = isTextOnly ? .base64 : .plain
        }
    }

    /// Rewrites whole frames that this server wrote.
    func convert(_ frames: ByteBuffer) -> ByteBuffer {
        guard self != .plain else { return frames }
        var out = ByteBufferAllocator().buffer(capacity: frames.readableBytes + 16)
        frames.withUnsafeReadableBytes { bytes in
            var used = 0
            while used < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
                let frame = WebSocketCodec.readServerFrame(rest)
                let end = frame.header + frame.length
                if frame.firstByte == WebSocketCodec.binary {
                    self.write(UnsafeRawBufferPointer(rebasing: rest[frame.header..<end]), into: &out)
                } else {
                    out.writeBytes(UnsafeRawBufferPointer(rebasing: rest[..<end]))
                }
                used += end
            }
        }
        return out
    }

    private func write(_ message: UnsafeRawBufferPointer, into out: inout ByteBuffer) {
        guard self != .typed else {
            return out.writeFrame(WebSocketCodec.binary, payloadLength: message.count + 1) { body in
                body.storeBytes(of: 4, as: UInt8.self)
                if let base = message.baseAddress, message.count > 0 {
                    (body + 1).copyMemory(from: base, byteCount: message.count)
                }
            }
        }
        var text = ByteBuffer(string: self == .base64 ? "b" : "b4")
        Base64.encode(message, into: &text)
        text.withUnsafeReadableBytes { out.writeFrame(WebSocketCodec.text, $0) }
    }
}
