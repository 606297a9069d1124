// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Synchronization

/// A TCP relay in front of Redis: cuts connections, or holds what a client sends and delivers it later, when the client
/// may have given the connection up.
final class TestProxy: Sendable {
    enum Mode { case relaying, cut, holding }

    struct State {
        var mode = Mode.relaying
        var pairs: [Pair] = []
        var closedByClient = 0
    }

    /// The two ends of one connection.
    final class Pair: Sendable {
        let client: any Channel
        let server: any Channel
        let held = Mutex<[ByteBuffer]>([])
        init(client: any Channel, server: any Channel) {
            self.client = client
            self.server = server
        }
    }

    private let state = Mutex(State())
    private let listener = Mutex<(any Channel)?>(nil)

    var port: Int { self.listener.withLock { $0?.localAddress?.port ?? 0 } }
    var closedByClient: Int { self.state.withLock { $0.closedByClient } }

    init(to port: Int) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { client in
                // The client's channel becomes active after that, and Redis does not speak first: no byte is missed.
                ClientBootstrap(group: client.eventLoop)
                    .connect(host: "127.0.0.1", port: port)
                    .flatMapThrowing { server in try self.join(client, server) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.listener.withLock { $0 = channel }
    }

    func stop() {
        self.listener.withLock { $0 }?.close(promise: nil)
        self.cut()
    }

    private func join(_ client: any Channel, _ server: any Channel) throws {
        let pair = Pair(client: client, server: server)
        let isCut = self.state.withLock { state in
            state.pairs.append(pair)
            return state.mode == .cut
        }
        try client.pipeline.syncOperations.addHandler(
            RelayHandler(onBytes: { self.fromClient($0, pair) }, onClose: { self.clientClosed(pair) }))
        try server.pipeline.syncOperations.addHandler(
            RelayHandler(
                onBytes: { bytes in client.writeAndFlush(bytes, promise: nil) },
                onClose: { client.close(promise: nil) }))
        guard !isCut else {
            client.close(promise: nil)
            return server.close(promise: nil)
        }
    }

    private func fromClient(_ bytes: ByteBuffer, _ pair: Pair) {
        if self.state.withLock({ $0.mode == .holding }) {
            pair.held.withLock { $0.append(bytes) }
        } else {
            pair.server.writeAndFlush(bytes, promise: nil)
        }
    }

    private func clientClosed(_ pair: Pair) {
        let isHeld = pair.held.withLock { !$0.isEmpty }
        self.state.withLock { $0.closedByClient += 1 }
        // What is held is delivered first.
        if !isHeld { pair.server.close(promise: nil) }
    }

    /// Closes all connections, and new ones as they come.
    func cut() {
        let pairs = self.state.withLock { state in
            state.mode = .cut
            defer { state.pairs = [] }
            return state.pairs
        }
        for pair in pairs {
            pair.client.close(promise: nil)
            pair.server.close(promise: nil)
        }
    }

    func mend() { self.state.withLock { $0.mode = .relaying } }

    /// Keeps what clients send.
    func hold() { self.state.withLock { $0.mode = .holding } }

    /// Sends on what was kept.
    func deliver() {
        let pairs = self.state.withLock { state in
            state.mode = .relaying
            return state.pairs
        }
        for pair in pairs {
            for bytes in pair.held.withLock({ $0 }) { pair.server.writeAndFlush(bytes, promise: nil) }
            pair.held.withLock { $0 = [] }
            if !pair.client.isActive { pair.server.close(promise: nil) }
        }
    }
}

private final class RelayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let onBytes: (ByteBuffer) -> Void
    private let onClose: () -> Void

    init(onBytes: @escaping (ByteBuffer) -> Void, onClose: @escaping () -> Void) {
        self.onBytes = onBytes
        self.onClose = onClose
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { self.onBytes(Self.unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { self.onClose() }
}
