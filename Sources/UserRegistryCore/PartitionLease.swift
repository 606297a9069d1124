// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One partition's lease as its node sees it. Decides; sends nothing and reads no clock.
///
/// | state | meaning |
/// |---|---|
/// | unregistered | this incarnation's registration was not answered yet |
/// | greeted | the present connection's first renewal was answered: its session number is known to the store |
/// | synced | all that is served was asserted in the present epoch; only now renewals extend the deadline |
///
/// An incarnation is never registered twice and never revived: after a lost lease, and after a registration of unknown
/// outcome, the next one begins (``number`` grows). Replies that answer an older incarnation, connection or epoch are
/// legitimate races and are ignored. All times are nanoseconds of `CLOCK_BOOTTIME`.
package struct PartitionLease: Sendable {
    /// What a command was sent under; its reply counts only while this is still so.
    package struct Stamp: Sendable, Hashable {
        /// The incarnation's number.
        package var number: UInt32
        /// The number of the connection to the store within the incarnation.
        package var session: UInt32
        /// The epoch of the store's data.
        package var epoch: UInt64
    }

    /// What a heartbeat calls for.
    package enum Heartbeat: Sendable, Equatable {
        /// Nothing now: no connection, or an answer is awaited.
        case none
        /// Send `renew`; `isFresh` when it registers the incarnation.
        case renew(isFresh: Bool)
        /// Begin the resync procedure.
        case resync
    }

    /// What a reply means.
    package enum Outcome: Sendable, Equatable {
        /// Nothing.
        case ignored
        /// The lease runs and the deadline was moved. `wasShut`: the gate had closed by time and is open again.
        /// `isFirst`: of this incarnation.
        case held(wasShut: Bool, isFirst: Bool)
        /// Begin the resync procedure.
        case mustResync
        /// Renew at once.
        case mustRenew
        /// The data were lost or replaced: renew at once; nothing counts as asserted any more.
        case newEpoch
        /// A new incarnation began; all connections of the old one are suspended.
        case abandoned
    }

    /// Distinguishes this process's incarnations from all others.
    package let base: String

    private let length: UInt64
    private var renewalIsUnderWay = false
    private var registrationIsUnderWay = false
    private var clockJumpedAt: UInt64 = 0

    /// Counts this process's incarnations, from 1.
    package private(set) var number: UInt32 = 1
    /// The epoch in which this node believes the data to live; 0 before the first answer.
    package private(set) var epoch: UInt64 = 0
    /// Counts the incarnation's connections to the store.
    package private(set) var session: UInt32 = 0
    /// There is a connection to the store.
    package private(set) var isConnected = false
    /// The incarnation is known to the store.
    package private(set) var isRegistered = false
    /// The present connection's first renewal in this epoch was answered.
    package private(set) var isGreeted = false
    /// All that is served was asserted in this epoch.
    package private(set) var isSynced = false
    /// The lease was given up on purpose; nothing is renewed any more.
    package private(set) var hasLeft = false
    /// When the gate closes; 0 before the first renewal of an incarnation.
    package private(set) var deadline: UInt64 = 0
    /// When the last renewal that was answered well was sent, of any incarnation; nil before the first.
    package private(set) var lastRenewal: UInt64?

    /// - Parameters:
    ///   - base: random, 8 or more characters of `[0-9A-Za-z]`, never used by another process.
    ///   - timing: the lease and its margin.
    package init(base: String, timing: RegistryTiming) {
        self.base = base
        let lease = timing.lease.wholeNanoseconds
        let margin = timing.margin.wholeNanoseconds
        self.length = lease > margin ? lease - margin : 0
    }

    /// The present incarnation's id.
    package var incarnation: String { self.name(of: self.number) }

    /// The id of this process's incarnation with that number.
    package func name(of number: UInt32) -> String { self.base + String(number, radix: 36) }

    /// What commands are sent under now.
    package var stamp: Stamp { Stamp(number: self.number, session: self.session, epoch: self.epoch) }

    /// Whether claims may be sent: the store would answer others with NOLEASE or RESYNC.
    package var canClaim: Bool {
        self.isConnected && self.isRegistered && self.isGreeted && self.isSynced && !self.hasLeft
    }

    /// Whether the gate is open.
    package func isOpen(at now: UInt64) -> Bool { now < self.deadline }

    /// Whether a reply to what was sent under `stamp` may be used.
    package func isCurrent(_ stamp: Stamp) -> Bool { stamp == self.stamp }

    /// A connection to the store is ready.
    package mutating func connected() { self.isConnected = true }

    /// The connection to the store is gone. Returns whether the incarnation was abandoned: a registration had no
    /// answer.
    package mutating func disconnected() -> Bool {
        guard self.isConnected else { return false }
        self.isConnected = false
        self.isGreeted = false
        self.session &+= 1
        self.renewalIsUnderWay = false
        guard self.registrationIsUnderWay else { return false }
        self.abandon()
        return true
    }

    /// It is time to renew.
    package mutating func heartbeat() -> Heartbeat {
        guard self.isConnected, !self.renewalIsUnderWay, !self.hasLeft else { return .none }
        if self.isRegistered, self.isGreeted, !self.isSynced { return .resync }
        self.renewalIsUnderWay = true
        self.registrationIsUnderWay = !self.isRegistered
        return .renew(isFresh: !self.isRegistered)
    }

    /// The answer to a renewal.
    package mutating func renewed(_ reply: ScriptReply, to stamp: Stamp, sentAt: UInt64, now: UInt64) -> Outcome {
        guard stamp.number == self.number, stamp.session == self.session else { return .ignored }
        let wasRegistration = self.registrationIsUnderWay
        self.renewalIsUnderWay = false
        self.registrationIsUnderWay = false
        switch reply {
        case .unknown where wasRegistration:
            self.abandon()
            return .abandoned
        case .renewed, .resync:
            guard stamp.epoch == self.epoch else { return self.isGreeted ? .ignored : .mustRenew }
            if case .resync = reply { return self.mustResync(now: now) }
            return self.held(sentAt: sentAt, now: now)
        default:
            return self.answered(reply, to: stamp, now: now)
        }
    }

    /// The answer to `synced`, which ends the resync procedure.
    package mutating func synced(_ reply: ScriptReply, to stamp: Stamp, sentAt: UInt64, now: UInt64) -> Outcome {
        guard self.isCurrent(stamp) else { return .ignored }
        if case .renewed = reply { return self.held(sentAt: sentAt, now: now) }
        return self.answered(reply, to: stamp, now: now)
    }

    /// What the answer to any other command says of the lease.
    package mutating func answered(_ reply: ScriptReply, to stamp: Stamp, now: UInt64) -> Outcome {
        guard stamp.number == self.number, stamp.session == self.session else { return .ignored }
        switch reply {
        case .epoch(let epoch):
            return self.learn(epoch, sentIn: stamp.epoch, now: now)
        case .lost:
            self.abandon()
            return .abandoned
        case .stale:
            self.isGreeted = false
            return .mustRenew
        case .noLease, .resync:
            return .mustRenew
        default:
            return .ignored
        }
    }

    /// The machine stood still while the clock did not count it: what was renewed before is worth nothing.
    package mutating func clockJumped(at now: UInt64) {
        self.clockJumpedAt = now
        self.deadline = min(self.deadline, now)
    }

    /// The lease is given up: nothing is renewed any more.
    package mutating func leave() {
        self.hasLeft = true
        self.deadline = 0
    }

    private mutating func held(sentAt: UInt64, now: UInt64) -> Outcome {
        let isFirst = !self.isRegistered || self.deadline == 0
        let wasShut = !isFirst && now >= self.deadline
        self.isRegistered = true
        self.isGreeted = true
        self.isSynced = true
        // Counted from before the sending: the store cannot have counted from earlier.
        if sentAt >= self.clockJumpedAt, !self.hasLeft { self.deadline = max(self.deadline, sentAt &+ self.length) }
        self.lastRenewal = max(self.lastRenewal ?? 0, sentAt)
        return .held(wasShut: wasShut, isFirst: isFirst)
    }

    private mutating func mustResync(now: UInt64) -> Outcome {
        self.isGreeted = true
        self.isSynced = false
        // Who was fenced may not continue inside a recovery window: it would beat the newer claim that was lost.
        if self.isRegistered, now >= self.deadline {
            self.abandon()
            return .abandoned
        }
        self.isRegistered = true
        return .mustResync
    }

    private mutating func learn(_ epoch: UInt64, sentIn sentEpoch: UInt64, now: UInt64) -> Outcome {
        // Known already: the answer to a command that was sent before. But the answer to a command of this very epoch
        // is a new one that happens to have its number: Redis may have been restarted with older data and a clock set
        // back.
        if epoch == self.epoch, sentEpoch != epoch { return self.isGreeted ? .ignored : .mustRenew }
        self.epoch = epoch
        self.isSynced = false
        self.isGreeted = false
        if self.isRegistered, now >= self.deadline {
            self.abandon()
            return .abandoned
        }
        return .newEpoch
    }

    private mutating func abandon() {
        self.number &+= 1
        self.session = 0
        self.isRegistered = false
        self.isGreeted = false
        self.isSynced = false
        self.deadline = 0
        self.renewalIsUnderWay = false
        self.registrationIsUnderWay = false
    }
}
