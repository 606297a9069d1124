// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import RollcallAdmin
import Synchronization

/// A backend that answers from memory and remembers what it was asked.
final class FakeBackend: AdminBackend {
    struct Unexpected: Error {
        var secret = "password of redis"
    }

    struct State {
        var users: [String: PresenceItem] = [:]
        var readiness = ReadinessReport(
            ready: true, recovering: false,
            checks: [ReadinessCheck(name: "redis", ok: true, detail: "connected", ageMs: 12)])
        var failure: (any Error)?
        var page: PresencePage?
        var asked: [String] = []
        var emitted: [EmitRequest] = []
        var drains = 0
        var events = AsyncStream.makeStream(of: PresenceEvent.self)
        /// Whether somebody takes the events.
        var isFollowed = false
    }

    let state = Mutex(State())

    /// Where events are put in; those that nobody takes yet are kept.
    var source: AsyncStream<PresenceEvent>.Continuation {
        self.state.withLock { $0.events.continuation }
    }

    init(users: [String] = []) {
        self.state.withLock { state in
            for user in users {
                state.users[user] = Self.item(user)
            }
        }
    }

    static let start = AdminTime(unixMilliseconds: 1_795_355_062_123)

    static func item(_ user: String, node: String = "n1") -> PresenceItem {
        let connection = PresenceConnection(
            sid: "ab3-4f6H8k0LmNpQrStU", node: node, namespace: "/", connectedAt: Self.start, transport: "websocket",
            address: "192.0.2.1")
        return PresenceItem(user: user, connections: [connection])
    }

    func fail(_ error: (any Error)?) {
        self.state.withLock { $0.failure = error }
    }

    var asked: [String] {
        self.state.withLock { $0.asked }
    }

    private func answer<Value: Sendable>(_ question: String, _ body: (inout State) throws -> Value) throws -> Value {
        let result = self.state.withLock { state -> Result<Value, any Error> in
            state.asked.append(question)
            if let failure = state.failure {
                return .failure(failure)
            }
            return Result { try body(&state) }
        }
        return try result.get()
    }

    func readiness() async -> ReadinessReport {
        self.state.withLock { $0.readiness }
    }

    func presence(limit: Int, cursor: String?, node: String?) async throws -> PresencePage {
        try self.answer("presence \(limit) \(cursor ?? "-") \(node ?? "-")") { state in
            if cursor == "bad" {
                throw AdminError.invalidCursor()
            }
            let items = state.users.values.sorted { $0.user < $1.user }
            return state.page ?? PresencePage(total: items.count, items: items, cursor: nil, recovering: false)
        }
    }

    func presence(of user: String) async throws -> PresenceItem? {
        try self.answer("user \(user)") { $0.users[user] }
    }

    func disconnect(user: String) async throws -> Int {
        try self.answer("disconnect \(user)") { state in
            state.users.removeValue(forKey: user)?.connections.count ?? 0
        }
    }

    func nodes() async throws -> [NodeInfo] {
        try self.answer("nodes") { state in
            [
                NodeInfo(
                    id: "n1", address: "10.0.0.1:3000", started: Self.start, version: "0.1.0", connections: 3, users: 2,
                    leaseLeftMs: 8_400, draining: false, sidPrefix: "ab3", local: true),
                NodeInfo(
                    id: "n2", address: "10.0.0.2:3000", started: Self.start, version: "0.1.0", connections: 0, users: 0,
                    leaseLeftMs: nil, draining: true, sidPrefix: "x9Z", local: false),
            ]
        }
    }

    func namespaces() async throws -> [NamespaceInfo] {
        try self.answer("namespaces") { _ in [NamespaceInfo(name: "/", connections: 3, rooms: 4)] }
    }

    func rooms(namespace: String, limit: Int, cursor: String?) async throws -> RoomPage {
        try self.answer("rooms \(namespace) \(limit) \(cursor ?? "-")") { _ in
            guard namespace == "/" else { throw AdminError.notFound("there is no namespace \(namespace)") }
            return RoomPage(total: 2, items: [RoomInfo(name: "user:u1", connections: 1)], cursor: "next")
        }
    }

    func emit(_ request: EmitRequest) async throws {
        try self.answer("emit") { $0.emitted.append(request) }
    }

    func drain() async throws {
        try self.answer("drain") { $0.drains += 1 }
    }

    var isFollowed: Bool {
        self.state.withLock { $0.isFollowed }
    }

    func presenceEvents() -> AsyncStream<PresenceEvent> {
        let events = self.state.withLock { state in
            state.isFollowed = true
            return state.events
        }
        events.continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in
                state.isFollowed = false
                state.events = AsyncStream.makeStream()
            }
        }
        return events.stream
    }

    func join(_ user: String, node: String = "n1") -> PresenceEvent {
        PresenceEvent(kind: .join, user: user, node: node, time: Self.start)
    }
}
