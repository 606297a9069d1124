// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Handler of a WebSocket's channel whose session lives on another loop.
final class WebSocketForwarder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: LoopBound<WebSocketConnection>

    init(_ connection: LoopBound<WebSocketConnection>) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The loop's receive buffer is used again.
        let input = ByteBuffer(bytes: Self.unwrapInboundIn(data).readableBytesView)
        self.connection.execute { connection in
            connection.receive(input)
            connection.receivedAll()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.connection.execute { $0.channelClosed() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
