// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The plain endpoint of ``WebSocketEndpoint/echo(maxPayload:)``.
final class WebSocketEcho: WebSocketReceiver {
    func webSocket(_ connection: WebSocketConnection, receivedText text: UnsafeRawBufferPointer) {
        connection.sendFrame(WebSocketCodec.text, text)
    }

    func webSocket(_ connection: WebSocketConnection, receivedBinary bytes: UnsafeRawBufferPointer) {
        connection.sendFrame(WebSocketCodec.binary, bytes)
    }

    func webSocketClosed(_ connection: WebSocketConnection) {}
}
