// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOPosix
import TestSupport
import Testing
import UserRegistryCore

@testable import UserRegistryRedis

/// Leases of registries over a real Redis: dead nodes, outages, constants.
@Suite(.serialized) struct LeaseTests {
    @Test func aDeadNodesUsersAreFreeAfterTheLease() async throws {
        try await TestCluster.with(timing: TestCluster.shortLease) { cluster in
            let checker = Checker()
            let users = (0..<20).map { "u\($0)" }
            let old = users.map { cluster.nodes[0].connect($0) }
            for socket in old { checker.watch(socket) }
            try await eventually("granted") { old.allSatisfy { $0.isGranted } }
            await cluster.nodes[0].stop()
            let new = users.map { cluster.nodes[1].connect($0) }
            for socket in new { checker.watch(socket) }
            try await eventually("taken over") { new.allSatisfy { $0.isGranted } }
            #expect(new.allSatisfy { $0.refusal == nil } && old.allSatisfy { !$0.isServed })
            #expect(checker.stop().violations == [])
            // What is asked of a registry that has ended is answered at once.
            for socket in old { socket.close() }
            let late = cluster.nodes[0].connect("late")
            try await eventually("released") { old.allSatisfy(\.isReleased) && late.refusal == .unavailable }
            try await eventually("the dead node is cleared away") {
                try await cluster.nodes[1].registry.nodes().map(\.id) == ["n2"]
            }
        }
    }

    @Test func anOutageShorterThanTheLeaseIsNotNoticed() async throws {
        try await TestCluster.with { cluster in
            let socket = cluster.nodes[0].connect("u")
            try await eventually("granted") { socket.isGranted }
            cluster.server.pause()
            let deadline = ContinuousClock.now + .milliseconds(600)
            while ContinuousClock.now < deadline {
                #expect(socket.isServed)
                try await Task.sleep(for: .milliseconds(5))
            }
            cluster.server.resume()
            let end = ContinuousClock.now
            try await eventually("renewed") { cluster.nodes[0].registry.status.renewalAge < ContinuousClock.now - end }
            #expect(socket.isServed && socket.grants == 1 && socket.resumptions == 0)
        }
    }

    @Test(arguments: [true, false])
    func aLongOutageSuspendsAndLosesNoConnection(keepsData: Bool) async throws {
        try await TestCluster.with(timing: TestCluster.shortLease, keepsData: keepsData) { cluster in
            let checker = Checker()
            let sockets = (0..<10).map { cluster.nodes[$0 % 2].connect("u\($0)") }
            for socket in sockets { checker.watch(socket) }
            try await eventually("granted") { sockets.allSatisfy { $0.isGranted } }
            cluster.server.stop()
            try await eventually("suspended") { sockets.allSatisfy { !$0.isServed } }
            try await eventually("new handshakes are refused") { !cluster.nodes[0].registry.acceptsClaims }
            try cluster.server.start()
            try await eventually("served again") { sockets.allSatisfy(\.isServed) }
            #expect(sockets.allSatisfy { $0.closeReason == nil && $0.grants + $0.resumptions > 1 })
            #expect(checker.stop().violations == [])
            let page = try await cluster.nodes[0].registry.presence(cursor: nil, limit: 100, node: nil)
            #expect(page.total == 10)
            #expect(Set(page.entries.map(\.user)) == Set(sockets.map(\.user)))
        }
    }

    @Test func suspendedForTooLongIsClosed() async throws {
        var timing = TestCluster.shortLease
        timing.jeopardyGrace = .milliseconds(500)
        try await TestCluster.with(nodes: 1, timing: timing) { cluster in
            let socket = cluster.nodes[0].connect("u")
            try await eventually("granted") { socket.isGranted }
            cluster.server.stop()
            try await eventually("closed") { socket.closeReason == .suspendedTooLong }
            #expect(!socket.isServed)
            try await eventually("the release does not wait for Redis") { socket.isReleased }
        }
    }

