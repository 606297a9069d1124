// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOHTTP1

/// The first handler of every connection: finds out what its first request is.
///
/// A `GET` that asks for a WebSocket is answered here, parsed by hand; this handler is then replaced by a
/// ``WebSocketConnection``. For everything else NIO's HTTP handlers take its place and get the bytes again.
final class ConnectionHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: EngineServer
    private let loop: EngineLoop
    private var head = ByteBuffer()
    private(set) var isDone = false
    private var channel: (any Channel)?

    init(server: EngineServer, loop: EngineLoop) {
        self.server = server
        self.loop = loop
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.channel = context.channel
        self.loop.counters.accepted += 1
        self.loop.watch(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let input = Self.unwrapInboundIn(data)
        defer { self.loop.receivePool.giveBack(input) }
        guard !self.isDone else { return }
        guard self.head.readableBytes == 0 else {
            self.head.writeImmutableBuffer(input)
            return self.examine(self.head, context)
        }
        self.examine(input, context)
    }

    private func examine(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        switch bytes.withUnsafeReadableBytes({ RequestHeadParser.parse($0) }) {
        case .needsMore:
            if self.head.readableBytes == 0 { self.head = ByteBuffer(bytes: bytes.readableBytesView) }
        case .other: self.handOver(bytes, context)
        case .webSocket(let request):
            self.isDone = true
            var installed: (any ChannelInboundHandler)?
            bytes.withUnsafeReadableBytes { all in
                let handshake = WebSocketHandshake(server: self.server, loop: self.loop, channel: context.channel)
                handshake.answer(request, head: UnsafeRawBufferPointer(rebasing: all[..<request.length])) {
                    connection in
                    installed = connection
                    self.replace(by: connection, context)
                }
            }
            // A client that does not wait for the answer: its first frames came with the request.
            guard bytes.readableBytes > request.length, let connection = installed as? WebSocketConnection,
                let rest = bytes.getSlice(
                    at: bytes.readerIndex + request.length, length: bytes.readableBytes - request.length)
            else { return }
            connection.receive(rest)
            connection.receivedAll()
        }
    }

    /// The connection is a WebSocket from now on.
    private func replace(by handler: any ChannelInboundHandler, _ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(handler, position: .after(self))
            pipeline.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    private func handOver(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        self.isDone = true
        let pipeline = context.pipeline.syncOperations
        do {
            try EngineHTTPHandler.addHandlers(
                to: context.channel, server: self.server, loop: self.loop, after: self)
            context.fireChannelRead(Self.wrapInboundOut(ByteBuffer(bytes: bytes.readableBytesView)))
            context.fireChannelReadComplete()
            pipeline.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.isDone = true
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.isDone = true
        self.channel = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// No request came in time.
    func timedOut() {
        guard !self.isDone else { return }
        self.loop.counters.refused["request_timeout", default: 0] += 1
        self.channel?.close(promise: nil)
    }
}
