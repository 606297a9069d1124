// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension InMemoryUserRegistry {
    /// The claims and who waits for whom.
    struct State: Sendable {
        /// A claim that is neither refused nor released.
        struct Entry: Sendable {
            var user: String
            var details: ConnectionDetails
            var connection: any RegistryConnection
            /// 0 while it waits.
            var token: UInt64 = 0
        }

        /// A user: the claim that has it, and those that wait, the newest last.
        struct Holder: Sendable {
            var owner: UInt64
            var waiters: [UInt64] = []
        }

        /// Claims that may wait at a time.
        static let maximumWaiting = 10_000

        let policy: DuplicatePolicy
        let timing: RegistryTiming
        let node: String
        var claims: [UInt64: Entry] = [:]
        var users: [String: Holder] = [:]
        /// Of the users that somebody waited for, by the claim that has the user.
        var arbiters: [UInt64: DuplicateArbiter] = [:]
        var counters = RegistryCounters()
        var outbox: [Action] = []
        var outboxHead = 0
        var isWorking = false
        var hasLeft = false
        var waiting = 0

        /// The granted claims by token, for presence; those that have left are cleared away when they are the majority.
        var order: [(token: UInt64, id: UInt64)] = []

        private var lastID: UInt64 = 0
        private var lastToken: UInt64 = 0

        init(policy: DuplicatePolicy, timing: RegistryTiming, node: String) {
            self.policy = policy
            self.timing = timing
            self.node = node
        }

        mutating func nextAction() -> Action? {
            guard !self.isWorking else { return nil }
            guard self.outboxHead < self.outbox.count else {
                self.outbox.removeAll(keepingCapacity: self.outbox.capacity <= 1_024)
                self.outboxHead = 0
                return nil
            }
            self.isWorking = true
            defer { self.outboxHead += 1 }
            return self.outbox[self.outboxHead]
        }

        mutating func claim(
            user: String, details: ConnectionDetails, connection: any RegistryConnection
        ) -> UInt64 {
            self.lastID += 1
            let id = self.lastID
            guard !self.hasLeft, self.waiting < Self.maximumWaiting else {
                self.counters.unavailable += 1
                self.outbox.append(.refused(connection, .unavailable))
                return id
            }
            self.claims[id] = Entry(user: user, details: details, connection: connection)
            if self.users[user] == nil {
                self.users[user] = Holder(owner: id)
                self.grant(id)
            } else {
                self.users[user]?.waiters.append(id)
                self.waiting += 1
                self.arrived(id, user: user)
            }
            return id
        }

        mutating func release(_ id: UInt64) {
            guard let entry = self.claims.removeValue(forKey: id), var holder = self.users[entry.user] else { return }
            self.counters.released += 1
            self.arbiters[id] = nil
            guard holder.owner == id else {
                holder.waiters.removeAll { $0 == id }
                self.waiting -= 1
                self.users[entry.user] = holder
                return
            }
            self.compact()
            guard let next = holder.waiters.popLast() else {
                self.users[entry.user] = nil
                return self.outbox.append(.event(self.event(.leave, entry.user)))
            }
            self.waiting -= 1
            holder.owner = next
            self.users[entry.user] = holder
            self.grant(next)
            for waiter in holder.waiters {
                // Whoever is older than the new owner cannot replace it.
                if self.policy == .replace { self.refuse(waiter) } else { self.arrived(waiter, user: entry.user) }
            }
        }

        mutating func probeAnswered(_ id: UInt64, isAlive: Bool) {
            guard let verdict = self.arbiters[id]?.answered(isAlive: isAlive, now: LeaseGate.now()) else {
                return
            }
            switch verdict {
            case .none: break
            case .close: self.close(id, .probeTimeout)
            case .deny:
                // All who wait, not only the remembered ones: nobody asks again here.
                for waiter in self.users[self.claims[id]?.user ?? ""]?.waiters ?? [] { self.refuse(waiter) }
            }
        }

        mutating func close(_ id: UInt64, _ reason: RegistryCloseReason) {
            if let connection = self.claims[id]?.connection { self.outbox.append(.closes(connection, reason)) }
        }

        private mutating func arrived(_ waiter: UInt64, user: String) {
            guard let owner = self.users[user]?.owner, let connection = self.claims[owner]?.connection else { return }
            let name = WaiterName(incarnation: "", connection: waiter)
            let fresh = DuplicateArbiter(policy: self.policy, timing: self.timing)
            switch self.arbiters[owner, default: fresh].arrived(name, now: LeaseGate.now()) {
            case .deny: self.refuse(waiter)
            case .replace: self.close(owner, .replaced)
            case .probe:
                self.counters.probes += 1
                self.outbox.append(.probe(connection, owner, timeout: self.timing.probeTimeout))
            case .none: break
            }
        }

        private mutating func grant(_ id: UInt64) {
            guard let entry = self.claims[id] else { return }
            self.lastToken += 1
            self.claims[id]?.token = self.lastToken
            self.order.append((self.lastToken, id))
            self.counters.granted += 1
            self.outbox.append(.granted(entry.connection, token: self.lastToken))
            self.outbox.append(.event(self.event(.join, entry.user)))
        }

        private mutating func refuse(_ id: UInt64) {
            guard let entry = self.claims.removeValue(forKey: id) else { return }
            self.counters.refused += 1
            self.waiting -= 1
            self.users[entry.user]?.waiters.removeAll { $0 == id }
            let owner = self.users[entry.user].flatMap { self.claims[$0.owner] }
            let refusal = RegistryRefusal.duplicate(
                since: owner?.details.connectedAt,
                retryAfterMilliseconds: DuplicateArbiter.retryAfter(under: self.policy))
            self.outbox.append(.refused(entry.connection, refusal))
        }

        private func event(_ kind: PresenceEvent.Kind, _ user: String) -> PresenceEvent {
            PresenceEvent(kind: kind, user: user, node: self.node, time: WallClock.milliseconds())
        }

        private mutating func compact() {
            guard self.order.count > 64, self.order.count > 2 * self.users.count else { return }
            let claims = self.claims
            self.order.removeAll { claims[$0.id]?.token != $0.token }
        }
    }
}