    @Test func whoLostTheUserIsClosed() async throws {
        try await TestCluster.with(timing: TestCluster.shortLease, proxied: true) { cluster in
            let checker = Checker()
            let first = cluster.nodes[0].connect("u")
            checker.watch(first)
            try await eventually("granted") { first.isGranted }
            // Node 1 cannot renew for a while; node 2 can.
            cluster.proxies[0].cut()
            let second = cluster.nodes[1].connect("u")
            checker.watch(second)
            try await eventually("taken over") { second.isGranted }
            cluster.proxies[0].mend()
            try await eventually("closed") { first.closeReason == .leaseLost }
            try await eventually("served") { second.isServed }
            #expect(!first.isServed)
            #expect(checker.stop().violations == [])
        }
    }

    /// What a node sent on a connection that it gave up arrives late: it must not count.
    @Test func commandsOfAGivenUpConnectionComeToNothing() async throws {
        try await TestCluster.with(timing: TestCluster.shortLease, proxied: true) { cluster in
            let checker = Checker()
            cluster.proxies[0].hold()
            let users = (0..<20).map { "u\($0)" }
            let held = users.map { cluster.nodes[0].connect($0) }
            for socket in held { checker.watch(socket) }
            try await eventually("given up") { cluster.proxies[0].closedByClient > 0 }
            for socket in held { socket.close() }
            cluster.proxies[0].deliver()
            try await eventually("released") { held.allSatisfy(\.isReleased) }
            let next = users.map { cluster.nodes[1].connect($0) }
            for socket in next { checker.watch(socket) }
            try await eventually("free") { next.allSatisfy { $0.isGranted } }
            #expect(next.allSatisfy { $0.refusal == nil } && held.allSatisfy { !$0.isServed })
            #expect(checker.stop().violations == [])
        }
    }

    @Test func withoutRedisClaimsEndUnavailable() async throws {
        var timing = TestCluster.timing
        timing.claimWait = .seconds(5)
        let server = try RedisServerProcess()
        server.stop()
        let node = TestNode("n1", port: server.port, timing: timing)
        node.start()
        #expect(!node.registry.acceptsClaims)
        #expect(node.registry.status.wasReached == false)
        let waiting = node.connect("u")
        let leaving = node.connect("v")
        try await leaving.closeAndWait()
        try await eventually("given up") { waiting.refusal == .unavailable }
        #expect(leaving.decisions == 0)
        try await eventually("released") { waiting.isReleased }
        await #expect(throws: RegistryError.self) { _ = try await node.registry.presence(of: "u") }
        await node.stop()
    }

    @Test func moreThanTenThousandWaitersAreRefusedAtOnce() async throws {
        let server = try RedisServerProcess()
        server.stop()
        var timing = TestCluster.timing
        timing.claimWait = .seconds(600)
        let node = TestNode("n1", port: server.port, timing: timing)
        node.start()
        let waiting = (0..<10_000).map { node.connect("u\($0)") }
        let surplus = node.connect("surplus")
        try await eventually("refused") { surplus.refusal == .unavailable }
        #expect(waiting.allSatisfy { $0.decisions == 0 })
        for socket in waiting { socket.close() }
        try await eventually("nothing was sent, so all are free at once") { waiting.allSatisfy(\.isReleased) }
        await node.stop()
    }

