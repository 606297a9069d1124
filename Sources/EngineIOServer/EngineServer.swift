// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// What the layer above decides about handshakes. Called on the event loop of the connection.
package protocol EngineServerDelegate: AnyObject, Sendable {
    /// Whether ``engineChecks(_:opensSession:)`` is to be asked at all.
    var engineChecksRequests: Bool { get }
    /// A request or a WebSocket handshake came in.
    func engineChecks(_ request: EngineRequest, opensSession: Bool) -> EngineCheck
    /// Nil: the handshake goes on.
    func engineRefusal(of request: EngineRequest) -> EngineHTTPError?
    /// The handshake was refused, by whomever.
    func engineRefused(_ request: EngineRequest, _ error: EngineHTTPError)
    /// A session is about to open: the returned object gets its messages.
    func engineOpens(_ session: EngineSession) -> any EngineSessionReceiver
}

/// Listens, and owns the event loops' states and the table of sessions.
package final class EngineServer: Sendable {
    package let configuration: EngineConfiguration
    package let loops: [LoopBound<EngineLoop>]
    package let logger: Logger
    let delegate: any EngineServerDelegate
    private let table = SessionTable()
    private let limiter: ConnectRateLimiter
    private let draining = Atomic<Bool>(false)
    private let openSessions = Atomic<Int>(0)
    private let listener = Mutex<(any Channel)?>(nil)

    /// - Parameter eventLoops: at least one; connections are spread over them.
    package init(
        configuration: EngineConfiguration, eventLoops: [any EventLoop], delegate: any EngineServerDelegate,
        logger: Logger
    ) {
        self.configuration = configuration
        self.delegate = delegate
        self.logger = logger
        self.limiter = ConnectRateLimiter(perSecond: configuration.connectRate, now: configuration.now)
        self.loops = eventLoops.enumerated().map { index, eventLoop in
            LoopBound(EngineLoop(eventLoop: eventLoop, index: index, configuration: configuration), on: eventLoop)
        }
    }

    /// Sessions that are open now, on all loops.
    package var sessionCount: Int { self.openSessions.load(ordering: .relaxed) }

    /// Whether new sessions are refused.
    package var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    /// From now on handshakes are answered 503 `NODE_DRAINING`; open sessions go on.
    package func refuseNewSessions() { self.draining.store(true, ordering: .relaxed) }

    // MARK: listening

    /// Whether the port is bound.
    package var isListening: Bool { self.listener.withLock { $0 != nil } }

    /// Binds and serves. Throws what the bind throws (a port in use).
    ///
    /// - Parameter group: must consist of the event loops given to `init`.
    package func start(host: String, port: Int, group: any EventLoopGroup) async throws -> SocketAddress {
        for loop in self.loops { loop.execute { $0.startTicking() } }
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 64)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try self.set(up: channel) } }
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.writeBufferWaterMark, value: self.waterMark)
            .bind(host: host, port: port).get()
        self.listener.withLock { $0 = channel }
        guard let address = channel.localAddress else { throw ChannelError.alreadyClosed }
        return address
    }

    /// Above the high mark a client is a slow consumer, see ``WebSocketConnection``.
    private var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
        let high = self.configuration.maxQueuedBytes == 0 ? Int(Int32.max) : self.configuration.maxQueuedBytes
        return .init(low: max(1, high / 2), high: max(1, high))
    }

    private func set(up channel: any Channel) throws {
        guard let loop = self.loop(of: channel.eventLoop) else { throw ChannelError.inappropriateOperationForState }
        try channel.syncOptions?.setOption(.recvAllocator, value: SharedReceiveAllocator(pool: loop.receivePool))
        if let makeTLSHandler = self.configuration.makeTLSHandler {
            try channel.pipeline.syncOperations.addHandler(makeTLSHandler())
        }
        try channel.pipeline.syncOperations.addHandler(ConnectionHandler(server: self, loop: loop))
    }

    private func loop(of eventLoop: any EventLoop) -> EngineLoop? {
        self.loops.first { $0.eventLoop === eventLoop }?.onLoop
    }

    /// Stops listening. Open connections go on.
    package func stopListening() async {
        let channel = self.listener.withLock { $0.take() }
        try? await channel?.close()
    }

    /// Ends every session with `mode`, and the timers.
    package func closeAll(_ reason: CloseReason, _ mode: CloseMode) async {
        for loop in self.loops {
            try? await loop.eventLoop.submit {
                var open: [EngineSession] = []
                loop.onLoop.forEachSession { open.append($0) }
                for session in open { session.close(reason, mode) }
            }.get()
        }
    }

    /// Ends the timers of the loops: the last thing before the loops themselves are shut down.
    package func stopTicking() async {
        for loop in self.loops {
            try? await loop.eventLoop.submit { loop.onLoop.stopTicking() }.get()
        }
    }

    /// The counts of all loops.
    package func counters() async -> EngineCounters {
        var sum = EngineCounters()
        for loop in self.loops {
            if let counters = try? await loop.eventLoop.submit({ loop.onLoop.counters }).get() { sum.add(counters) }
        }
        return sum
    }

    // MARK: handshakes

    /// Whether a session may be opened; an error otherwise.
    func refusal(of request: EngineRequest) -> EngineHTTPError? {
        let refusal = self.firstRefusal(of: request)
        if let refusal { self.delegate.engineRefused(request, refusal) }
        return refusal
    }

    private func firstRefusal(of request: EngineRequest) -> EngineHTTPError? {
        if self.isDraining { return .draining }
        let limit = self.configuration.maxConnections
        if limit > 0, self.sessionCount >= limit { return .full }
        if !self.limiter.admits(request.address) { return .rateLimited }
        return self.delegate.engineRefusal(of: request)
    }

    /// A new session, known by its id but not open yet.
    func makeSession(on loop: EngineLoop, version: EngineVersion, request: EngineRequest) -> EngineSession {
        let session = EngineSession(id: loop.ids.next(), loop: loop, version: version, request: request) { id in
            if self.table.remove(id) { self.openSessions.subtract(1, ordering: .relaxed) }
        }
        self.table.insert(LoopBound(session, on: loop.eventLoop), for: session.id)
        self.openSessions.add(1, ordering: .relaxed)
        let isEcho = self.configuration.servesEcho(request.target.utf8.prefix { $0 != UInt8(ascii: "?") })
        session.receiver = isEcho ? EngineEcho(session) : self.delegate.engineOpens(session)
        return session
    }

    func session(_ id: SessionID) -> LoopBound<EngineSession>? { self.table.find(id) }
}

