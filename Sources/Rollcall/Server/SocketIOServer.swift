// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import EngineIOServer
public import Logging
import NIOCore
package import NIOPosix
public import ServiceLifecycle
public import SocketIOCodec
import Synchronization
import UserRegistryCore

/// A Socket.IO server (protocol 5 over Engine.IO 4; with `allowEIO3` also Socket.IO 2 clients): the entry point of the library.
///
/// ```swift
/// let io = SocketIOServer(configuration)
/// io.use { socket in
///     guard socket.handshake.auth["token"]?.stringValue == "secret" else { throw ConnectError("not authorized") }
/// }
/// io.onConnection { socket in
///     socket.on("echo") { (text: String) in text }
/// }
/// try await io.run()
/// ```
public final class SocketIOServer: Service, Sendable {
    /// The settings.
    public let configuration: ServerConfiguration
    /// Where the server logs to.
    public let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let ownsGroup: Bool
    private let makeAdapter: @Sendable (String) -> any Adapter
    private let hooks = Hooks()
    let namespaces = Mutex(NamespaceTable())
    private let engineStorage: EngineServer
    let refusals: RefusalLog

    /// What the Engine.IO server asks for; a separate object, since it is needed before the server is complete.
    private final class Hooks: EngineServerDelegate {
        private struct State {
            weak var server: SocketIOServer?
            var requestHooks: [RequestHook] = []
            var registries: [any UserRegistry] = []
        }
        private let state = Mutex(State())
        private let hasRequestHooks = Atomic<Bool>(false)

        func set(_ server: SocketIOServer) { self.state.withLock { $0.server = server } }
        func add(_ hook: RequestHook) {
            self.state.withLock { $0.requestHooks.append(hook) }
            self.hasRequestHooks.store(true, ordering: .relaxed)
        }
        func add(_ registry: any UserRegistry) { self.state.withLock { $0.registries.append(registry) } }

        var engineChecksRequests: Bool { self.hasRequestHooks.load(ordering: .relaxed) }

        func engineChecks(_ request: EngineRequest, opensSession: Bool) -> EngineCheck {
            let handshake = Handshake(request: request, auth: [:], issued: Clock.milliseconds())
            return RequestHook.run(
                self.state.withLock { $0.requestHooks },
                RequestExchange(request: handshake, opensSession: opensSession))
        }

        func engineRefusal(of request: EngineRequest) -> EngineHTTPError? {
            let registries = self.state.withLock { $0.registries }
            return registries.contains { !$0.acceptsClaims } ? .registryUnavailable : nil
        }

        func engineRefused(_ request: EngineRequest, _ error: EngineHTTPError) {
            self.state.withLock { $0.server }?.refusals.note(
                RefusalLog.Entry(
                    message: "connection refused", code: error.reason.uppercased(), reason: error.message,
                    address: request.address))
        }

        func engineOpens(_ session: EngineSession) -> any EngineSessionReceiver {
            guard let server = self.state.withLock({ $0.server }) else { return Deaf() }
            return server.open(session)
        }
    }

    /// Receives for a server that is gone.
    private final class Deaf: EngineSessionReceiver {
        func engineReceived(text: UnsafeRawBufferPointer) {}
        func engineReceived(binary: UnsafeRawBufferPointer) {}
        func engineOpened() {}
        func engineUpgraded() {}
        func engineConnectTimedOut() {}
        func engineExpired() {}
        func engineClosed(_ reason: CloseReason) {}
    }

