// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Sends every message back: the receiver of sessions below `engineEchoPath`.
final class EngineEcho: EngineSessionReceiver {
    private unowned(unsafe) let session: EngineSession  // safe: the session owns its receiver

    init(_ session: EngineSession) { self.session = session }

    func engineReceived(text: UnsafeRawBufferPointer) {
        self.session.send { out in
            out.writeFrame(WebSocketCodec.text, payloadLength: text.count + 1) { body in
                body.storeBytes(of: UInt8(ascii: "4"), as: UInt8.self)
                if let base = text.baseAddress, text.count > 0 {
                    (body + 1).copyMemory(from: base, byteCount: text.count)
                }
            }
        }
    }

    func engineReceived(binary: UnsafeRawBufferPointer) {
        self.session.send { $0.writeFrame(WebSocketCodec.binary, binary) }
    }

    func engineOpened() {}
    func engineUpgraded() {}
    func engineConnectTimedOut() {}
    func engineExpired() {}
    func engineClosed(_ reason: CloseReason) {}
}
