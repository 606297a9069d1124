// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import NIOPosix
import Rollcall
import RollcallRedis
import SocketIOCodec
import TestSupport
import Testing

/// A server with its part in the cluster, on event loops of its own.
final class TestNode: Sendable {
    let server: SocketIOServer
    let cluster: RedisCluster
    let port: Int

    var io: Namespace { self.server.main }

    private init(_ server: SocketIOServer, _ cluster: RedisCluster, port: Int) {
        self.server = server
        self.cluster = cluster
        self.port = port
    }

    struct Options: Sendable {
        var eventLoops = 2
        var patience = TimeAmount.seconds(1)
        var waitsUntilReady = true
        var namespaces = ["/"]
        var configure: @Sendable (inout RedisClusterConfiguration) -> Void = { _ in }
        var settings: @Sendable (inout ServerConfiguration) -> Void = { _ in }
        var logger = Logger.silent
        var setUp: @Sendable (SocketIOServer, RedisCluster) -> Void = { _, _ in }
    }

    /// Runs a node for the time of `body`. Its clients may send `join`, `leave`, `join-leave-join` and `who`.
    static func run<Outcome>(
        redisPort: Int, _ options: Options = Options(), _ body: (TestNode) async throws -> Outcome
    ) async throws -> Outcome {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: options.eventLoops)
        var configuration = RedisClusterConfiguration(redis: try .testing(port: redisPort))
        configuration.publishPatience = options.patience
        options.configure(&configuration)
        let logger = options.logger
        let cluster = RedisCluster(configuration, eventLoop: group.next(), logger: logger)
        var settings = ServerConfiguration()
        settings.port = 0
        settings.limits.eventRate = 0
        settings.pingTimeout = .seconds(600)
        options.settings(&settings)
        let server = SocketIOServer(
            settings, group: group, ownsGroup: false, makeAdapter: ClusterAdapter.redis(cluster).make, logger: logger)
        for name in options.namespaces { Self.addEvents(to: server.of(name)) }
        options.setUp(server, cluster)
        let port = try await server.start()
        let outcome: Result<Outcome, any Error>
        do {
            let value = try await running({ try await cluster.run() }) {
                if options.waitsUntilReady { try await eventually("the node is ready") { cluster.isReady } }
                return try await body(TestNode(server, cluster, port: port))
            }
            outcome = .success(value)
        } catch {
            outcome = .failure(error)
        }
        await server.stop()
        try await group.shutdownGracefully()
        return try outcome.get()
    }

    private static func addEvents(to namespace: Namespace) {
        namespace.onConnection { socket in
            socket.on("join") { (room: String) -> String in
                await withCheckedContinuation { continuation in
                    socket.join(room) { continuation.resume() }
                }
                return "joined"
            }
            socket.on("leave") { (room: String) -> String in
                socket.leave(room)
                return "left"
            }
            socket.on("join-leave-join") { (room: String) -> String in
                await withCheckedContinuation { continuation in
                    socket.join(room)
                    socket.leave(room)
                    socket.join(room) { continuation.resume() }
                }
                return "joined"
            }
            socket.on("shout") { (text: String) in socket.broadcast.emit("shout", text) }
        }
    }
}

/// Runs several nodes for the time of `body`.
func withNodes<Outcome>(
    _ count: Int, _ redis: RedisServerProcess, _ options: TestNode.Options = TestNode.Options(),
    _ body: ([TestNode]) async throws -> Outcome
) async throws -> Outcome {
    try await withMoreNodes(count, redis, options, [], body)
}

private func withMoreNodes<Outcome>(
    _ count: Int, _ redis: RedisServerProcess, _ options: TestNode.Options, _ nodes: [TestNode],
    _ body: ([TestNode]) async throws -> Outcome
) async throws -> Outcome {
    guard nodes.count < count else { return try await body(nodes) }
    return try await TestNode.run(redisPort: redis.port, options) { node in
        try await withMoreNodes(count, redis, options, nodes + [node], body)
    }
}

extension TestNode {
    /// The nodes have lost Redis.
    static func notice(_ nodes: [TestNode]) async throws {
        try await eventually("the nodes notice") { !nodes.contains { $0.cluster.isReady } }
    }

    static func areReady(_ nodes: [TestNode]) async throws {
        try await eventually("the nodes are ready") { nodes.allSatisfy { $0.cluster.isReady } }
    }

    static func nothingIsPending(_ nodes: [TestNode]) async throws {
        for node in nodes {
            try await eventually("no request is left") { await node.cluster.counters().pendingRequests == 0 }
        }
    }

    /// The only question that waits: this node has said what it knows, and somebody else is waited for.
    func isWaiting() async throws {
        try await eventually("the request waits") { await self.cluster.counters().pendingRequests == 1 }
        // The event loops answer questions one after the other.
        _ = await self.io.everyone.local.fetchSockets(timeout: .seconds(600))
    }
}

extension WebSocketClient {
    static func connect(
        _ node: TestNode, namespace: String = "/", auth: String = "", headers: [String] = []
    ) async throws -> WebSocketClient {
        try await .connect(port: node.port, namespace: namespace, auth: auth, headers: headers)
    }

    /// Sends one of the events of ``TestNode`` and waits for its acknowledgement.
    func call(_ event: String, _ argument: String, id: Int = 0) async throws {
        let before = self.texts.count { $0.hasPrefix("43\(id)") }
        try await self.send("42\(id)[\"\(event)\",\"\(argument)\"]")
        try await eventually("\(event) is acknowledged") {
            self.texts.count { $0.hasPrefix("43\(id)") } > before
        }
    }
}
