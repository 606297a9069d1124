// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import Rollcall
import Synchronization
import TestSupport
import Testing

@testable import RollcallRedis

/// Redis goes away and comes back.
@Suite struct ClusterOutageTests {
    /// On the connection for commands: what was written to it is lost, not late.
    private static func noticesOnCommands(_ node: TestNode) async throws {
        try await eventually("the node notices") { !node.cluster.status.isConnected.load(ordering: .acquiring) }
    }

    @Test func everythingIsSubscribedAgainBeforeTheNodeIsReady() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            let early = try await WebSocketClient.connect(nodes[1])
            try await early.call("join", "old")
            redis.stop()
            try await TestNode.notice(nodes)
            #expect(nodes.allSatisfy { $0.cluster.wasReached })

            // Meanwhile the node goes on by itself: connecting and joining take effect at once.
            let late = try await WebSocketClient.connect(nodes[1])
            try await late.call("join", "new")
            nodes[1].io.to("new").emit("local")
            nodes[1].io.to("old").emit("local")
            try await late.expect([#"42["local"]"#])
            try await early.expect([#"42["local"]"#])

            try redis.start()
            try await TestNode.areReady(nodes)
            nodes[0].io.to("new").emit("new")
            nodes[0].io.to("old").emit("old")
            nodes[0].io.to(try late.sid).emit("private")
            try await late.expect([#"42["local"]"#, #"42["new"]"#, #"42["private"]"#])
            try await early.expect([#"42["local"]"#, #"42["old"]"#])
            for node in nodes { #expect(await node.cluster.counters().gaps == 1) }
        }
    }

    @Test func messagesWaitForAWhileAndAreThenDroppedAndCounted() async throws {
        let redis = try RedisServerProcess()
        var options = TestNode.Options()
        options.patience = .milliseconds(100)
        try await withNodes(1, redis, options) { nodes in
            #expect(RedisClusterConfiguration(redis: try .testing(port: redis.port)).publishPatience == .seconds(1))
            redis.stop()
            try await Self.noticesOnCommands(nodes[0])
            for number in 0..<10 { nodes[0].io.emit("e", number) }
            try await eventually("the messages are dropped") {
                await nodes[0].cluster.counters().dropped == [.away: 10]
            }
        }
    }

    @Test func messagesOfAShortOutageAreSentWhenItIsOver() async throws {
        let redis = try RedisServerProcess()
        var options = TestNode.Options()
        options.patience = .seconds(60)
        try await withNodes(1, redis, options) { nodes in
            redis.stop()
            try await Self.noticesOnCommands(nodes[0])
            for number in 0..<10 { nodes[0].io.emit("e", number) }
            try redis.start()
            // It hears itself where it was subscribed in time; sent they are in any case.
            try await eventually("the messages are sent") {
                await nodes[0].cluster.connectionCounters().commands.replies >= 10 && nodes[0].cluster.isReady
            }
            #expect(await nodes[0].cluster.counters().dropped.isEmpty)
        }
    }

    @Test func aNodeStartsWithoutRedisAndJoinsTheClusterLater() async throws {
        let redis = try RedisServerProcess()
        redis.stop()
        var options = TestNode.Options()
        options.waitsUntilReady = false
        try await withNodes(2, redis, options) { nodes in
            let client = try await WebSocketClient.connect(nodes[1])
            try await client.call("join", "r")
            #expect(nodes.allSatisfy { !$0.cluster.isReady && !$0.cluster.wasReached })
            try redis.start()
            try await TestNode.areReady(nodes)
            nodes[0].io.to("r").emit("e")
            try await client.expect([#"42["e"]"#])
        }
    }

    @Test func whoWaitsForASubscriptionDoesNotWaitForADeadRedis() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            let client = try await WebSocketClient.connect(nodes[0])
            redis.pause()
            try await client.send(#"420["join","r"]"#)
            try await eventually("the join waits for its subscription") {
                await nodes[0].cluster.counters().rooms == 2
            }
            redis.stop()
            try await eventually("the join is acknowledged") { client.texts.contains(#"430["joined"]"#) }
        }
    }

    @Test func aClientHearsNothingBeforeItIsConnected() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            let first = try await WebSocketClient.connect(nodes[0])
            let second = try await WebSocketClient.open(port: nodes[0].port)
            redis.pause()
            try await second.send("40")
            try await eventually("the connection waits for its subscription") {
                await nodes[0].cluster.counters().rooms == 2
            }
            nodes[0].io.emit("e", 1)
            try await first.expect([#"42["e",1]"#])
            #expect(second.texts.count == 1)
            redis.resume()
            try await second.expect([#"42["e",1]"#])
            #expect(second.texts[1].hasPrefix("40{"))
            nodes[0].io.emit("e", 2)
            try await second.expect([#"42["e",1]"#, #"42["e",2]"#])
        }
    }

    @Test func aFullMailboxDropsAndCounts() async throws {
        let redis = try RedisServerProcess()
        var configuration = RedisClusterConfiguration(redis: try .testing(port: redis.port))
        configuration.maxQueuedMessages = 10
        configuration.publishPatience = .milliseconds(1)
        let loop = BlockedLoop()
        let cluster = RedisCluster(configuration, eventLoop: loop.eventLoop, logger: .init(label: "test"))
        let server = SocketIOServer(ServerConfiguration(), adapter: .redis(cluster))
        let main = server.main
        try await loop.eventLoop.submit {}.get()
        loop.block()
        for number in 0..<25 { main.emit("e", number) }
        loop.unblock()
        try await eventually("all are accounted for") {
            let dropped = await cluster.counters().dropped
            return dropped == [.queueFull: 15, .away: 10]
        }
        await server.stop()
    }

    @Test func nothingIsLeftWhenANodeIsGone() async throws {
        let redis = try RedisServerProcess()
        weak let cluster = try await TestNode.run(redisPort: redis.port) { node in
            let client = try await WebSocketClient.connect(node)
            try await client.call("join", "r")
            node.io.emit("e")
            try await client.expect([#"42["e"]"#])
            return node.cluster
        }
        try await eventually("the cluster is released") { cluster == nil }
    }

    @Test func aURLThatCannotWorkIsRefused() async throws {
        #expect(throws: RedisError.self) { try RedisCluster(url: "http://127.0.0.1") }
        let cluster = try RedisCluster(url: "rediss://127.0.0.1")
        await #expect(throws: RedisError.self) { try await cluster.run() }
    }
}
