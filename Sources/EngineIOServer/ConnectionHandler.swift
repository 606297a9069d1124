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
    private(set) var head = ByteBuffer()
    private(set) var isDone = false
    /// The layer above is asked about the request; what follows it waits in `head`.
    private var isChecking = false
    private var context: ChannelHandlerContext?
    private static let longestWait = 65536

    init(server: EngineServer, loop: EngineLoop) {
        self.server = server
        self.loop = loop
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.counters.accepted += 1
        self.loop.watch(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let input = Self.unwrapInboundIn(data)
        defer { self.loop.receivePool.giveBack(input) }
        if self.isChecking { return self.wait(input, context) }
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
            let opensSession = Query.rawValue(of: "sid", in: request.target) == nil
            guard self.server.mustCheck(opensSession: opensSession),
                self.server.configuration.serves(request.target.prefix { $0 != UInt8(ascii: "?") })
            else { return self.answer(request, bytes, [], context) }
            self.check(request, bytes, opensSession: opensSession, context)
        }
    }

    private func answer(
        _ request: WebSocketRequest, _ bytes: ByteBuffer, _ headers: [(name: String, value: String)],
        _ context: ChannelHandlerContext
    ) {
        var installed: (any ChannelInboundHandler)?
        bytes.withUnsafeReadableBytes { all in
            let handshake = WebSocketHandshake(
                server: self.server, loop: self.loop, channel: context.channel, addedHeaders: headers)
            handshake.answer(request, head: UnsafeRawBufferPointer(rebasing: all[..<request.length])) { connection in
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

    // MARK: asking the layer above

    private func check(
        _ request: WebSocketRequest, _ bytes: ByteBuffer, opensSession: Bool, _ context: ChannelHandlerContext
    ) {
        self.isChecking = true
        let whole = ByteBuffer(bytes: bytes.readableBytesView)  // the buffer that was read belongs to the loop
        let handshake = WebSocketHandshake(server: self.server, loop: self.loop, channel: context.channel)
        let engineRequest = bytes.withUnsafeReadableBytes { all in
            handshake.engineRequest(
                head: UnsafeRawBufferPointer(rebasing: all[..<request.length]),
                target: String(decoding: request.target, as: UTF8.self))
        }
        self.head = whole
        let bound = LoopBound(self, on: self.loop.eventLoop)
        self.server.check(engineRequest, opensSession: opensSession, on: self.loop.eventLoop) {
            bound.onLoop.checked($0)
        }
    }

    private func checked(_ verdict: EngineCheck.Verdict) {
        guard self.isChecking, let context = self.context, context.channel.isActive else { return }
        self.isChecking = false
        let bytes = self.head
        self.head = ByteBuffer()
        guard case .webSocket(let request) = bytes.withUnsafeReadableBytes({ RequestHeadParser.parse($0) }) else {
            return context.close(promise: nil)
        }
        switch verdict {
        case .success(let headers): self.answer(request, bytes, headers, context)
        case .failure(let error):
            WebSocketHandshake(server: self.server, loop: self.loop, channel: context.channel).refuse(error)
        }
    }

    /// A client that sends more than a few frames before it has an answer is not waited for.
    private func wait(_ input: ByteBuffer, _ context: ChannelHandlerContext) {
        self.head.writeImmutableBuffer(input)
        guard self.head.readableBytes > Self.longestWait else { return }
        self.isChecking = false
        self.loop.counters.refused["early_frames", default: 0] += 1
        context.close(promise: nil)
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
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// No request came in time.
    func timedOut() {
        guard !self.isDone else { return }
        self.isDone = true
        self.loop.counters.refused["request_timeout", default: 0] += 1
        guard let context = self.context else { return }
        guard self.head.readableBytes > 0 else { return context.close(promise: nil) }
        let answer = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        let channel = context.channel
        channel.writeAndFlush(ByteBuffer(string: answer)).whenComplete { _ in channel.close(promise: nil) }
    }
}
