// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import RollcallAdmin
import SocketIOCodec
import UserRegistryCore

/// What the admin endpoint asks, answered from the registry and the server.
struct NodeAdminBackend: AdminBackend {
    let state: NodeState
    let server: SocketIOServer
    let registry: any UserRegistry

    func readiness() async -> ReadinessReport { self.state.readiness(of: self.registry) }

    // MARK: presence

    func presence(limit: Int, cursor: String?, node: String?) async throws -> RollcallAdmin.PresencePage {
        let page = try await Self.translated { () throws(RegistryError) in
            try await self.registry.presence(cursor: cursor, limit: limit, node: node)
        }
        return RollcallAdmin.PresencePage(
            total: page.total, items: page.entries.map(Self.item), cursor: page.cursor, recovering: page.isRecovering)
    }

    func presence(of user: String) async throws -> PresenceItem? {
        try await Self.translated { () throws(RegistryError) in try await self.registry.presence(of: user) }.map(
            Self.item)
    }

    func disconnect(user: String) async throws -> Int {
        try await Self.translated { () throws(RegistryError) in
            try await self.registry.disconnect(user: user, reason: "admin")
        }
    }

    func presenceEvents() -> AsyncStream<RollcallAdmin.PresenceEvent> {
        let events = self.registry.events()
        return AsyncStream(bufferingPolicy: .bufferingNewest(10_000)) { continuation in
            let task = Task {
                for await event in events {
                    let time = AdminTime(unixMilliseconds: event.time)
                    let answer: RollcallAdmin.PresenceEvent =
                        switch event.kind {
                        case .join: .init(kind: .join, user: event.user, node: event.node, time: time)
                        case .leave: .init(kind: .leave, user: event.user, node: event.node, time: time)
                        case .reset: .reset(time: .now())
                        }
                    if case .dropped = continuation.yield(answer) { continuation.yield(.reset(time: .now())) }
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private static func item(_ entry: PresenceEntry) -> PresenceItem {
        PresenceItem(
            user: entry.user,
            connections: entry.connections.map { connection in
                PresenceConnection(
                    sid: connection.details.sid, node: connection.node, namespace: connection.details.namespace,
                    connectedAt: AdminTime(unixMilliseconds: connection.details.connectedAt),
                    transport: connection.details.transport, address: connection.details.address)
            })
    }

    private static func translated<T>(_ body: () async throws(RegistryError) -> T) async throws(AdminError) -> T {
        do {
            return try await body()
        } catch {
            switch error.code {
            case .invalidCursor: throw .invalidCursor()
            case .unavailable, .mismatch: throw .registryUnavailable()
            }
        }
    }

    // MARK: nodes, namespaces, rooms

    func nodes() async throws -> [NodeInfo] {
        let nodes = try await Self.translated { () throws(RegistryError) in try await self.registry.nodes() }
        return nodes.map { node in
            let info = NodeDescription(node.info) ?? NodeDescription()
            return NodeInfo(
                id: node.id, address: info.address, started: AdminTime(unixMilliseconds: info.started),
                version: info.version,
                connections: info.connections, users: node.users,
                leaseLeftMs: self.state.hasRedis ? Int(node.leaseLeft / .milliseconds(1)) : nil,
                draining: info.draining,
                sidPrefix: info.sidPrefix, local: node.id == self.state.nodeID)
        }
    }

    func namespaces() async throws -> [NamespaceInfo] {
        var all: [NamespaceInfo] = []
        for namespace in self.server.allNamespaces {
            let counters = await namespace.counters()
            all.append(NamespaceInfo(name: namespace.name, connections: counters.connected, rooms: counters.rooms))
        }
        return all.sorted { $0.name < $1.name }
    }

    func rooms(namespace: String, limit: Int, cursor: String?) async throws -> RoomPage {
        guard let found = self.server.existingNamespace(namespace) else {
            throw AdminError.notFound("there is no namespace \(namespace)")
        }
        let rooms = await found.localRooms().sorted { $0.key < $1.key }
        let rest = cursor.map { cursor in rooms.filter { $0.key > cursor } } ?? rooms
        let page = rest.prefix(limit)
        return RoomPage(
            total: rooms.count, items: page.map { RoomInfo(name: $0.key, connections: $0.value) },
            cursor: rest.count > limit ? page.last?.key : nil)
    }

    // MARK: commands

    func emit(_ request: EmitRequest) async throws {
        guard let namespace = self.server.existingNamespace(request.namespace) else {
            throw AdminError.notFound("there is no namespace \(request.namespace)")
        }
        var payload = ByteBuffer(string: "[")
        JSONWriter.write(request.event, into: &payload)
        let inner = request.args.drop { $0.isWhitespace }.dropFirst().drop { $0.isWhitespace }
        if inner.first != "]" { payload.writeString(",") }
        payload.writeSubstring(inner)
        namespace.everyone.to(request.rooms).except(request.except).emit(EncodedEvent(payload: payload))
    }

    func drain() async throws { self.state.requestDrain() }
}