    /// - Parameters:
    ///   - adapter: connects the nodes of a cluster; none by default.
    ///   - logger: nothing is logged by default.
    public convenience init(
        _ configuration: ServerConfiguration = ServerConfiguration(), adapter: ClusterAdapter = .none,
        logger: Logger = Logger(label: "rollcall", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, configuration.eventLoops))
        self.init(configuration, group: group, ownsGroup: true, makeAdapter: adapter.make, logger: logger)
    }

    /// With event loops that others use, too.
    package init(
        _ configuration: ServerConfiguration, group: MultiThreadedEventLoopGroup, ownsGroup: Bool,
        makeAdapter: @escaping @Sendable (String) -> any Adapter, logger: Logger
    ) {
        self.configuration = configuration
        self.logger = logger
        self.refusals = RefusalLog(logger)
        self.group = group
        self.ownsGroup = ownsGroup
        self.makeAdapter = makeAdapter
        self.engineStorage = EngineServer(
            configuration: configuration.engine, eventLoops: Array(group.makeIterator()), delegate: self.hooks,
            logger: logger)
        self.hooks.set(self)
    }

    package var engine: EngineServer { self.engineStorage }

    // MARK: namespaces

    /// The namespace of that name, made if it is not there. Clients can only join namespaces that were made, and dynamic ones.
    ///
    /// A name that a ``ParentNamespace`` takes, asked with an empty payload, gives a child of it.
    ///
    /// - Parameters:
    ///   - name: a leading slash is added.
    ///   - admission: admits each user of the namespace through a registry; counts only when the namespace is made.
    @discardableResult
    public func of(_ name: String, admission: Admission? = nil) -> Namespace {
        let name = name.hasPrefix("/") ? name : "/\(name)"
        if let known = self.existingNamespace(name) { return known }
        let blueprint = self.parent(taking: name, auth: [:])?.blueprint
        return self.namespaces.withLock { table in
            if let known = table[name] { return known }
            if let admission, blueprint == nil { self.hooks.add(admission.registry) }
            return table.add(blueprint.map { $0.make(name) } ?? self.make(name, admission))
        }
    }

    private func make(_ name: String, _ admission: Admission?) -> Namespace {
        Namespace(
            name: name, server: self, admission: admission, adapter: self.makeAdapter(name), loops: self.engine.loops)
    }

    /// Dynamic namespaces: one of each name that `isMatch` takes, made when the first client connects to it, with the middleware and
    /// handlers that the parent has then.
    ///
    /// ```swift
    /// let rooms = io.of(matching: { name, _ in name.wholeMatch(of: /\/room-\d+/) != nil })
    /// rooms.use { socket in try check(socket.handshake.auth, for: socket.namespace.name) }
    /// rooms.onConnection { socket in socket.namespace.emit("joined", socket.id) }
    /// ```
    ///
    /// A namespace that is there already is never asked for, `/` neither. Several parents are asked in the order in which they were
    /// made. No client can make a namespace whose name has more than 256 bytes or a `#`. See
    /// ``ServerConfiguration/Limits/maxChildNamespaces`` and ``ServerConfiguration/cleanupEmptyChildNamespaces``.
    ///
    /// - Parameters:
    ///   - admission: admits each user of each child through a registry.
    ///   - isMatch: gets the name and the payload of the CONNECT packet. Runs on an event loop and must not wait; what has to wait
    ///     belongs in middleware.
    public func of(
        matching isMatch: @escaping @Sendable (_ name: String, _ auth: SocketValue) -> Bool,
        admission: Admission? = nil
    ) -> ParentNamespace {
        if let admission { self.hooks.add(admission.registry) }
        let parent = ParentNamespace(
            server: self, admission: admission, makeAdapter: self.makeAdapter, takes: isMatch)
        self.namespaces.withLock { $0.add(parent) }
        return parent
    }

    /// The namespace of that name, if it was made.
    package func existingNamespace(_ name: String) -> Namespace? { self.namespaces.withLock { $0[name] } }

    /// All namespaces.
    public var allNamespaces: [Namespace] { self.namespaces.withLock { $0.all } }

    /// The namespace `/`.
    public var main: Namespace { self.of("/") }

    /// ``Namespace/use(_:)-(_)`` of `/`.
    public func use(_ middleware: @escaping @Sendable (Socket) throws -> Void) { self.main.use(middleware) }

    /// ``Namespace/use(_:)-(_)`` of `/`.
    @_disfavoredOverload
    public func use(_ middleware: @escaping @Sendable (Socket) async throws -> Void) { self.main.use(middleware) }

    /// ``Namespace/onConnection(_:)`` of `/`.
    public func onConnection(_ handler: @escaping @Sendable (Socket) -> Void) { self.main.onConnection(handler) }

    /// Sends to every client of `/` on every node.
    public func emit<each A: Encodable & Sendable>(_ event: String, _ arguments: repeat each A) {
        self.main.emit(event, repeat each arguments)
    }

    /// Everyone in these rooms of `/`.
    public func to(_ rooms: String...) -> BroadcastOperator { self.main.everyone.to(rooms) }

    /// Adds a step that every HTTP request and WebSocket handshake passes before anything else is looked at; for `allowRequest`,
    /// `engine.use`, `headers` and `initial_headers` of the reference.
    ///
    /// Throw ``HandshakeRefusal`` to answer 403, ``TemporaryRefusal`` to answer 503 with `Retry-After`; any other error is answered 400
    /// `Bad request`. What is added to ``RequestExchange/responseHeaders`` goes out with the answer.
    public func onRequest(_ hook: @escaping @Sendable (inout RequestExchange) throws -> Void) {
        self.hooks.add(RequestHook.synchronous(hook))
    }

    /// Adds a step that may wait. Only this request waits.
    public func onRequest(_ hook: @escaping @Sendable (inout RequestExchange) async throws -> Void) {
        self.hooks.add(RequestHook.asynchronous(hook))
    }

    fileprivate func open(_ session: EngineSession) -> any EngineSessionReceiver {
        let connection = Connection(session: session, server: self)
        if case .standard = self.configuration.parser.format { return connection }
        return ParsingReceiver(connection, self.configuration.parser.format)
    }

    private static func connection(of session: EngineSession) -> Connection? {
        (session.receiver as? Connection) ?? (session.receiver as? ParsingReceiver)?.connection
    }

    // MARK: life

    /// Binds the port. Throws what the system says (a port in use).
    ///
    /// - Returns: the real port.
    @discardableResult
    public func start() async throws -> Int {
        let address = try await self.engine.start(
            host: self.configuration.host, port: self.configuration.port, group: self.group)
        return address.port ?? self.configuration.port
    }

    /// Serves until the task is cancelled or the service group shuts down gracefully; then ends all connections so that the
    /// clients come back elsewhere. Starts the server, unless ``start()`` has.
    public func run() async throws {
        if !self.engine.isListening { try await self.start() }
        try? await gracefulShutdown()
        await self.drain(delay: .zero, duration: .zero)
        await self.stop()
    }

    /// Refuses new sessions, waits, then ends the open ones in jittered waves over `duration`: gate shut, claim released, transport
    /// closed, so that each client comes back on another node.
    package func drain(delay: Duration, duration: Duration) async {
        self.engine.refuseNewSessions()
        try? await Task.sleep(for: delay)
        let waves = max(1, Int(duration / .milliseconds(250)))
        for wave in 0..<waves {
            await self.closeSome(share: 1.0 / Double(waves - wave), code: "NODE_DRAINING")
            if self.engine.sessionCount == 0 { break }
            if wave < waves - 1 { try? await Task.sleep(for: .milliseconds(250)) }
        }
        let deadline = ContinuousClock.now + .seconds(3)
        while self.engine.sessionCount > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func closeSome(share: Double, code: String) async {
        for loop in self.engine.loops {
            try? await loop.eventLoop.submit {
                var connections: [Connection] = []
                loop.onLoop.forEachSession { session in
                    if let connection = Self.connection(of: session) { connections.append(connection) }
                }
                let count = Int((Double(connections.count) * share).rounded(.up))
                for connection in connections.shuffled().prefix(count) {
                    connection.closeTransport(code: code, .serverShuttingDown)
                }
            }.get()
        }
    }

    /// Closes what is left, and the listener.
    package func stop() async {
        await self.engine.closeAll(.serverShuttingDown, .comeBack(code: "NODE_DRAINING"))
        await self.engine.stopListening()
        await self.engine.stopTicking()
        // The namespaces hold the server, so that neither they nor a connection ever miss it.
        self.namespaces.withLock { $0 = NamespaceTable() }
        if self.ownsGroup { try? await self.group.shutdownGracefully() }
    }
}

/// How the nodes of a cluster share broadcasts.
public struct ClusterAdapter: Sendable {
    package let make: @Sendable (String) -> any Adapter

    package init(_ make: @escaping @Sendable (String) -> any Adapter) { self.make = make }

    /// A single node.
    public static var none: ClusterAdapter { ClusterAdapter { _ in InMemoryAdapter() } }
}
