// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing
import UserRegistryCore

@testable import UserRegistryRedis

/// Who is online, as any node tells.
@Suite(.serialized) struct PresenceTests {
    static func walk(_ registry: RedisUserRegistry, limit: Int, node: String? = nil) async throws -> [PresenceEntry] {
        var entries: [PresenceEntry] = []
        var cursor: String?
        repeat {
            let page = try await registry.presence(cursor: cursor, limit: limit, node: node)
            entries += page.entries
            cursor = page.cursor
        } while cursor != nil
        return entries
    }

    @Test func theWholeClusterIsListedThroughAnyNode() async throws {
        try await TestCluster.with(nodes: 3) { cluster in
            let sockets = (0..<600).map { cluster.nodes[$0 % 3].connect("u\($0)") }
            try await eventually("granted") { sockets.allSatisfy { $0.isGranted } }
            for node in cluster.nodes {
                let entries = try await Self.walk(node.registry, limit: 50)
                #expect(Set(entries.map(\.user)) == Set(sockets.map(\.user)))
                let page = try await node.registry.presence(cursor: nil, limit: 1, node: nil)
                #expect(page.total == 600 && page.cursor != nil && !page.isRecovering)
            }
            let ofOne = try await Self.walk(cluster.nodes[0].registry, limit: 100, node: "n2")
            #expect(Set(ofOne.map(\.user)) == Set(sockets.filter { $0.node.id == "n2" }.map(\.user)))
            #expect(ofOne.allSatisfy { $0.connections.map(\.node) == ["n2"] })
            let nodes = try await cluster.nodes[2].registry.nodes()
            #expect(nodes.map(\.id) == ["n1", "n2", "n3"])
            #expect(nodes.map(\.users) == [200, 200, 200])
            #expect(nodes.map(\.info) == [#"{"id":"n1"}"#, #"{"id":"n2"}"#, #"{"id":"n3"}"#])
            #expect(nodes.allSatisfy { $0.leaseLeft > .zero && $0.leaseLeft <= TestCluster.timing.lease })
            for cursor in ["", "0", "9.0", "0.x", "-1.0", "0.0.0"] {
                let error = await #expect(throws: RegistryError.self) {
                    _ = try await cluster.nodes[0].registry.presence(cursor: cursor, limit: 1, node: nil)
                }
                #expect(error?.code == .invalidCursor)
            }
        }
    }

    @Test func oneUserIsShownWithItsDetailsAsTheyChange() async throws {
        try await TestCluster.with { cluster in
            let registry = cluster.nodes[1].registry
            #expect(try await registry.presence(of: "u") == nil)
            #expect(try await registry.presence(of: "") == nil)
            let socket = cluster.nodes[0].connect("u", transport: "polling")
            try await eventually("granted") { socket.isGranted }
            let entry = try await registry.presence(of: "u")
            #expect(entry == PresenceEntry(user: "u", connections: [.init(node: "n1", details: socket.details)]))
            var upgraded = socket.details
            upgraded.transport = "websocket"
            if let claim = socket.claimID { cluster.nodes[0].registry.update(claim, details: upgraded) }
            try await eventually("rewritten") {
                try await registry.presence(of: "u")?.connections.first?.details == upgraded
            }
            try await socket.closeAndWait()
            #expect(try await registry.presence(of: "u") == nil)
        }
    }

    @Test func anAdministratorDisconnectsThroughAnyNode() async throws {
        try await TestCluster.with { cluster in
            #expect(try await cluster.nodes[0].registry.disconnect(user: "u", reason: "x") == 0)
            for node in cluster.nodes {
                let socket = node.connect("u")
                try await eventually("granted") { socket.isGranted }
                #expect(try await cluster.nodes[0].registry.disconnect(user: "u", reason: "tired\u{1F}\n") == 1)
                try await eventually("closed") { socket.closeReason == .kicked("tired  ") }
                try await eventually("released") { socket.isReleased }
                #expect(try await cluster.nodes[1].registry.presence(of: "u") == nil)
            }
        }
    }

    private static func following(
        _ node: TestNode, _ body: (Recorder<PresenceEvent>) async throws -> Void
    ) async throws {
        let seen = Recorder<PresenceEvent>()
        let stream = node.registry.events()
        let reader = Task { for await event in stream { seen.add(event) } }
        try await eventually("the stream says when to list") { seen.all.first?.kind == .reset }
        try await body(seen)
        await node.stop()
        _ = await reader.result
    }

    @Test func eventsTellOfTheWholeCluster() async throws {
        try await TestCluster.with(partitions: 2) { cluster in
            try await Self.following(cluster.nodes[1]) { seen in
                let socket = cluster.nodes[0].connect("u")
                try await eventually("joined") { seen.all.contains { $0.kind == .join && $0.user == "u" } }
                try await socket.closeAndWait()
                try await eventually("left") { seen.all.contains { $0.kind == .leave && $0.user == "u" } }
                #expect(seen.all.map(\.kind) == [.reset, .join, .leave])
                #expect(seen.all.dropFirst().allSatisfy { $0.node == "n1" && $0.time > 1_600_000_000_000 })
                // Events may be missed with a lost connection.
                try await cluster.command("CLIENT", "KILL", "TYPE", "pubsub")
                try await eventually("told to list again") { seen.all.last?.kind == .reset }
            }
        }
    }

    /// Nor does anybody know what happened to users whose data was lost.
    @Test func eventsTellOfLostData() async throws {
        try await TestCluster.with(timing: TestCluster.shortLease, partitions: 2) { cluster in
            try await Self.following(cluster.nodes[1]) { seen in
                let before = seen.all.count
                try await cluster.command("FLUSHALL")
                try await eventually("told to list again") { seen.all.dropFirst(before).contains { $0.kind == .reset } }
                let next = cluster.nodes[0].connect("v")
                try await eventually("joined") { seen.all.contains { $0.kind == .join && $0.user == "v" } }
                try await eventually("served") { next.isServed }
            }
        }
    }

    @Test func theDeadLeaveTheListWithTheirLease() async throws {
        try await TestCluster.with(timing: TestCluster.shortLease) { cluster in
            let sockets = (0..<30).map { cluster.nodes[$0 % 2].connect("u\($0)") }
            try await eventually("granted") { sockets.allSatisfy { $0.isGranted } }
            let seen = Recorder<PresenceEvent>()
            let stream = cluster.nodes[1].registry.events()
            let reader = Task { for await event in stream { seen.add(event) } }
            try await eventually("listening") { !seen.all.isEmpty }
            await cluster.nodes[0].stop()
            try await eventually("only the living are listed") {
                try await Self.walk(cluster.nodes[1].registry, limit: 100).allSatisfy {
                    $0.connections.first?.node == "n2"
                }
            }
            try await eventually("counted") {
                try await cluster.nodes[1].registry.presence(cursor: nil, limit: 1, node: nil).total == 15
            }
            try await eventually("told") { seen.all.count(where: { $0.kind == .leave }) == 15 }
            await cluster.nodes[1].stop()
            _ = await reader.result
        }
    }
}
