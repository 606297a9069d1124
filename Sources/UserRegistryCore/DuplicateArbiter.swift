// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The owner's side of a ``DuplicatePolicy``: what to do about those who wait for the user of one admitted connection.
///
/// At most one probe at a time; it runs to its end even if its waiter leaves, is not started again by another one, and
/// its result answers further waiters while it is less than a second old. Displaced waiters get their answer too.
package struct DuplicateArbiter: Sendable {
    /// What a waiter's arrival calls for.
    package enum Arrival: Sendable, Equatable {
        /// The waiter is answered when the probe under way is.
        case none
        /// Refuse the waiter.
        case deny
        /// Send the connection a ping.
        case probe
        /// Close the connection in favour of the waiter.
        case replace
    }

    /// What a probe's result calls for.
    package enum Verdict: Sendable, Equatable {
        /// The result is not wanted any more.
        case none
        /// The connection lives: refuse these.
        case deny([WaiterName])
        /// The connection is dead: close it.
        case close
    }

    /// How long a pong answers further waiters, in nanoseconds.
    static let resultLifetime: UInt64 = 1_000_000_000

    /// Waiters beyond this many are not remembered by name; they ask again every poll.
    static let rememberedWaiters = 64

    /// When a refused client may get another answer, in milliseconds: not before the pong that stands in its way is too
    /// old to count. Nil where nothing but the end of the other connection changes the answer.
    static func retryAfter(under policy: DuplicatePolicy) -> Int64? {
        policy == .probe ? Int64(Self.resultLifetime / 1_000_000) : nil
    }

    private let policy: DuplicatePolicy
    private let patience: UInt64
    private var waiters: [WaiterName] = []
    private var probedAt: UInt64?
    private var aliveAt: UInt64?
    private var isClosing = false

    /// An arbiter for one connection.
    package init(policy: DuplicatePolicy, timing: RegistryTiming) {
        self.policy = policy
        self.patience = 2 &* timing.probeTimeout.wholeNanoseconds
    }

    /// Somebody waits for the user.
    package mutating func arrived(_ waiter: WaiterName, now: UInt64) -> Arrival {
        guard !self.isClosing else { return .none }
        switch self.policy {
        case .reject:
            return .deny
        case .replace:
            self.isClosing = true
            return .replace
        case .probe:
            if let aliveAt = self.aliveAt, now &- aliveAt < Self.resultLifetime { return .deny }
            if !self.waiters.contains(waiter), self.waiters.count < Self.rememberedWaiters {
                self.waiters.append(waiter)
            }
            // A probe that was never answered, against the contract, must not lock the user out for good.
            if let probedAt = self.probedAt, now &- probedAt < self.patience { return .none }
            self.probedAt = now
            return .probe
        }
    }

    /// The probe is over.
    package mutating func answered(isAlive: Bool, now: UInt64) -> Verdict {
        guard self.probedAt != nil, !self.isClosing else { return .none }
        self.probedAt = nil
        let waiters = self.waiters
        self.waiters = []
        guard isAlive else {
            self.isClosing = true
            return .close
        }
        self.aliveAt = now
        return .deny(waiters)
    }
}
