// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import UserRegistryCore

/// The owner's side of the policies.
@Suite struct DuplicateArbiterTests {
    static let second: UInt64 = 1_000_000_000
    static func waiter(_ number: UInt64) -> WaiterName { WaiterName(incarnation: "i", connection: number) }
    static func arbiter(_ policy: DuplicatePolicy) -> DuplicateArbiter {
        DuplicateArbiter(policy: policy, timing: RegistryTiming())
    }

    @Test func rejectDeniesEverybody() {
        var arbiter = Self.arbiter(.reject)
        #expect(arbiter.arrived(Self.waiter(1), now: 0) == .deny)
        #expect(arbiter.arrived(Self.waiter(2), now: 1) == .deny)
    }

    @Test func replaceClosesOnce() {
        var arbiter = Self.arbiter(.replace)
        #expect(arbiter.arrived(Self.waiter(1), now: 0) == .replace)
        #expect(arbiter.arrived(Self.waiter(2), now: 1) == .none)
        #expect(arbiter.answered(isAlive: true, now: 2) == .none)
    }

    @Test func oneProbeAnswersAllWhoCameMeanwhile() {
        var arbiter = Self.arbiter(.probe)
        #expect(arbiter.arrived(Self.waiter(1), now: 0) == .probe)
        #expect(arbiter.arrived(Self.waiter(1), now: 1) == .none)
        #expect(arbiter.arrived(Self.waiter(2), now: 2) == .none)
        #expect(arbiter.answered(isAlive: true, now: 3) == .deny([Self.waiter(1), Self.waiter(2)]))
        #expect(arbiter.answered(isAlive: true, now: 4) == .none)
    }

    @Test func aResultStandsForASecond() {
        var arbiter = Self.arbiter(.probe)
        _ = arbiter.arrived(Self.waiter(1), now: 0)
        _ = arbiter.answered(isAlive: true, now: Self.second)
        #expect(arbiter.arrived(Self.waiter(2), now: 2 * Self.second - 1) == .deny)
        #expect(arbiter.arrived(Self.waiter(2), now: 2 * Self.second) == .probe)
    }

    @Test func aDeadConnectionIsClosedOnce() {
        var arbiter = Self.arbiter(.probe)
        _ = arbiter.arrived(Self.waiter(1), now: 0)
        #expect(arbiter.answered(isAlive: false, now: 1) == .close)
        #expect(arbiter.arrived(Self.waiter(2), now: 2) == .none)
        #expect(arbiter.answered(isAlive: true, now: 3) == .none)
    }

    @Test func aProbeWithoutAnyAnswerIsRepeated() {
        var arbiter = Self.arbiter(.probe)
        _ = arbiter.arrived(Self.waiter(1), now: 0)
        #expect(arbiter.arrived(Self.waiter(1), now: 6 * Self.second - 1) == .none)
        #expect(arbiter.arrived(Self.waiter(1), now: 6 * Self.second) == .probe)
    }

    @Test func theNamesOfWaitersAreBounded() {
        var arbiter = Self.arbiter(.probe)
        for number in 0..<1_000 { _ = arbiter.arrived(Self.waiter(UInt64(number)), now: 0) }
        guard case .deny(let waiters) = arbiter.answered(isAlive: true, now: 1) else {
            Issue.record("not denied")
            return
        }
        #expect(waiters.count == DuplicateArbiter.rememberedWaiters)
    }
}