    @Test func aNewRegistryIsMadeOnceAndNeedsNoWindow() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            #expect(cluster.nodes[0].registry.status.isRecovering == false)
            let socket = cluster.nodes[0].connect("u")
            try await eventually("granted") { socket.isGranted }
            for partitions in [4, 8] {
                await #expect(throws: RegistryError.self) {
                    try await RedisUserRegistry.initialize(
                        configuration: .testing(cluster.server),
                        eventLoop: MultiThreadedEventLoopGroup.singleton.next(), timing: TestCluster.timing,
                        partitions: partitions)
                }
            }
        }
    }

    @Test func anEmptyRedisMakesNewcomersWait() async throws {
        try await TestCluster.with(nodes: 1, timing: TestCluster.shortLease, isNew: false) { cluster in
            #expect(cluster.nodes[0].registry.status.isRecovering)
            let socket = cluster.nodes[0].connect("u")
            try await eventually("granted after the window") { socket.isGranted }
            try await eventually("the window is over") { !cluster.nodes[0].registry.status.isRecovering }
        }
    }

    @Test func otherConstantsAreRefusedWhileANodeLivesUnderThem() async throws {
        try await TestCluster.with(nodes: 1, timing: TestCluster.shortLease) { cluster in
            let other = TestNode("n2", port: cluster.server.port, timing: TestCluster.shortLease, partitions: 8)
            other.start()
            let error = await #expect(throws: RegistryError.self) { try await other.outcome() }
            #expect(error?.code == .mismatch)
            #expect(error?.message.contains("4 partitions") == true)
            #expect(error?.message.contains("8 partitions") == true)
            #expect(!other.registry.acceptsClaims)
            // After the death of the last one they are overwritten, when its lease has ended.
            await cluster.nodes[0].stop()
            let third = TestNode("n3", port: cluster.server.port, timing: TestCluster.shortLease, partitions: 8)
            third.start()
            try await eventually("takes the registry over") { third.registry.acceptsClaims }
            await third.stop()
        }
    }

    @Test func leavingFreesTheUsersAndTheName() async throws {
        try await TestCluster.with { cluster in
            let socket = cluster.nodes[0].connect("u")
            try await eventually("granted") { socket.isGranted }
            try await eventually("both are listed") { try await cluster.nodes[1].registry.nodes().count == 2 }
            await cluster.nodes[0].registry.leave()
            #expect(!socket.isServed && !cluster.nodes[0].registry.acceptsClaims)
            let late = cluster.nodes[0].connect("v")
            try await eventually("refused") { late.refusal == .unavailable }
            let next = cluster.nodes[1].connect("u")
            try await eventually("granted") { next.isGranted }
            #expect(try await cluster.nodes[1].registry.nodes().map(\.id) == ["n2"])
        }
    }

    @Test func anEvictingServerIsWarnedOf() async throws {
        try await TestCluster.with(nodes: 1) { cluster in
            try await cluster.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
            let log = Recorder<String>()
            let node = TestNode("n2", port: cluster.server.port, log: log)
            node.start()
            try await eventually("warned") {
                log.all.contains { $0.hasPrefix("warning") && $0.contains("noeviction") }
            }
            await node.stop()
        }
    }

    @Test func flushedScriptsAreLoadedAgain() async throws {
        try await TestCluster.with { cluster in
            try await cluster.command("SCRIPT", "FLUSH")
            let first = cluster.nodes[0].connect("u")
            try await eventually("granted") { first.isGranted }
            try await cluster.command("SCRIPT", "FLUSH")
            let second = cluster.nodes[1].connect("u")
            try await eventually("refused") { second.refusal != nil }
            #expect(first.isServed)
        }
    }

    @Test func theSelfCheckHealsBothSides() async throws {
        var timing = TestCluster.timing
        timing.selfCheck = .milliseconds(300)
        try await TestCluster.with(nodes: 1, timing: timing, partitions: 1) { cluster in
            let keys = PartitionKeys(prefix: "rollcall", scope: "/", partition: 0, of: 1)
            let socket = cluster.nodes[0].connect("u")
            try await eventually("granted") { socket.isGranted }
            let record = try await cluster.command("HGET", keys.claims, "u").text ?? ""
            let incarnation = String(record.prefix { $0 != "\u{1F}" })
            // A user that the store lost, and one that it has too many.
            try await cluster.command("HDEL", keys.claims, "u")
            try await cluster.command("SREM", keys.index(of: incarnation), "u")
            try await eventually("asserted again") {
                try await cluster.command("HGET", keys.claims, "u").text == record
            }
            try await cluster.command("HSET", keys.claims, "ghost", record)
            try await cluster.command("SADD", keys.index(of: incarnation), "ghost")
            try await eventually("released") { try await cluster.command("HGET", keys.claims, "ghost").isNull }
            #expect(socket.isServed && socket.closeReason == nil)
        }
    }
}

extension TestCluster {
    @discardableResult
    func command(_ words: String...) async throws -> RedisReply {
        let client = RedisClient(
            configuration: .testing(self.server), eventLoop: MultiThreadedEventLoopGroup.singleton.next())
        let connection = Task { try await client.run() }
        defer { connection.cancel() }
        return try await client.execute(RedisCommand(words), waitUpTo: .seconds(60))
    }
}
