// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension RegistryPartition {
    /// A connection to the store is ready, and the store was made with this registry's constants.
    package func connected(now: UInt64) {
        self.lease.connected()
        let unsent = self.unsentReleases
        self.unsentReleases = []
        for id in unsent { if let claim = self.claims[id] { self.sendRelease(claim, now: now) } }
        self.heartbeat(now: now)
    }

    /// The connection to the store is gone; all its commands were answered, by `.unknown` where they had no reply.
    package func disconnected(now: UInt64) {
        self.endProcedures()
        if self.lease.disconnected() { self.apply(.abandoned, now: now) }
    }

    /// It is time to renew, or to go on with what stands in the way of it.
    package func heartbeat(now: UInt64) {
        self.renewAt = nil
        switch self.lease.heartbeat() {
        case .none:
            break
        case .renew(let isFresh):
            self.lastRenewal = now
            self.send(.renew(isFresh: isFresh), now: now)
        case .resync:
            self.beginResync(now: now)
        }
    }

    /// The machine stood still while the clock did not count it: shut until a renewal sent after now is answered.
    package func clockJumped(now: UInt64) {
        self.lease.clockJumped(at: now)
        self.gateDeadline = self.lease.deadline
        self.actions.append(.gateExtended(to: self.lease.deadline))
        self.wake(now: now)
    }

    /// The answer to a command.
    package func replied(_ reply: ScriptReply, to command: PartitionCommand, now: UInt64) {
        let stamp = command.stamp
        switch command.script {
        case .renew:
            let outcome = self.lease.renewed(reply, to: stamp, sentAt: command.sentAt, now: now)
            self.apply(outcome, now: now)
            self.serve(outcome, reply, now: now)
            if reply == .notExecuted { self.renewAt = now &+ Self.retryPause(now) }
        case .synced:
            if self.resync?.stamp == stamp { self.resync = nil }
            let outcome = self.lease.synced(reply, to: stamp, sentAt: command.sentAt, now: now)
            self.apply(outcome, now: now)
            self.serve(outcome, reply, now: now)
        case .claim(let claim):
            self.claimed(claim, reply, stamp: stamp, now: now)
        case .release(_, _, let claim):
            if let claim { self.released(claim, reply, now: now) }
        case .reassert(_, let claims, let purpose):
            self.asserted(claims, purpose, reply, stamp: stamp, now: now)
        case .mine(_, let purpose):
            self.listed(reply, purpose, stamp: stamp, now: now)
        case .reap(let incarnation):
            self.reaped(incarnation, reply, stamp: stamp, now: now)
        case .count:
            self.counted(reply, stamp: stamp, now: now)
        case .deny, .update, .leave:
            break
        }
    }

    /// Does what an answer means for the lease.
    func apply(_ outcome: PartitionLease.Outcome, now: UInt64) {
        switch outcome {
        case .ignored:
            break
        case .held(let wasShut, _):
            self.held(wasShut: wasShut, now: now)
        case .mustResync:
            // All of them, whatever the epoch's number: see ``PartitionLease`` on epochs that happen to have the same
            // one.
            for claim in self.claims.values { claim.isAsserted = false }
            self.beginResync(now: now)
        case .mustRenew:
            self.renewSoon(now: now)
        case .newEpoch:
            self.counters.epochs += 1
            self.endProcedures()
            for claim in self.claims.values { claim.isAsserted = false }
            self.actions.append(.epochChanged)
            self.renewSoon(now: now)
        case .abandoned:
            self.abandoned(now: now)
        }
    }

    private func held(wasShut: Bool, now: UInt64) {
        if wasShut, !self.isMarkedShut { self.markShut(at: self.gateDeadline) }
        self.gateDeadline = self.lease.deadline
        self.actions.append(.gateExtended(to: self.lease.deadline))
        if self.isMarkedShut { self.resume() }
        self.pump(now: now)
    }

    private func resume() {
        self.isMarkedShut = false
        for claim in self.claims.values where claim.incarnation == self.lease.number && claim.resume() {
            self.actions.append(.resumed(claim))
        }
        self.rescheduleJeopardy()
    }

    /// The gate closed between the moment that a reply was handled at and the moment that it was extended, so that a
    /// packet may have been queued in between.
    package func gateWasShut() {
        for claim in self.claims.values where claim.incarnation == self.lease.number && claim.state == .admitted {
            self.actions.append(.resumed(claim))
        }
    }

    private func abandoned(now: UInt64) {
        self.counters.abandons += 1
        self.endProcedures()
        // The gate shuts before anything else happens.
        self.actions.append(.incarnationBegan(self.lease.number))
        self.markShut(at: min(now, self.gateDeadline == 0 ? now : self.gateDeadline))
        self.gateDeadline = 0
        self.mustRejoin = self.claims.values.contains { $0.state == .suspended }
        let number = self.lease.number
        for claim in Array(self.claims.values) where claim.state == .closing && claim.sentUnder != number {
            claim.released()
            self.finish(claim)
        }
        self.renewSoon(now: now)
    }

    private func endProcedures() {
        self.resync = nil
        self.rejoin = nil
        self.check = nil
        self.reaping = []
    }

    /// Makes the suspension visible; the gate itself has closed by then.
    func markShut(at time: UInt64) {
        self.isMarkedShut = true
        for claim in self.claims.values where claim.state == .admitted {
            claim.suspend(at: time)
            self.counters.suspensions += 1
        }
        self.rescheduleJeopardy()
    }

    func rescheduleJeopardy() {
        let oldest = self.claims.values.lazy.filter { $0.state == .suspended }.map(\.suspendedAt).min()
        self.jeopardyEnds = oldest.map { $0 &+ self.jeopardyGrace }
    }

    func endJeopardy(now: UInt64) {
        for claim in self.claims.values where claim.state == .suspended {
            if now >= claim.suspendedAt &+ self.jeopardyGrace { self.evict(claim, .suspendedTooLong) }
        }
        self.rescheduleJeopardy()
    }

    func renewSoon(now: UInt64) {
        let earliest = self.lastRenewal == 0 ? now : self.lastRenewal &+ Self.renewalPause
        guard now < earliest else { return self.heartbeat(now: now) }
        self.renewAt = min(self.renewAt ?? earliest, earliest)
    }

    /// What a good renewal brings to do besides.
    private func serve(_ outcome: PartitionLease.Outcome, _ reply: ScriptReply, now: UInt64) {
        guard case .held = outcome, case .renewed(let recoveryLeft, let waiters, let expired) = reply else { return }
        self.recoversUntil = recoveryLeft == 0 ? 0 : now &+ recoveryLeft
        if recoveryLeft == 0 { self.beginRejoin(now: now) }
        for notice in waiters { self.serve(notice, now: now) }
        for incarnation in expired where self.reaping.insert(incarnation).inserted {
            self.counters.reaps += 1
            self.send(.reap(incarnation: incarnation), now: now)
        }
    }

    private func reaped(_ incarnation: String, _ reply: ScriptReply, stamp: PartitionLease.Stamp, now: UInt64) {
        guard stamp.number == self.lease.number, stamp.session == self.lease.session else { return }
        if reply == .more, self.lease.canClaim {
            self.counters.reaps += 1
            self.send(.reap(incarnation: incarnation), now: now)
        } else {
            self.reaping.remove(incarnation)
            if case .epoch = reply { self.apply(self.lease.answered(reply, to: stamp, now: now), now: now) }
        }
    }
}
