// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOPosix
import TestSupport
import Testing
import UserRegistryCore

@testable import UserRegistryRedis

/// The policies between registries over a real Redis.
@Suite(.serialized) struct DuplicateTests {
    @Test func rejectRefusesOnTheSameAndOnAnotherNode() async throws {
        try await TestCluster.with { cluster in
            let first = cluster.nodes[0].connect("u")
            try await eventually("granted") { first.isGranted }
            #expect(first.isServed)
            for node in cluster.nodes {
                let second = node.connect("u")
                try await eventually("refused") { second.refusal != nil }
                #expect(
                    second.refusal == .duplicate(since: first.details.connectedAt, retryAfterMilliseconds: nil))
                #expect(first.probes == 0 && first.isServed)
            }
            try await first.closeAndWait()
            #expect(!first.isServed)
            let third = cluster.nodes[1].connect("u")
            try await eventually("granted after the release") { third.isGranted }
            #expect((third.grant?.token ?? 0) > (first.grant?.token ?? 0))
        }
    }

    @Test func probeRefusesWhenThePongComes() async throws {
        try await TestCluster.with(policy: .probe) { cluster in
            let first = cluster.nodes[0].connect("u")
            try await eventually("granted") { first.isGranted }
            let start = ContinuousClock.now
            let second = cluster.nodes[1].connect("u")
            try await eventually("refused") { second.refusal != nil }
            #expect(first.probes == 1 && first.isServed && second.decisions == 1)
            #expect(
                second.refusal == .duplicate(since: first.details.connectedAt, retryAfterMilliseconds: 1_000))
            // Answered from the result that is less than a second old.
            let third = cluster.nodes[1].connect("u")
            try await eventually("refused") { third.refusal != nil }
            #expect(first.probes == 1 || ContinuousClock.now - start >= .seconds(1))
        }
    }

    @Test func probeReplacesWhatDoesNotAnswer() async throws {
        try await TestCluster.with(policy: .probe) { cluster in
            let checker = Checker()
            let first = cluster.nodes[0].connect("u", answersProbes: false)
            checker.watch(first)
            try await eventually("granted") { first.isGranted }
            let second = cluster.nodes[1].connect("u")
            checker.watch(second)
            try await eventually("granted") { second.isGranted }
            #expect(first.closeReason == .probeTimeout && first.probes == 1)
            #expect(second.isServed && !first.isServed)
            #expect(checker.stop().violations == [])
        }
    }

    @Test func replaceClosesTheOldOneFirst() async throws {
        try await TestCluster.with(policy: .replace) { cluster in
            let checker = Checker()
            var last = cluster.nodes[0].connect("u")
            checker.watch(last)
            try await eventually("granted") { last.isGranted }
            for round in 0..<10 {
                let next = cluster.nodes[round % 2].connect("u")
                checker.watch(next)
                try await eventually("granted") { next.isGranted }
                #expect(last.closeReason == .replaced && next.isServed)
                last = next
            }
            #expect(checker.stop().violations == [])
        }
    }

    @Test(arguments: [DuplicatePolicy.reject, .probe])
    func ofManyAtOnceExactlyOneIsAdmitted(policy: DuplicatePolicy) async throws {
        try await TestCluster.with(nodes: 3, policy: policy) { cluster in
            let checker = Checker()
            let sockets = await withTaskGroup(of: TestSocket.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let socket = cluster.nodes[number % 3].connect("u")
                        checker.watch(socket)
                        return socket
                    }
                }
                return await group.reduce(into: [TestSocket]()) { $0.append($1) }
            }
            try await eventually("all are decided") { sockets.allSatisfy { $0.decisions == 1 } }
            #expect(sockets.count(where: { $0.isGranted }) == 1)
            #expect(sockets.count(where: { $0.refusal != nil }) == 199)
            #expect(checker.stop().violations == [])
        }
    }

    @Test func ofManyThatReplaceEachOtherOneRemains() async throws {
        try await TestCluster.with(nodes: 3, policy: .replace) { cluster in
            let checker = Checker()
            let sockets = (0..<40).map { cluster.nodes[$0 % 3].connect("u") }
            for socket in sockets { checker.watch(socket) }
            try await eventually("one remains") {
                sockets.allSatisfy { $0.decisions == 1 } && sockets.count(where: \.isServed) == 1
            }
            #expect(checker.stop().violations == [])
        }
    }

    @Test func aClientThatLeavesBeforeItsAnswerLeavesNothingBehind() async throws {
        try await TestCluster.with { cluster in
            for round in 0..<90 {
                let socket = cluster.nodes[round % 2].connect("u")
                if round % 3 == 0 { try await Task.sleep(for: .microseconds(100 * (round % 7))) }
                try await socket.closeAndWait()
                #expect(socket.callbacksAfterRelease == 0)
                let next = cluster.nodes[(round + 1) % 2].connect("u")
                try await eventually("granted") { next.isGranted || next.refusal != nil }
                #expect(next.refusal == nil, "round \(round)")
                try await next.closeAndWait()
            }
            let page = try await cluster.nodes[0].registry.presence(cursor: nil, limit: 10, node: nil)
            #expect(page.total == 0 && page.entries.isEmpty)
        }
    }

    @Test func aWaiterWhoLeavesGivesItsPlaceUp() async throws {
        try await TestCluster.with(policy: .probe) { cluster in
            let probe = Latch()
            let first = cluster.nodes[0].connect("u", answersProbes: false, probe: probe)
            try await eventually("granted") { first.isGranted }
            let waiter = cluster.nodes[1].connect("u")
            try await eventually("probed") { first.probes == 1 }
            try await waiter.closeAndWait()
            probe.open()
            // The probe runs to its end, and the dead connection makes room.
            try await eventually("closed") { first.closeReason == .probeTimeout }
            let next = cluster.nodes[1].connect("u")
            try await eventually("granted") { next.isGranted }
            #expect(waiter.decisions == 0 && waiter.callbacksAfterRelease == 0)
        }
    }

    @Test func lostMessagesCostTimeOnly() async throws {
        try await TestCluster.with(policy: .replace) { cluster in
            let first = cluster.nodes[0].connect("u")
            try await eventually("granted") { first.isGranted }
            // No subscriber connection survives for long.
            let killer = Task {
                let client = RedisClient(
                    configuration: .testing(cluster.server), eventLoop: MultiThreadedEventLoopGroup.singleton.next())
                let connection = Task { try await client.run() }
                while !Task.isCancelled {
                    _ = try? await client.execute(
                        RedisCommand("CLIENT", "KILL", "TYPE", "pubsub"), waitUpTo: .seconds(1))
                }
                connection.cancel()
            }
            let second = cluster.nodes[1].connect("u")
            try await eventually("granted") { second.isGranted }
            killer.cancel()
            _ = await killer.result
        }
    }
}
