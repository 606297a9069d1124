// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What is between the owner of a user and those who wait for the same user.
extension RegistryPartition {
    /// A message on the control channel of `incarnation`.
    package func received(_ message: ControlMessage, incarnation: String, now: UInt64) {
        guard self.lease.isRegistered, incarnation == self.lease.incarnation else { return }
        switch message {
        case .notice(let notice):
            self.serve(notice, now: now)
        case .granted(let connection, let user):
            guard let claim = self.claims[connection], claim.user == user else {
                return self.send(.release(user: user, connection: connection, claim: nil), now: now)
            }
            claim.poke(now: now)
            guard claim.isDue(at: now) else { return }
            self.ready.append(claim.id)
            self.pump(now: now)
        case .denied(let connection, let since):
            guard let claim = self.claims[connection], claim.isUndecided else { return }
            let retryAfter = DuplicateArbiter.retryAfter(under: self.policy)
            self.refuse(claim, .duplicate(since: since, retryAfterMilliseconds: retryAfter), now: now)
        }
    }

    /// Somebody waits for one of this node's users, or one is to be disconnected.
    func serve(_ notice: WaitNotice, now: UInt64) {
        guard let claim = self.claims[notice.owner], claim.user == notice.user else {
            // Not denied: there is no such connection, so the user is free.
            return self.send(.release(user: notice.user, connection: notice.owner, claim: nil), now: now)
        }
        if let reason = notice.kick { self.evict(claim, .kicked(reason)) }
        // Only a node that may serve the connection at this moment may speak for it.
        guard let waiter = notice.waiter, claim.state == .admitted, claim.incarnation == self.lease.number,
            self.lease.isOpen(at: now)
        else { return }
        let fresh = DuplicateArbiter(policy: self.policy, timing: self.timing)
        switch self.arbiters[claim.id, default: fresh].arrived(waiter, now: now) {
        case .none: break
        case .deny: self.deny(waiter, of: claim, now: now)
        case .replace: self.evict(claim, .replaced)
        case .probe:
            self.counters.probes += 1
            self.actions.append(.probe(claim))
        }
    }

    func deny(_ waiter: WaiterName, of claim: Claim, now: UInt64) {
        guard self.lease.isConnected else { return }
        self.counters.denials += 1
        self.send(.deny(user: claim.user, owner: claim.id, waiter: waiter), now: now)
    }
}
