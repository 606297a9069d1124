// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The procedures that make store and node agree: after a new epoch, after a lost lease, and now and then.
extension RegistryPartition {
    /// Resync: assert what is served, release what is not, then tell the store so. The deadline does not move
    /// meanwhile.
    func beginResync(now: UInt64) {
        let stamp = self.lease.stamp
        guard self.resync?.stamp != stamp else { return }
        self.counters.resyncs += 1
        let claims = self.claims.values.filter {
            $0.isHeld && $0.incarnation == stamp.number && !$0.isAsserted
        }
        self.resync = Assertion(stamp: stamp, batches: self.batches(claims))
        self.proceed(\.resync, .resync, now: now)
    }

    /// Rejoin: connections that a lost lease suspended ask for their users again.
    func beginRejoin(now: UInt64) {
        guard self.mustRejoin, self.lease.canClaim, self.rejoin == nil else { return }
        let number = self.lease.number
        let claims = self.claims.values.filter { $0.state == .suspended && $0.incarnation != number }
        self.mustRejoin = !claims.isEmpty
        guard self.mustRejoin else { return }
        self.rejoin = Assertion(stamp: self.lease.stamp, batches: self.batches(claims))
        self.proceed(\.rejoin, .rejoin, now: now)
    }

    /// Compares what the store believes with what this node has.
    package func beginSelfCheck(now: UInt64) {
        guard self.lease.canClaim, self.check == nil, self.resync == nil else { return }
        self.send(.count, now: now)
    }

    private func batches(_ claims: [Claim]) -> [(from: UInt32, claims: [Claim])] {
        var batches: [(from: UInt32, claims: [Claim])] = []
        for (from, claims) in Dictionary(grouping: claims, by: \.incarnation) {
            for start in stride(from: 0, to: claims.count, by: Self.assertionBatch) {
                batches.append((from, Array(claims[start..<min(start + Self.assertionBatch, claims.count)])))
            }
        }
        return batches
    }

    private func proceed(
        _ procedure: ReferenceWritableKeyPath<RegistryPartition, Assertion?>, _ purpose: PartitionCommand.Purpose,
        now: UInt64
    ) {
        guard var assertion = self[keyPath: procedure], self.lease.isCurrent(assertion.stamp) else { return }
        while !assertion.hasFailed, assertion.underWay < Self.maximumAssertionsUnderWay,
            let batch = assertion.batches.popLast()
        {
            let claims = batch.claims.filter { $0.isHeld }
            guard !claims.isEmpty else { continue }
            for claim in claims { claim.reasserting(under: self.lease.number) }
            assertion.underWay += 1
            self.send(.reassert(from: batch.from, claims: claims, purpose: purpose), now: now)
        }
        self[keyPath: procedure] = assertion
        guard assertion.underWay == 0, !assertion.isListing else { return }
        if assertion.hasFailed {
            // The next heartbeat begins anew; what was asserted stays so.
            self[keyPath: procedure] = nil
        } else if purpose == .resync {
            self.resync?.isListing = true
            self.send(.mine(cursor: "0", purpose: .resync), now: now)
        } else {
            self.rejoin = nil
            self.mustRejoin = self.claims.values.contains {
                $0.state == .suspended && $0.incarnation != self.lease.number
            }
            self.rescheduleJeopardy()
        }
    }

    /// The answer to an assertion.
    func asserted(
        _ claims: [Claim], _ purpose: PartitionCommand.Purpose, _ reply: ScriptReply, stamp: PartitionLease.Stamp,
        now: UInt64
    ) {
        guard self.lease.isCurrent(stamp) else {
            return self.apply(self.lease.answered(reply, to: stamp, now: now), now: now)
        }
        if case .tokens(let tokens) = reply, tokens.count == claims.count {
            for (claim, token) in zip(claims, tokens) { self.asserted(claim, token) }
        } else {
            if purpose == .resync { self.resync?.hasFailed = true } else { self.rejoin?.hasFailed = true }
            self.apply(self.lease.answered(reply, to: stamp, now: now), now: now)
        }
        switch purpose {
        case .resync:
            self.resync?.underWay -= 1
            self.proceed(\.resync, .resync, now: now)
        case .rejoin:
            self.rejoin?.underWay -= 1
            self.proceed(\.rejoin, .rejoin, now: now)
        case .check:
            break
        }
    }

    private func asserted(_ claim: Claim, _ token: UInt64?) {
        guard let token else {
            if claim.isHeld { self.counters.lost += 1 }
            return self.evict(claim, .leaseLost)
        }
        let isRejoined = claim.incarnation != self.lease.number
        guard claim.reasserted(token, under: self.lease.number) else { return }
        if isRejoined { self.counters.rejoined += 1 }
        self.actions.append(.granted(claim, self.grant(of: claim)))
    }

    /// A page of what the store believes this incarnation to hold.
    func listed(
        _ reply: ScriptReply, _ purpose: PartitionCommand.Purpose, stamp: PartitionLease.Stamp, now: UInt64
    ) {
        let isWanted = purpose == .resync ? self.resync?.stamp == stamp : self.check?.stamp == stamp
        guard self.lease.isCurrent(stamp), isWanted else { return }
        guard case .page(let cursor, let held) = reply else {
            if purpose == .resync { self.resync = nil } else { self.check = nil }
            return
        }
        for entry in held {
            self.check?.unseen.remove(entry.connection)
            if let claim = self.claims[entry.connection], claim.user == entry.user { continue }
            if purpose == .check { self.counters.differences += 1 }
            self.send(.release(user: entry.user, connection: entry.connection, claim: nil), now: now)
        }
        if cursor != "0" {
            self.send(.mine(cursor: cursor, purpose: purpose), now: now)
        } else if purpose == .resync {
            self.send(.synced, now: now)
        } else {
            self.endSelfCheck(now: now)
        }
    }

    /// The size of the incarnation's index in the store.
    func counted(_ reply: ScriptReply, stamp: PartitionLease.Stamp, now: UInt64) {
        guard case .count(let count) = reply, self.lease.isCurrent(stamp), self.lease.canClaim else { return }
        let number = self.lease.number
        guard count != self.claims.values.count(where: { $0.sentUnder == number }) else { return }
        let held = self.claims.values.filter { $0.state == .admitted && $0.incarnation == number }
        self.check = SelfCheck(stamp: stamp, unseen: Set(held.map(\.id)))
        self.send(.mine(cursor: "0", purpose: .check), now: now)
    }

    /// What is served and was not in the list is asserted.
    private func endSelfCheck(now: UInt64) {
        let number = self.lease.number
        let missing = (self.check?.unseen ?? []).compactMap { self.claims[$0] }
            .filter { $0.state == .admitted && $0.incarnation == number }
        self.check = nil
        self.counters.differences += missing.count
        for batch in self.batches(missing) {
            self.send(.reassert(from: number, claims: batch.claims, purpose: .check), now: now)
        }
    }
}
