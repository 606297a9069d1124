// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One partition of the registry as its node runs it: the lease, the claims, and all procedures between them.
///
/// Pure: it is told of calls, replies, messages and the time, and answers with ``PartitionAction``s. The order of its
/// calls is the order of the events on the one event loop that owns it.
package final class RegistryPartition {
    /// The partition's number.
    package let index: Int
    let timing: RegistryTiming
    let policy: DuplicatePolicy

    /// The lease.
    package internal(set) var lease: PartitionLease
    /// The claims that are not gone, by id.
    package internal(set) var claims: [UInt64: Claim] = [:]
    /// How many claims are undecided.
    package internal(set) var undecided = 0
    /// What happened so far.
    package internal(set) var counters = RegistryCounters()
    /// Until when newcomers wait after a loss of data.
    package internal(set) var recoversUntil: UInt64 = 0

    var actions: [PartitionAction] = []

    /// The owner's side of the policy, for those claims whose user somebody else has asked for.
    var arbiters: [UInt64: DuplicateArbiter] = [:]

    // Claims by what they wait for.
    var ready = DueQueue()
    var polls = DueQueue()
    var deadlines = DueQueue()
    var releaseWaits = DueQueue()
    var releaseRetries = DueQueue()
    var unsentReleases: [UInt64] = []
    var claimsUnderWay = 0

    // Suspension.
    var gateDeadline: UInt64 = 0
    var isMarkedShut = false
    var jeopardyEnds: UInt64?

    // Procedures.
    var resync: Assertion?
    var rejoin: Assertion?
    var mustRejoin = false
    var check: SelfCheck?
    var reaping: Set<String> = []
    var lastRenewal: UInt64 = 0
    var renewAt: UInt64?

    let poll: UInt64
    let releaseWait: UInt64
    let jeopardyGrace: UInt64

    /// Claims of one partition under way at a time; more wait in line, so that a heartbeat never waits behind many of
    /// them.
    static let maximumClaimsUnderWay = 256
    /// Connections asserted by one call.
    static let assertionBatch = 200
    /// Assertion calls under way at a time.
    static let maximumAssertionsUnderWay = 4
    /// The shortest time between two renewals.
    static let renewalPause: UInt64 = 20_000_000

    /// How soon a release without an answer is repeated.
    static let releaseRetryPause: UInt64 = 100_000_000

    /// How soon what was not executed is repeated: 50 to 200 ms, by the noise in the clock's last digits.
    static func retryPause(_ now: UInt64) -> UInt64 { 50_000_000 &+ (now / 1_024) % 150_000_000 }

    /// Connections that are being asserted.
    struct Assertion {
        var stamp: PartitionLease.Stamp
        var batches: [(from: UInt32, claims: [Claim])]
        var underWay = 0
        var isListing = false
        var hasFailed = false
    }

    /// A walk over what the store believes.
    struct SelfCheck {
        var stamp: PartitionLease.Stamp
        var unseen: Set<UInt64>
    }

    /// - Parameter base: random, 8 or more characters of `[0-9A-Za-z]`, never used by another process.
    package init(index: Int, base: String, policy: DuplicatePolicy, timing: RegistryTiming) {
        self.index = index
        self.policy = policy
        self.timing = timing
        self.lease = PartitionLease(base: base, timing: timing)
        self.poll = timing.poll.wholeNanoseconds
        self.releaseWait = timing.releaseWait.wholeNanoseconds
        self.jeopardyGrace = timing.jeopardyGrace.wholeNanoseconds
    }

    /// Takes what is to be done. `spare` is an empty array whose memory is used again.
    package func takeActions(spare: consuming [PartitionAction] = []) -> [PartitionAction] {
        swap(&self.actions, &spare)
        return spare
    }

    /// Whether there is something to be done.
    package var hasActions: Bool { !self.actions.isEmpty }

    // MARK: - Calls

    /// A new claim.
    package func claim(_ claim: Claim, now: UInt64) {
        self.claims[claim.id] = claim
        self.undecided += 1
        if claim.isDue(at: now) {
            self.ready.append(claim.id)
            self.pump(now: now)
        } else {
            self.counters.held += 1
            self.polls.append(claim.id, due: now &+ self.poll)
        }
        if claim.state == .waiting { self.limit(claim) }
    }

    /// The claim was not decided at once: from now on its deadline is watched.
    private func limit(_ claim: Claim) {
        guard !claim.isLimited else { return }
        claim.isLimited = true
        self.deadlines.append(claim.id, due: claim.deadline)
    }

    /// The connection has left.
    package func release(_ id: UInt64, now: UInt64, completion: @escaping @Sendable () -> Void) {
        guard let claim = self.claims[id] else { return self.actions.append(.completed([completion])) }
        claim.completions.append(completion)
        self.depart(claim, now: now)
        if claim.state == .closing { self.releaseWaits.append(id, due: now &+ self.releaseWait) }
    }

    /// What presence shows of the connection has changed.
    package func update(_ id: UInt64, info: String, now: UInt64) {
        guard let claim = self.claims[id] else { return }
        claim.info = info
        if claim.isHeld, self.lease.canClaim { self.send(.update(claim), now: now) }
    }

    /// The connection's probe is over.
    package func probeAnswered(_ id: UInt64, isAlive: Bool, now: UInt64) {
        guard let claim = self.claims[id], claim.isHeld else { return }
        switch self.arbiters[id]?.answered(isAlive: isAlive, now: now) {
        case .deny(let waiters)?:
            for waiter in waiters { self.deny(waiter, of: claim, now: now) }
        case .close?:
            self.evict(claim, .probeTimeout)
        case .some(.none), nil:
            break
        }
    }

    /// After the last release: ends the lease.
    package func leave(now: UInt64) {
        let wasRegistered = self.lease.isRegistered
        self.lease.leave()
        self.gateDeadline = 0
        self.actions.append(.gateExtended(to: 0))
        if wasRegistered, self.lease.isConnected { self.send(.leave, now: now) }
    }

    // MARK: - Time

    /// When ``wake(now:)`` is wanted next.
    package var nextWake: UInt64 {
        var next = min(self.polls.nextDue ?? .max, self.deadlines.nextDue ?? .max)
        next = min(next, self.releaseWaits.nextDue ?? .max, self.releaseRetries.nextDue ?? .max)
        if let renewAt = self.renewAt { next = min(next, renewAt) }
        if let jeopardyEnds = self.jeopardyEnds { next = min(next, jeopardyEnds) }
        if !self.isMarkedShut, self.gateDeadline != 0 { next = min(next, self.gateDeadline) }
        return next
    }

    /// Some time has passed.
    package func wake(now: UInt64) {
        if let renewAt = self.renewAt, now >= renewAt { self.heartbeat(now: now) }
        if !self.isMarkedShut, self.gateDeadline != 0, now >= self.gateDeadline { self.markShut(at: self.gateDeadline) }
        while let id = self.polls.popFirst(dueAt: now) {
            guard let claim = self.claims[id], claim.state == .waiting else { continue }
            if claim.isDue(at: now) {
                self.ready.append(id)
            } else if claim.sentUnder == nil {
                self.polls.append(id, due: now &+ self.poll)
            }
        }
        self.pump(now: now)
        while let id = self.deadlines.popFirst(dueAt: now) {
            if let claim = self.claims[id], claim.isUndecided { self.refuse(claim, .unavailable, now: now) }
        }
        while let id = self.releaseWaits.popFirst(dueAt: now) {
            if let claim = self.claims[id] { self.complete(claim) }
        }
        while let id = self.releaseRetries.popFirst(dueAt: now) {
            if let claim = self.claims[id] { self.sendRelease(claim, now: now) }
        }
        if let jeopardyEnds = self.jeopardyEnds, now >= jeopardyEnds { self.endJeopardy(now: now) }
    }

    // MARK: - Claims

    /// Sends what may be sent of the claims that want to be asked now.
    func pump(now: UInt64) {
        guard self.lease.canClaim else { return }
        while self.claimsUnderWay < Self.maximumClaimsUnderWay, let id = self.ready.popFirst() {
            guard let claim = self.claims[id], claim.isDue(at: now) else { continue }
            claim.sent(under: self.lease.number)
            self.claimsUnderWay += 1
            self.send(.claim(claim), now: now)
        }
    }

    /// The answer to a claim.
    func claimed(_ claim: Claim, _ reply: ScriptReply, stamp: PartitionLease.Stamp, now: UInt64) {
        self.claimsUnderWay -= 1
        if case .token(let token) = reply {
            let isCurrent = self.lease.isCurrent(stamp) && self.lease.isOpen(at: now)
            switch claim.granted(token, isCurrent: isCurrent, now: now) {
            case .admit: self.admitted(claim, now: now)
            case .askAgain:
                self.ready.append(claim.id)
                self.limit(claim)
            case .releaseAgain where stamp.number == self.lease.number:
                self.send(.release(user: claim.user, connection: claim.id, claim: nil), now: now)
            case .releaseAgain, .none: break
            }
        } else {
            claim.mustWait(now: now, poll: self.poll)
            if claim.state == .waiting { self.limit(claim) }
            if claim.isDue(at: now) {
                self.ready.append(claim.id)
            } else if claim.state == .waiting {
                self.polls.append(claim.id, due: claim.nextPoll)
            }
            self.apply(self.lease.answered(reply, to: stamp, now: now), now: now)
        }
        self.pump(now: now)
    }

    private func admitted(_ claim: Claim, now: UInt64) {
        self.undecided -= 1
        self.counters.granted += 1
        let began = claim.deadline &- self.timing.claimWait.wholeNanoseconds
        self.counters.waited += Int(clamping: (now &- min(began, now)) / 1_000)
        self.actions.append(.granted(claim, self.grant(of: claim)))
    }

    func grant(of claim: Claim) -> LeaseGrant {
        LeaseGrant(partition: self.index, incarnation: claim.incarnation, token: claim.token)
    }

    func refuse(_ claim: Claim, _ refusal: RegistryRefusal, now: UInt64) {
        if case .duplicate = refusal { self.counters.refused += 1 } else { self.counters.unavailable += 1 }
        self.actions.append(.refused(claim, refusal))
        self.depart(claim, now: now)
    }

    func evict(_ claim: Claim, _ reason: RegistryCloseReason) {
        if claim.evict() { self.actions.append(.closes(claim, reason)) }
    }

    // MARK: - Releases

    private func depart(_ claim: Claim, now: UInt64) {
        if claim.isUndecided { self.undecided -= 1 }
        switch claim.depart() {
        case .none: break
        case .free: self.finish(claim)
        case .release: self.sendRelease(claim, now: now)
        }
    }

    func sendRelease(_ claim: Claim, now: UInt64) {
        guard claim.state == .closing else { return }
        // What an abandoned incarnation held ends with its lease.
        guard claim.sentUnder == self.lease.number else {
            claim.released()
            return self.finish(claim)
        }
        guard self.lease.isConnected else { return self.unsentReleases.append(claim.id) }
        self.send(.release(user: claim.user, connection: claim.id, claim: claim), now: now)
    }

    func released(_ claim: Claim, _ reply: ScriptReply, now: UInt64) {
        guard claim.state == .closing else { return }
        switch reply {
        case .notExecuted, .unknown:
            self.releaseRetries.append(claim.id, due: now &+ Self.releaseRetryPause)
        default:
            self.counters.released += 1
            claim.released()
            self.finish(claim)
        }
    }

    func finish(_ claim: Claim) {
        self.claims[claim.id] = nil
        if !self.arbiters.isEmpty { self.arbiters[claim.id] = nil }
        self.complete(claim)
    }

    private func complete(_ claim: Claim) {
        guard !claim.completions.isEmpty else { return }
        self.actions.append(.completed(claim.completions))
        claim.completions = []
    }

    func send(_ script: PartitionCommand.Script, now: UInt64) {
        self.actions.append(.send(PartitionCommand(script: script, stamp: self.lease.stamp, sentAt: now)))
    }
}
