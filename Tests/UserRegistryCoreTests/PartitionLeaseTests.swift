// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import UserRegistryCore

/// The lease machine as tables: state, input, outcome.
@Suite struct PartitionLeaseTests {
    static let second: UInt64 = 1_000_000_000
    static let ok = ScriptReply.renewed(recoveryLeft: 0, waiters: [], expired: [])
    /// L 12 s, M 3 s.
    static let length = 9 * second

    static func fresh() -> PartitionLease { PartitionLease(base: "abcdefghij", timing: RegistryTiming()) }

    /// Connected, in epoch 7, registered and synced by a renewal sent at second 100.
    static func synced() -> PartitionLease {
        var lease = Self.fresh()
        lease.connected()
        _ = lease.heartbeat()
        _ = lease.renewed(.epoch(7), to: lease.stamp, sentAt: 99 * second, now: 99 * second)
        _ = lease.heartbeat()
        _ = lease.renewed(Self.ok, to: lease.stamp, sentAt: 100 * second, now: 100 * second + 1_000)
        return lease
    }

    /// Synced, then told of epoch 8.
    static func inNewEpoch(now: UInt64 = 101 * second) -> PartitionLease {
        var lease = Self.synced()
        _ = lease.answered(.epoch(8), to: lease.stamp, now: now)
        return lease
    }

    @Test func registersOnceAndServes() {
        var lease = Self.fresh()
        #expect(lease.heartbeat() == .none)
        lease.connected()
        #expect(!lease.canClaim)
        #expect(lease.heartbeat() == .renew(isFresh: true))
        #expect(lease.heartbeat() == .none)
        #expect(lease.renewed(.epoch(7), to: lease.stamp, sentAt: 1, now: 2) == .newEpoch)
        #expect(lease.epoch == 7 && lease.number == 1 && !lease.isRegistered)
        #expect(lease.heartbeat() == .renew(isFresh: true))
        let outcome = lease.renewed(Self.ok, to: lease.stamp, sentAt: 5, now: 50)
        #expect(outcome == .held(wasShut: false, isFirst: true))
        // Counted from before the sending, not from the answer.
        #expect(lease.deadline == 5 + Self.length)
        #expect(lease.canClaim && lease.isOpen(at: lease.deadline - 1) && !lease.isOpen(at: lease.deadline))
        #expect(lease.heartbeat() == .renew(isFresh: false))
    }

    @Test func deadlinesOnlyGrow() {
        var lease = Self.synced()
        let deadline = lease.deadline
        _ = lease.heartbeat()
        _ = lease.renewed(Self.ok, to: lease.stamp, sentAt: 50 * Self.second, now: 101 * Self.second)
        #expect(lease.deadline == deadline)
        #expect(lease.lastRenewal == 100 * Self.second)
    }

    @Test func tellsWhenTheGateWasShut() {
        var lease = Self.synced()
        let late = lease.deadline
        _ = lease.heartbeat()
        let outcome = lease.renewed(Self.ok, to: lease.stamp, sentAt: late - 1, now: late)
        #expect(outcome == .held(wasShut: true, isFirst: false))
    }

    @Test(arguments: [
        (ScriptReply.lost, PartitionLease.Outcome.abandoned), (.resync, .mustResync), (.stale, .mustRenew),
        (.epoch(9), .newEpoch), (.unknown, .ignored), (.notExecuted, .ignored),
    ])
    func answersToARenewal(reply: ScriptReply, outcome: PartitionLease.Outcome) {
        var lease = Self.synced()
        _ = lease.heartbeat()
        #expect(lease.renewed(reply, to: lease.stamp, sentAt: 101 * Self.second, now: 101 * Self.second) == outcome)
        #expect(lease.number == (outcome == .abandoned ? 2 : 1))
        #expect(lease.deadline == (outcome == .abandoned ? 0 : 109 * Self.second))
    }

    @Test(arguments: [
        (ScriptReply.noLease, PartitionLease.Outcome.mustRenew), (.resync, .mustRenew), (.stale, .mustRenew),
        (.lost, .abandoned), (.epoch(9), .newEpoch), (.epoch(7), .newEpoch), (.wait, .ignored), (.recovering, .ignored),
        (.token(3), .ignored), (.unknown, .ignored), (.notExecuted, .ignored),
    ])
    func answersToOtherCommands(reply: ScriptReply, outcome: PartitionLease.Outcome) {
        var lease = Self.synced()
        #expect(lease.answered(reply, to: lease.stamp, now: 101 * Self.second) == outcome)
    }

    @Test func anEpochThatIsKnownAlreadyIsNoNews() {
        var lease = Self.synced()
        let old = lease.stamp
        _ = lease.answered(.epoch(8), to: old, now: 101 * Self.second)
        #expect(lease.answered(.epoch(8), to: old, now: 101 * Self.second) == .mustRenew)
        _ = lease.heartbeat()
        _ = lease.renewed(.resync, to: lease.stamp, sentAt: 102 * Self.second, now: 102 * Self.second)
        #expect(lease.answered(.epoch(8), to: old, now: 102 * Self.second) == .ignored)
        #expect(lease.isGreeted)
    }

