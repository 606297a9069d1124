// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import HiredisClient
import Logging
import NIOCore
import NIOPosix
import PrometheusMetrics
import Rollcall
import RollcallAdmin
import RollcallAuth
import RollcallRedis
import ServiceLifecycle
import UnixSignals
import UserRegistryCore
import UserRegistryRedis

/// The node: the library's server with authentication, registry, adapter, admin endpoint and drain.
package enum Node {
    /// Runs a node until it is told to stop (SIGTERM, SIGINT, `POST /v1/drain`), and lets its clients go first.
    ///
    /// - Throws: ``NodeError`` or ``ConfigurationError`` with a line for people.
    package static func run(_ configuration: NodeConfiguration) async throws {
        let logger = Logger(label: "rollcall")
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.listener.eventLoops)
        let state = NodeState(configuration)
        let loop = group.next()
        let redis = try configuration.redis.map { try Self.redisConfiguration($0) }
        let registry = Self.registry(configuration, redis, loop, state, logger)
        let cluster = redis.map { redis in
            RedisCluster(
                RedisClusterConfiguration(
                    redis: redis, channelPrefix: configuration.redis?.channelPrefix ?? "socket.io"),
                eventLoop: loop, logger: logger)
        }
        let server = SocketIOServer(
            try Self.serverConfiguration(configuration), group: group, ownsGroup: false,
            makeAdapter: (cluster.map { ClusterAdapter.redis($0) } ?? .none).make,
            logger: logger)
        try Self.setUp(server, configuration, registry)
        state.setSessionCount { server.engine.sessionCount }
        if let cluster { state.setAdapterReadiness { cluster.isReady } }
        let metrics = PrometheusRegistry()
        try NodeMetrics.register(in: metrics, server: server, registry: registry, cluster: cluster, state: state)
        let admin = AdminServer(
            configuration: AdminConfiguration(
                host: configuration.admin.host, port: configuration.admin.port, token: configuration.admin.token?.value,
                metricsPublic: configuration.admin.metricsPublic),
            backend: NodeAdminBackend(state: state, server: server, registry: registry), metrics: metrics,
            eventLoopGroup: group, logger: logger,
            onListening: { state.adminListens(on: NodeError.address(configuration.admin.host, $0.port ?? 0)) })
        var services: [any Service] = [AdminService(server: admin)]
        if let cluster { services.append(cluster) }
        services.append(RegistryService(registry: registry))
        services.append(
            ListenerService(
                server: server, state: state, host: configuration.listener.host, drain: configuration.drain,
                logger: logger))
        // The event loops are not shut down: the process ends now, and the admin endpoint's last connections may still have
        // something to do on them.
        try await Self.serve(services, state, logger)
    }

    private static func serve(_ services: [any Service], _ state: NodeState, _ logger: Logger) async throws {
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        state.setDrain { Task { await group.triggerGracefulShutdown() } }
        do {
            try await group.run()
        } catch let error as RegistryError where error.code == .mismatch {
            throw ConfigurationError(problems: [error.message])
        }
    }

    private static func setUp(
        _ server: SocketIOServer, _ configuration: NodeConfiguration, _ registry: any UserRegistry
    ) throws {
        let main = server.of(
            "/", admission: Admission(registry: registry, message: configuration.registry.duplicateMessage))
        let authentication = JWTAuthentication(
            verifier: try JWTVerifier(configuration.authentication.jwt), cookie: configuration.authentication.cookie,
            allowedOrigins: configuration.listener.corsOrigins,
            endsWithToken: configuration.authentication.tokenExpiry == .disconnect,
            defaultGrants: configuration.authentication.grants)
        authentication.install(in: main)
        NodeGateway(nodeID: configuration.nodeID).install(in: main)
    }

    // MARK: parts

    private static func registry(
        _ configuration: NodeConfiguration, _ redis: RedisConfiguration?, _ loop: any EventLoop, _ state: NodeState,
        _ logger: Logger
    ) -> any UserRegistry {
        guard let redis, let settings = configuration.redis else {
            return InMemoryUserRegistry(
                node: configuration.nodeID, policy: configuration.registry.duplicates,
                timing: configuration.registry.timing,
                nodeInfo: { state.descriptionText })
        }
        return RedisUserRegistry(
            configuration: redis, eventLoop: loop, prefix: settings.prefix, scope: "/", nodeID: configuration.nodeID,
            policy: configuration.registry.duplicates, timing: configuration.registry.timing,
            partitions: configuration.registry.partitions, nodeInfo: { state.descriptionText }, logger: logger)
    }

    private static func redisConfiguration(_ redis: NodeConfiguration.Redis) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(url: redis.url)
        configuration.clientName = "rollcall"
        if redis.url.isTLS, case .tcp(let host, _) = redis.url.address {
            configuration.tls = try NodeTLS.redis(redis, host: host)
            configuration.describeTLSFailure = NodeTLS.describe
        }
        return configuration
    }

    private static func serverConfiguration(_ configuration: NodeConfiguration) throws -> ServerConfiguration {
        var server = ServerConfiguration()
        server.host = configuration.listener.host
        server.port = configuration.listener.port
        server.path = configuration.listener.path
        server.eventLoops = configuration.listener.eventLoops
        server.sidPrefix = configuration.sessionIDPrefix
        server.pingInterval = configuration.limits.pingInterval
        server.pingTimeout = configuration.limits.pingTimeout
        server.connectTimeout = configuration.limits.connectTimeout
        server.limits.maxPayload = configuration.limits.maxPayload
        server.limits.maxConnections = configuration.limits.maxConnections ?? 0
        server.limits.maxQueuedBytes = configuration.limits.maxQueuedBytes ?? 0
        server.limits.connectRate = configuration.limits.connectRate ?? 0
        server.limits.eventRate = configuration.limits.eventRate ?? 0
        // The gateway asks for nothing of it. A cookie, though, must be there for what is joined later on a connection.
        server.keepsHandshakes = configuration.authentication.cookie != nil
        server.trustedProxies = configuration.listener.trustedProxies
        let origins = configuration.listener.corsOrigins
        if !origins.isEmpty {
            let isAny = origins.contains("*")
            server.cors = .init(origins: isAny ? [] : origins, credentials: !isAny)
        }
        if let tls = configuration.listener.tls { server.makeTLSHandler = try NodeTLS.listener(tls) }
        return server
    }

    // MARK: tools

    /// Creates the registry of a new cluster, so that its first clients need not wait for the recovery window.
    ///
    /// - Throws: ``NodeError`` when Redis cannot be reached or the registry exists.
    package static func initializeRegistry(_ configuration: NodeConfiguration) async throws {
        guard let redis = configuration.redis else { throw NodeError("the registry is in Redis: give --redis-url") }
        try await RedisUserRegistry.initialize(
            configuration: try Self.redisConfiguration(redis), eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            prefix: redis.prefix, scope: "/",
            timing: configuration.registry.timing, partitions: configuration.registry.partitions)
    }
}