/// The sessions of all loops by id: which loop a request belongs to. In shards, since every loop asks.
private final class SessionTable: Sendable {
    private final class Shard: Sendable {
        let sessions = Mutex<[SessionID: LoopBound<EngineSession>]>([:])
    }
    private let shards = (0..<16).map { _ in Shard() }

    private func shard(_ id: SessionID) -> Shard { self.shards[id.hashValue & 15] }

    func insert(_ session: LoopBound<EngineSession>, for id: SessionID) {
        self.shard(id).sessions.withLock { $0[id] = session }
    }

    /// Whether it was there.
    func remove(_ id: SessionID) -> Bool {
        self.shard(id).sessions.withLock { $0.removeValue(forKey: id) != nil }
    }

    func find(_ id: SessionID) -> LoopBound<EngineSession>? {
        self.shard(id).sessions.withLock { $0[id] }
    }
}

/// Handshakes per second and address. Loopback is exempt: there a balancer may stand.
private final class ConnectRateLimiter: Sendable {
    private struct Window {
        var second: Int64 = -1
        var counts: [String: Int] = [:]
    }
    private let perSecond: Int
    private let now: @Sendable () -> NIODeadline
    private let window = Mutex(Window())

    init(perSecond: Int, now: @escaping @Sendable () -> NIODeadline) {
        self.perSecond = perSecond
        self.now = now
    }

    func admits(_ address: String) -> Bool {
        guard self.perSecond > 0, !AddressRange.isLoopback(address) else { return true }
        let second = Int64(self.now().uptimeNanoseconds / 1_000_000_000)
        return self.window.withLock { window in
            if window.second != second { window = Window(second: second) }
            window.counts[address, default: 0] += 1
            return window.counts[address, default: 0] <= self.perSecond
        }
    }
}