    /// Who was fenced may not continue in a new epoch (model variant V8).
    @Test func theFencedBeginAnew() {
        var lease = Self.synced()
        let late = lease.deadline
        #expect(lease.answered(.epoch(8), to: lease.stamp, now: late) == .abandoned)
        #expect(lease.number == 2 && lease.epoch == 8 && !lease.isRegistered && lease.session == 0)
        #expect(lease.heartbeat() == .renew(isFresh: true))

        lease = Self.synced()
        _ = lease.heartbeat()
        #expect(lease.renewed(.resync, to: lease.stamp, sentAt: late - 1, now: late) == .abandoned)
    }

    @Test func inANewEpochTheDeadlineStandsUntilAllIsAsserted() {
        var lease = Self.inNewEpoch()
        let deadline = lease.deadline
        #expect(!lease.canClaim)
        // First a renewal in the new epoch, then the procedure, and no renewal meanwhile.
        #expect(lease.heartbeat() == .renew(isFresh: false))
        #expect(
            lease.renewed(.resync, to: lease.stamp, sentAt: 102 * Self.second, now: 102 * Self.second) == .mustResync)
        #expect(lease.deadline == deadline)
        #expect(lease.heartbeat() == .resync)
        #expect(!lease.canClaim)
        let outcome = lease.synced(Self.ok, to: lease.stamp, sentAt: 103 * Self.second, now: 103 * Self.second)
        #expect(outcome == .held(wasShut: false, isFirst: false))
        #expect(lease.deadline == 103 * Self.second + Self.length)
        #expect(lease.heartbeat() == .renew(isFresh: false))
    }

    @Test func aRenewalOfTheOldEpochExtendsNothing() {
        var lease = Self.synced()
        _ = lease.heartbeat()
        let stamp = lease.stamp
        _ = lease.answered(.epoch(8), to: stamp, now: 101 * Self.second)
        let deadline = lease.deadline
        #expect(lease.renewed(Self.ok, to: stamp, sentAt: 101 * Self.second, now: 102 * Self.second) == .mustRenew)
        #expect(lease.deadline == deadline && !lease.isSynced)
        #expect(lease.heartbeat() == .renew(isFresh: false))
    }

    @Test func oldConnectionsAndIncarnationsAreIgnored() {
        var lease = Self.synced()
        _ = lease.heartbeat()
        let old = lease.stamp
        #expect(lease.disconnected() == false)
        #expect(lease.session == 1 && !lease.isGreeted && lease.isSynced && lease.isRegistered && !lease.canClaim)
        lease.connected()
        #expect(lease.renewed(.lost, to: old, sentAt: 0, now: 0) == .ignored)
        #expect(lease.answered(.lost, to: old, now: 0) == .ignored)
        #expect(lease.synced(.lost, to: old, sentAt: 0, now: 0) == .ignored)
        #expect(lease.heartbeat() == .renew(isFresh: false))
        _ = lease.renewed(Self.ok, to: lease.stamp, sentAt: 101 * Self.second, now: 101 * Self.second)
        #expect(lease.canClaim)
    }

    /// Never registered twice (model variant V23).
    @Test func aRegistrationOfUnknownOutcomeBeginsAnew() {
        for isDisconnected in [true, false] {
            var lease = Self.fresh()
            lease.connected()
            #expect(lease.heartbeat() == .renew(isFresh: true))
            if isDisconnected {
                #expect(lease.disconnected() == true)
                #expect(!lease.isConnected && lease.session == 0)
            } else {
                #expect(lease.renewed(.unknown, to: lease.stamp, sentAt: 1, now: 2) == .abandoned)
            }
            #expect(lease.number == 2)
        }
        // Certainly not executed, or answered: the same incarnation tries again.
        var lease = Self.fresh()
        lease.connected()
        _ = lease.heartbeat()
        #expect(lease.renewed(.notExecuted, to: lease.stamp, sentAt: 1, now: 2) == .ignored)
        #expect(lease.disconnected() == false)
        lease.connected()
        #expect(lease.number == 1 && lease.heartbeat() == .renew(isFresh: true))
    }

    @Test func aStandstillShutsTheGateUntilANewerRenewal() {
        var lease = Self.synced()
        _ = lease.heartbeat()
        lease.clockJumped(at: 101 * Self.second)
        #expect(lease.deadline == 101 * Self.second)
        // Sent before, answered after: worth nothing.
        _ = lease.renewed(Self.ok, to: lease.stamp, sentAt: 100 * Self.second, now: 102 * Self.second)
        #expect(lease.deadline == 101 * Self.second)
        _ = lease.heartbeat()
        let outcome = lease.renewed(Self.ok, to: lease.stamp, sentAt: 102 * Self.second, now: 102 * Self.second)
        #expect(outcome == .held(wasShut: true, isFirst: false))
        #expect(lease.isOpen(at: 103 * Self.second))
    }

    @Test func nothingIsRenewedAfterLeaving() {
        var lease = Self.synced()
        _ = lease.heartbeat()
        lease.leave()
        #expect(lease.deadline == 0 && !lease.canClaim)
        _ = lease.renewed(Self.ok, to: lease.stamp, sentAt: 101 * Self.second, now: 101 * Self.second)
        #expect(lease.deadline == 0 && !lease.canClaim)
        #expect(lease.heartbeat() == .none)
    }

    @Test func incarnationsHaveNamesOfTheirOwn() {
        let lease = Self.fresh()
        #expect(Set((1...5_000).map { lease.name(of: $0) }).count == 5_000)
        #expect(lease.incarnation == "abcdefghij1")
    }
}
