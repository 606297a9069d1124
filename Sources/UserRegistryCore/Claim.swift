// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One connection's claim to its user: identity and state machine. Decides; sends nothing and reads no clock.
///
/// | state | meaning | left for |
/// |---|---|---|
/// | waiting | not decided; asked again at ``nextPoll`` | claiming, closing |
/// | claiming | a command is under way, its outcome unknown until answered | admitted, waiting, closing |
/// | admitted | served while the gate is open | suspended, evicted, closing |
/// | suspended | the gate closed by time, or the lease was lost | admitted, evicted, closing |
/// | evicted | its connection was told to close | closing |
/// | closing | released as soon as the store answers | gone |
/// | gone | terminal | – |
///
/// Inputs that do not fit the state are legitimate races (a reply for a connection that has left) and change nothing.
/// Confined to its partition's event loop.
package final class Claim {
    /// Where the claim stands.
    package enum State: Sendable, Hashable {
        case waiting, claiming, admitted, suspended, evicted, closing, gone
    }

    /// What the answer to a claim calls for.
    package enum Answer: Sendable, Equatable {
        /// Nothing.
        case none
        /// Tell the connection that it is admitted.
        case admit
        /// Ask again: granted, but under a lease that is not the present one.
        case askAgain
        /// Release once more: granted after the release had been answered.
        case releaseAgain
    }

    /// What a release calls for.
    package enum Departure: Sendable, Equatable {
        /// Already on its way.
        case none
        /// Nothing was ever sent: free at once.
        case free
        /// Send a release naming that incarnation.
        case release(under: UInt32)
    }

    /// Unique within the process; names the connection within an incarnation.
    package let id: UInt64
    /// The user.
    package let user: String
    /// When the connection was made, in milliseconds since 1970.
    package let connectedAt: Int64
    /// The socket. Told of the decision.
    package let connection: any RegistryConnection
    /// When an undecided claim is given up.
    package let deadline: UInt64

    /// What presence shows, in the form of the records.
    package internal(set) var info: String
    /// Where the claim stands.
    package private(set) var state = State.waiting
    /// The fencing token; 0 before admission.
    package private(set) var token: UInt64 = 0
    /// The incarnation under which it was admitted; 0 before.
    package private(set) var incarnation: UInt32 = 0
    /// The incarnation of the last claim or reassertion that was sent, answered or not; nil when none ever was.
    package private(set) var sentUnder: UInt32?
    /// Asserted in the present epoch.
    package internal(set) var isAsserted = false
    /// When a waiting claim asks again.
    package private(set) var nextPoll: UInt64
    /// Since when a suspended claim is suspended.
    package private(set) var suspendedAt: UInt64 = 0
    /// Its deadline is being watched.
    var isLimited = false
    /// Called when the release is over.
    var completions: [@Sendable () -> Void] = []
    private let notBefore: UInt64
    private var isPoked = false

    /// A claim that was not sent yet.
    ///
    /// - Parameter notBefore: when it may be sent at the earliest.
    package init(
        id: UInt64, user: String, info: String, connectedAt: Int64, connection: any RegistryConnection,
        deadline: UInt64, notBefore: UInt64
    ) {
        self.id = id
        self.user = user
        self.info = info
        self.connectedAt = connectedAt
        self.connection = connection
        self.deadline = deadline
        self.notBefore = notBefore
        self.nextPoll = notBefore
    }

    /// The claim is undecided.
    package var isUndecided: Bool { self.state == .waiting || self.state == .claiming }

    /// The claim belongs to a connection that is served, or would be if the gate were open.
    package var isHeld: Bool { self.state == .admitted || self.state == .suspended }

    /// Whether to send it now.
    package func isDue(at now: UInt64) -> Bool { self.state == .waiting && now >= self.nextPoll }

    /// It is sent now.
    package func sent(under incarnation: UInt32) {
        guard self.state == .waiting else { return }
        self.state = .claiming
        self.sentUnder = incarnation
        self.isPoked = false
    }

    /// The store granted it. `isCurrent`: the answer is to the present incarnation and epoch, and the gate is open.
    package func granted(_ token: UInt64, isCurrent: Bool, now: UInt64) -> Answer {
        switch self.state {
        case .claiming where isCurrent:
            self.admit(token)
            return .admit
        case .claiming:
            self.state = .waiting
            self.nextPoll = now
            return .askAgain
        case .gone:
            return .releaseAgain
        case .waiting, .admitted, .suspended, .evicted, .closing:
            return .none
        }
    }

    /// The store did not grant it, or did not answer.
    package func mustWait(now: UInt64, poll: UInt64) {
        guard self.state == .claiming else { return }
        self.state = .waiting
        self.nextPoll = self.isPoked ? now : now &+ poll
        self.isPoked = false
    }

    /// There may be news: ask again at once, also when a claim is under way that may have been answered before the
    /// news.
    package func poke(now: UInt64) {
        switch self.state {
        case .waiting: self.nextPoll = max(now, self.notBefore)
        case .claiming: self.isPoked = true
        case .admitted, .suspended, .evicted, .closing, .gone: break
        }
    }

    /// The gate closed, or the lease was lost.
    package func suspend(at time: UInt64) {
        guard self.state == .admitted else { return }
        self.state = .suspended
        self.suspendedAt = time
    }

    /// The gate is open again under the same incarnation. Returns whether the connection must be told.
    package func resume() -> Bool {
        guard self.state == .suspended else { return false }
        self.state = .admitted
        return true
    }

    /// A reassertion is sent.
    package func reasserting(under incarnation: UInt32) {
        if self.isHeld { self.sentUnder = incarnation }
    }

    /// The store holds the user for this connection under `incarnation`. Returns whether the connection needs a new
    /// grant.
    package func reasserted(_ token: UInt64, under incarnation: UInt32) -> Bool {
        guard self.isHeld else { return false }
        self.isAsserted = true
        let isNew = token != self.token || incarnation != self.incarnation
        self.token = token
        guard incarnation != self.incarnation else { return isNew }
        self.incarnation = incarnation
        self.state = .admitted
        return true
    }

    /// The connection must close. Returns whether it must be told.
    package func evict() -> Bool {
        guard self.isHeld else { return false }
        self.state = .evicted
        return true
    }

    /// The connection has left, or was refused.
    package func depart() -> Departure {
        switch self.state {
        case .waiting, .claiming, .admitted, .suspended, .evicted:
            self.state = .closing
        case .closing, .gone:
            return .none
        }
        guard let sentUnder = self.sentUnder else {
            self.released()
            return .free
        }
        return .release(under: sentUnder)
    }

    /// The store answered the release, or its incarnation was abandoned.
    package func released() {
        if self.state == .closing { self.state = .gone }
    }

    private func admit(_ token: UInt64) {
        self.state = .admitted
        self.token = token
        self.incarnation = self.sentUnder ?? 0
        self.isAsserted = true
        self.suspendedAt = 0
    }
}
