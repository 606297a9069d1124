// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization
import TestSupport
import Testing
import UserRegistryCore

@testable import UserRegistryRedis

/// Load on a few users from three nodes while Redis suffers: never two of a user served at once, and afterwards all is
/// whole.
@Suite(.serialized) struct FaultTests {
    enum Fault: CaseIterable {
        case killedAndRestartedEmpty, killedAndRestartedWithData, paused, flushed, keysDeleted, connectionsKilled
    }

    @Test(arguments: Fault.allCases)
    func nobodyIsServedTwice(fault: Fault) async throws {
        let keepsData = fault == .killedAndRestartedWithData
        try await TestCluster.with(
            nodes: 3, policy: .probe, timing: TestCluster.shortLease, keepsData: keepsData
        ) { cluster in
            let load = Load(cluster)
            // Long enough for the nodes' leases to end, and short enough that they do not.
            for downtime in [Duration.milliseconds(400), .milliseconds(2_500)] {
                try await load.growsBy(30)
                try await Self.inflict(fault, for: downtime, on: cluster)
                try await load.growsBy(30)
            }
            try await eventually("enough was seen") { load.checker.samples > 1_000 }
            let sockets = try await load.end()
            let (violations, samples) = load.checker.stop()
            #expect(violations == [] && samples > 1_000)
            // Presence is whole: exactly the sockets that are still there.
            let expected = Set(sockets.map(\.user))
            for node in cluster.nodes {
                try await eventually("presence is whole on \(node.id)") {
                    let entries = try await PresenceTests.walk(node.registry, limit: 100)
                    let page = try await node.registry.presence(cursor: nil, limit: 1, node: nil)
                    return Set(entries.map(\.user)) == expected && page.total == expected.count
                }
            }
            try await eventually("all are served") { sockets.allSatisfy { $0.isServed } }
            #expect(cluster.nodes.allSatisfy { $0.registry.status.counters["differences"] == 0 })
        }
    }

    /// A checker that has not been shown to fail proves nothing: two registries that know nothing of each other.
    @Test func theCheckerSeesWhatItLooksFor() async throws {
        try await TestCluster.with(nodes: 1) { one in
            try await TestCluster.with(nodes: 1) { two in
                let checker = Checker()
                let sockets = [one.nodes[0].connect("u"), two.nodes[0].connect("u")]
                for socket in sockets { checker.watch(socket) }
                try await eventually("both are served") { sockets.allSatisfy { $0.isServed } }
                try await eventually("seen") { checker.found }
                _ = checker.stop()
            }
        }
    }

    private static func inflict(_ fault: Fault, for downtime: Duration, on cluster: TestCluster) async throws {
        switch fault {
        case .killedAndRestartedEmpty, .killedAndRestartedWithData:
            cluster.server.stop()
            try await Task.sleep(for: downtime)
            try cluster.server.start()
        case .paused:
            cluster.server.pause()
            try await Task.sleep(for: downtime)
            cluster.server.resume()
        case .flushed:
            try await cluster.command("FLUSHALL")
        case .keysDeleted:
            let keys = PartitionKeys.all(prefix: "rollcall", scope: "/", partitions: 4)
            for (number, partition) in keys.enumerated() {
                try await cluster.command("DEL", partition.fixed[number % partition.fixed.count])
            }
        case .connectionsKilled:
            try await cluster.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        }
    }
}

/// Clients that come, stay for a moment and go, all the time.
final class Load: Sendable {
    let checker = Checker()
    private let cluster: TestCluster
    private let admissions = Atomic<Int>(0)
    private let isEnding = Atomic<Bool>(false)
    private let clients = Mutex<[Task<TestSocket?, Never>]>([])

    init(_ cluster: TestCluster) {
        self.cluster = cluster
        for number in 0..<18 {
            let task = Task { await self.live(number) }
            self.clients.withLock { $0.append(task) }
        }
    }

    /// Six users, three clients each; those that may stay to the end answer probes.
    private func live(_ number: Int) async -> TestSocket? {
        while true {
            let node = self.cluster.nodes[Int.random(in: 0..<3)]
            let socket = node.connect("u\(number % 6)", answersProbes: number < 6 || Bool.random())
            self.checker.watch(socket)
            while socket.decisions == 0 { try? await Task.sleep(for: .milliseconds(2)) }
            if socket.isGranted { self.admissions.wrappingAdd(1, ordering: .relaxed) }
            if socket.isGranted, self.isEnding.load(ordering: .relaxed), number < 6 { return socket }
            if socket.isGranted { try? await Task.sleep(for: .milliseconds(Int.random(in: 0...60))) }
            socket.close()
            while !socket.isReleased { try? await Task.sleep(for: .milliseconds(2)) }
            if self.isEnding.load(ordering: .relaxed), number >= 6 { return nil }
        }
    }

    func growsBy(_ count: Int) async throws {
        let goal = self.admissions.load(ordering: .relaxed) + count
        try await eventually("\(count) more admissions") { self.admissions.load(ordering: .relaxed) >= goal }
    }

    /// One socket of each user stays; they are the answer.
    func end() async throws -> [TestSocket] {
        self.isEnding.store(true, ordering: .relaxed)
        var sockets: [TestSocket] = []
        for task in self.clients.withLock({ $0 }) {
            if let socket = await task.value { sockets.append(socket) }
        }
        return sockets
    }
}
