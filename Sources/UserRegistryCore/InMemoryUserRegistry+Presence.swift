// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

extension InMemoryUserRegistry {
    /// The largest page.
    private static let maximumPage = 10_000

    /// Always reached, never recovering.
    public var status: RegistryStatus {
        let (counters, waiting) = self.state.withLock { ($0.counters.byName, $0.waiting) }
        return RegistryStatus(
            wasReached: true, renewalAge: .zero, isRecovering: false,
            counters: counters.merging(["claims_waiting": waiting]) { $1 })
    }

    /// See ``UserRegistry``. The walk is in the order of the admissions.
    public func presence(cursor: String?, limit: Int, node: String?) async throws(RegistryError) -> PresencePage {
        var after: UInt64 = 0
        if let cursor {
            guard let token = UInt64(cursor) else { throw RegistryError(.invalidCursor, "the cursor is not valid") }
            after = token
        }
        let limit = max(1, min(limit, Self.maximumPage))
        return self.state.withLock { state in
            var page = PresencePage(total: state.users.count, entries: [], cursor: nil, isRecovering: false)
            guard node == nil || node == self.node else { return page }
            var position = state.firstPosition(after: after)
            while position < state.order.count, page.entries.count < limit {
                let (token, id) = state.order[position]
                if let entry = state.claims[id], entry.token == token { page.entries.append(self.entry(entry)) }
                after = token
                position += 1
            }
            if position < state.order.count { page.cursor = String(after) }
            return page
        }
    }

    /// See ``UserRegistry``.
    public func presence(of user: String) async throws(RegistryError) -> PresenceEntry? {
        self.state.withLock { state in
            state.users[user].flatMap { state.claims[$0.owner] }.map { self.entry($0) }
        }
    }

    /// See ``UserRegistry``.
    public func disconnect(user: String, reason: String) async throws(RegistryError) -> Int {
        let found = self.state.withLock { state in
            guard let owner = state.users[user]?.owner else { return 0 }
            state.close(owner, .kicked(reason))
            return 1
        }
        self.work()
        return found
    }

    /// This node. Its lease is always fresh.
    public func nodes() async throws(RegistryError) -> [RegistryNode] {
        let users = self.state.withLock { $0.users.count }
        return [
            RegistryNode(id: self.node, info: self.nodeInfo(), users: users, leaseLeft: RegistryTiming().lease)
        ]
    }

    /// See ``UserRegistry``.
    public func events() -> AsyncStream<PresenceEvent> { self.hub.stream() }

    private func entry(_ entry: State.Entry) -> PresenceEntry {
        PresenceEntry(user: entry.user, connections: [.init(node: self.node, details: entry.details)])
    }
}

extension InMemoryUserRegistry.State {
    /// The first position whose token is larger.
    func firstPosition(after token: UInt64) -> Int {
        var low = 0
        var high = self.order.count
        while low < high {
            let middle = (low + high) / 2
            if self.order[middle].token <= token { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
