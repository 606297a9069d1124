// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import UserRegistryCore

/// The claim machine as tables.
@Suite struct ClaimTests {
    static func waiting(notBefore: UInt64 = 0) -> Claim {
        Claim(
            id: 1, user: "u", info: "", connectedAt: 0, connection: SilentConnection(), deadline: 1_000,
            notBefore: notBefore)
    }

    static func claiming() -> Claim {
        let claim = Self.waiting()
        claim.sent(under: 3)
        return claim
    }

    static func admitted() -> Claim {
        let claim = Self.claiming()
        _ = claim.granted(50, isCurrent: true, now: 10)
        return claim
    }

    static func suspended() -> Claim {
        let claim = Self.admitted()
        claim.suspend(at: 20)
        return claim
    }

    static func evicted() -> Claim {
        let claim = Self.admitted()
        _ = claim.evict()
        return claim
    }

    static func closing() -> Claim {
        let claim = Self.admitted()
        _ = claim.depart()
        return claim
    }

    static func gone() -> Claim {
        let claim = Self.closing()
        claim.released()
        return claim
    }

    static func all() -> [Claim] {
        [
            Self.waiting(), Self.claiming(), Self.admitted(), Self.suspended(), Self.evicted(), Self.closing(),
            Self.gone(),
        ]
    }

    @Test func everyStateIsReached() {
        #expect(Self.all().map(\.state) == [.waiting, .claiming, .admitted, .suspended, .evicted, .closing, .gone])
    }

    @Test func grantsCountWhileClaimingOnly() {
        let claims = Self.all()
        let answers = claims.map { $0.granted(60, isCurrent: true, now: 30) }
        #expect(answers == [.none, .admit, .none, .none, .none, .none, .releaseAgain])
        #expect(claims[1].state == .admitted && claims[1].token == 60 && claims[1].incarnation == 3)
        #expect(claims[2].token == 50)
        // Of another lease or epoch, or with the gate shut: asked again.
        let claim = Self.claiming()
        #expect(claim.granted(60, isCurrent: false, now: 30) == .askAgain)
        #expect(claim.state == .waiting && claim.isDue(at: 30) && claim.token == 0)
    }

    @Test func answersLeaveOtherStatesAlone() {
        let claims = Self.all()
        for claim in claims { claim.mustWait(now: 30, poll: 500) }
        #expect(claims.map(\.state) == [.waiting, .waiting, .admitted, .suspended, .evicted, .closing, .gone])
        #expect(claims[0].nextPoll == 0 && claims[1].nextPoll == 530)
        #expect(!claims[1].isDue(at: 529) && claims[1].isDue(at: 530))
    }

    @Test func newsDuringAClaimIsNotLost() {
        let claim = Self.claiming()
        claim.poke(now: 20)
        claim.mustWait(now: 30, poll: 500)
        #expect(claim.isDue(at: 30))
        claim.sent(under: 3)
        claim.mustWait(now: 40, poll: 500)
        #expect(!claim.isDue(at: 41))
        claim.poke(now: 41)
        #expect(claim.isDue(at: 41))
    }

    @Test func aHeldClaimIsNotPokedAhead() {
        let claim = Self.waiting(notBefore: 200)
        claim.poke(now: 20)
        #expect(!claim.isDue(at: 199) && claim.isDue(at: 200))
    }

    @Test func departuresNameTheLastCommandSent() {
        #expect(
            Self.all().map { $0.depart() } == [
                .free, .release(under: 3), .release(under: 3), .release(under: 3), .release(under: 3), .none, .none,
            ])
        let claim = Self.suspended()
        claim.reasserting(under: 4)
        #expect(claim.depart() == .release(under: 4))
        let free = Self.waiting()
        _ = free.depart()
        #expect(free.state == .gone)
    }

    @Test func onlyHeldConnectionsAreEvictedAndOnce() {
        #expect(Self.all().map { $0.evict() } == [false, false, true, true, false, false, false])
        let claim = Self.evicted()
        #expect(claim.reasserted(70, under: 4) == false && claim.resume() == false)
        #expect(claim.depart() == .release(under: 3))
    }

    @Test func suspensionEndsUnderTheSameOrANewLease() {
        #expect(Self.all().map { $0.resume() } == [false, false, false, true, false, false, false])
        let claim = Self.suspended()
        #expect(claim.suspendedAt == 20)
        #expect(claim.reasserted(70, under: 4))
        #expect(claim.state == .admitted && claim.incarnation == 4 && claim.token == 70)
        // Continuing: nothing new to tell, unless the token is.
        #expect(!claim.reasserted(70, under: 4) && claim.isAsserted)
        #expect(claim.reasserted(71, under: 4))
    }

    @Test func undecidedMeansNeitherAdmittedNorOnItsWayOut() {
        #expect(Self.all().map(\.isUndecided) == [true, true, false, false, false, false, false])
        #expect(Self.all().map(\.isHeld) == [false, false, true, true, false, false, false])
    }
}
