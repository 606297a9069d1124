// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import HiredisClient
public import Logging
public import NIOCore
import NIOPosix
public import Rollcall
public import ServiceLifecycle
public import SocketIOCodec
import Synchronization

/// This node's part in a cluster over Redis: one connection for publishing and one for subscriptions, shared by all
/// namespaces of a server. See ``Rollcall/ClusterAdapter/redis(_:)``.
///
/// While Redis is away, clients of this node go on hearing each other; messages for other nodes wait one second at most.
public final class RedisCluster: Service, CustomStringConvertible, Sendable {
    /// For logs: says nothing of the configuration, which holds secrets.
    public var description: String { "cluster" }
    /// Names this node in its messages.
    let uid = ClusterID.random()
    let configuration: RedisClusterConfiguration
    let eventLoop: any EventLoop
    let status = ClusterStatus()
    private let listeners = ServerSideListeners()
    private let client: RedisClient
    private let subscriber: RedisSubscriber
    private let core: NIOLoopBoundBox<RedisClusterCore>
    private let mailbox: TurnMailbox<ClusterJob>

    /// - Parameters:
    ///   - url: `redis://[user:password@]host[:port][/db]`, `rediss://…` or `unix:///path`.
    ///   - channelPrefix: what all channels begin with, the same on all nodes (`key` of the reference).
    ///   - tls: makes the handler that encrypts a connection; needed for `rediss://`.
    ///   - logger: nothing is logged by default.
    /// - Throws: what is wrong with the URL.
    public convenience init(
        url: String, channelPrefix: String = "socket.io",
        tls: (@Sendable (any Channel) throws -> any ChannelHandler)? = nil,
        logger: Logger = Logger(label: "rollcall.cluster", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws {
        let redis = RedisConfiguration(url: try RedisURL(url), clientName: "rollcall", tls: tls)
        self.init(
            RedisClusterConfiguration(redis: redis, channelPrefix: channelPrefix),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(), logger: logger)
    }

    /// - Parameter eventLoop: best one of the server's own, so that what arrives need not change threads.
    package init(_ configuration: RedisClusterConfiguration, eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.client = RedisClient(configuration: configuration.redis, eventLoop: eventLoop, logger: logger)
        self.subscriber = RedisSubscriber(configuration: configuration.redis, eventLoop: eventLoop, logger: logger)
        self.mailbox = TurnMailbox(
            maxMessages: configuration.maxQueuedMessages, maxBytes: configuration.maxQueuedBytes)
        self.core = .makeBoxSendingValue(
            RedisClusterCore(
                uid: self.uid, configuration: configuration, client: self.client, subscriber: self.subscriber,
                status: self.status, listeners: self.listeners),
            eventLoop: eventLoop)
    }

    // MARK: life

    /// Keeps the node in the cluster until the task is cancelled or the service group shuts down gracefully. Run it once.
    ///
    /// - Throws: when the configuration cannot work; never because Redis is away.
    public func run() async throws {
        try await self.eventLoop.submit { self.core.value.install() }.get()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.client.run() }
            group.addTask { try await self.subscriber.run() }
            group.addTask {
                try? await gracefulShutdown()
                await self.stopAnswering()
            }
            defer { group.cancelAll() }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Other nodes no longer count on this node's answers: for a node whose last socket is gone.
    package func stopAnswering() async {
        try? await self.eventLoop.submit { self.core.value.stopAnswering() }.get()
    }

    /// Whether messages of other nodes arrive and can be sent: everything wanted is subscribed.
    public var isReady: Bool { self.status.isReady }

    /// Whether it was ever ready.
    public var wasReached: Bool { self.status.wasReached.load(ordering: .acquiring) }

    /// What happened so far.
    package func counters() async -> RedisClusterCounters {
        var counters = (try? await self.eventLoop.submit { self.core.value.counters }.get()) ?? RedisClusterCounters()
        let refused = self.status.refusedMessages.load(ordering: .relaxed)
        if refused > 0 { counters.dropped[.queueFull, default: 0] += refused }
        return counters
    }

    /// What the two connections counted: the one for commands and the one for subscriptions.
    package func connectionCounters() async -> (commands: RedisCounters, subscriptions: RedisCounters) {
        let both = try? await self.eventLoop.submit { (self.client.counters, self.subscriber.counters) }.get()
        return both ?? (RedisCounters(), RedisCounters())
    }

    // MARK: other servers

    /// Sends an event to the other servers of the cluster, not to clients.
    public func serverSideEmit(_ event: String, _ arguments: SocketValue..., namespace: String = "/") {
        self.post(message: .serverSideEmit(namespace: namespace, [.string(event)] + arguments), bytes: 0)
    }

    /// Sends an event to the other servers of the cluster and waits for one answer of each.
    ///
    /// - Parameter timeout: one hour at most.
    /// - Returns: what came in time. A server without a listener for the event does not answer.
    nonisolated(nonsending)
        public func serverSideEmitWithAck(
            _ event: String, _ arguments: SocketValue..., namespace: String = "/", timeout: Duration = .seconds(5)
        ) async -> ClusterResponses<SocketValue>
    {
        let responses = ResponseCollector<SocketValue>(includingThisServer: false)
        self.ask(.serverSideEmit([.string(event)] + arguments, responses), in: namespace)
        return await responses.responses(within: timeout)
    }

    /// Listens to an event of other servers and emitters. Called on an event loop, in the order in which messages came.
    public func onServerSideEvent(
        _ event: String, namespace: String = "/", _ listener: @escaping @Sendable (ServerSideEvent) -> Void
    ) {
        self.listeners.add(event, namespace: namespace, listener)
    }

    // MARK: jobs

    /// Leaves a job for the event loop that must not be lost.
    func post(_ job: ClusterJob) {
        if self.mailbox.add(job) { self.wake() }
    }

    /// Leaves a message for other nodes, or drops it where too much waits already.
    @discardableResult
    func post(message job: ClusterJob, bytes: Int) -> Bool {
        guard let isFirst = self.mailbox.add(message: job, bytes: bytes) else {
            self.status.refusedMessages.add(1, ordering: .relaxed)
            return false
        }
        if isFirst { self.wake() }
        return true
    }

    /// Asks the other servers.
    func ask(_ question: ClusterQuestion, in namespace: String) {
        var bytes = 0
        if case .emitWithAck(let event, _, _, _) = question { bytes = event.byteCount }
        if !self.post(message: .ask(question, namespace: namespace), bytes: bytes) { question.responses.giveUp() }
    }

    private func wake() {
        self.eventLoop.execute { self.core.value.run(self.mailbox) }
    }
}
