// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import UserRegistryCore

/// Hashes, times, queues, the gate.
@Suite struct SmallPartsTests {
    static let second: UInt64 = 1_000_000_000

    @Test func checksumsAreTheUsualOnes() {
        #expect(UserPartition.crc32("123456789") == 0xCBF4_3926)
        #expect(UserPartition.crc32("") == 0)
        #expect(UserPartition.crc16("123456789") == 0x31C3)
    }

    @Test(arguments: [1, 3, 16, 64])
    func everyTagLiesInItsStripe(partitions: Int) {
        for partition in 0..<partitions {
            let tag = UserPartition.tag(prefix: "rollcall", scope: "/", partition: partition, of: partitions)
            let slot = Int(UserPartition.crc16(tag)) % 16_384
            #expect(slot * partitions / 16_384 == partition)
            let number = tag.split(separator: ".").last.flatMap { Int($0) } ?? -1
            for smaller in 0..<max(0, number) {
                let other = "rollcall:/:\(partition).\(smaller)"
                #expect(Int(UserPartition.crc16(other)) % 16_384 * partitions / 16_384 != partition)
            }
        }
    }

    @Test func timesFollowFromTheLease() {
        let timing = RegistryTiming()
        #expect(timing.heartbeat == .seconds(1) && timing.step == .milliseconds(2_400))
        #expect(timing.margin == .seconds(3) && timing.jeopardyGrace == .seconds(60))
        #expect(timing.claimWait == .seconds(17) && timing.poll == .milliseconds(500))
        #expect(timing.problem() == nil)
        #expect(RegistryTiming(lease: .seconds(2)).problem() == nil)
        #expect(RegistryTiming(lease: .milliseconds(1_999)).problem()?.contains("lease") == true)
        #expect(RegistryTiming(lease: .seconds(40)).problem()?.contains("connect timeout") == true)
        #expect(timing.problem(connectTimeout: .seconds(21))?.contains("connect timeout") == true)
        var odd = timing
        odd.margin = .seconds(1)
        #expect(odd.problem() != nil)
        odd = timing
        odd.margin = .seconds(11)
        #expect(odd.problem() != nil)
        #expect(RegistryTiming(probeTimeout: .seconds(-1)).probeTimeout.wholeNanoseconds == 0)
    }

    @Test func durationsBecomeWholeNumbers() {
        #expect(Duration.milliseconds(1_500).wholeNanoseconds == 1_500_000_000)
        #expect(Duration.milliseconds(1_500).wholeMilliseconds == 1_500)
        #expect(Duration.seconds(-5).wholeNanoseconds == 0)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
    }

    @Test func firstClaimsOfOneUserAreSpacedAfterABurst() {
        var pacer = ClaimPacer()
        let now = 50 * Self.second
        for _ in 0..<100 { #expect(pacer.claim(by: 7, now: now) == now) }
        #expect(pacer.claim(by: 7, now: now) == now + Self.second / 5)
        #expect(pacer.claim(by: 7, now: now) == now + 2 * Self.second / 5)
        #expect(pacer.claim(by: 8, now: now) == now)
        let later = now + 100 * Self.second
        #expect(pacer.claim(by: 7, now: later) == later)
        // The table is bounded.
        for user in 0..<UInt32(2 * ClaimPacer.maximumUsers) { _ = pacer.claim(by: user, now: later) }
        #expect(pacer.claim(by: 7, now: later) == later)
    }

    @Test func queuesKeepTheirOrderAndTimes() {
        var queue = DueQueue()
        #expect(queue.popFirst(dueAt: .max) == nil && queue.nextDue == nil)
        for number in 0..<5_000 { queue.append(UInt64(number), due: UInt64(number)) }
        #expect(queue.nextDue == 0)
        for number in 0..<3_000 { #expect(queue.popFirst(dueAt: 2_999) == UInt64(number)) }
        #expect(queue.popFirst(dueAt: 2_999) == nil && queue.nextDue == 3_000)
        for number in 3_000..<5_000 { #expect(queue.popFirst() == UInt64(number)) }
        #expect(queue.popFirst() == nil)
    }

    @Test func theGateIsOpenForItsIncarnationUntilItsDeadline() {
        let gate = LeaseGate(partitions: 2)
        let grant = LeaseGrant(partition: 1, incarnation: 4, token: 1)
        #expect(!gate.isOpen(grant) && gate.closedPartitions() == 0b11)
        gate.abandon(1, incarnation: 4)
        #expect(!gate.isOpen(grant))
        gate.extend(1, to: LeaseGate.now() + 60 * Self.second)
        #expect(gate.isOpen(grant) && gate.closedPartitions() == 0b01)
        #expect(!gate.isOpen(LeaseGrant(partition: 1, incarnation: 3, token: 1)))
        #expect(!gate.isOpen(LeaseGrant(partition: 9, incarnation: 4, token: 1)))
        gate.extend(1, to: LeaseGate.now())
        #expect(!gate.isOpen(grant))
        gate.extend(1, to: LeaseGate.never)
        #expect(gate.isOpen(grant))
        gate.abandon(1, incarnation: 5)
        #expect(!gate.isOpen(grant) && gate.incarnation(of: 1) == 5)
        #expect(LeaseGate(partitions: 900).count == LeaseGate.maximumPartitions)
    }

    @Test func slowReadersOfEventsAreTold() async {
        let hub = PresenceEventHub()
        let stream = hub.stream()
        let count = 2 * PresenceEventHub.bufferSize + 500
        for number in 0..<count {
            hub.yield(PresenceEvent(kind: .join, user: "u\(number)", node: "n", time: 0))
        }
        hub.finish()
        var events: [PresenceEvent] = []
        for await event in stream { events.append(event) }
        #expect(events.count == PresenceEventHub.bufferSize)
        #expect(events.contains { $0.kind == .reset })
        #expect(events.last?.user == "u\(count - 1)")
        #expect(!hub.hasReaders)
        for await _ in hub.stream() { Issue.record("an event after the end") }
    }

    @Test func countersAddUpByName() {
        var counters = RegistryCounters()
        counters.granted = 2
        var sum = counters
        sum.add(counters)
        #expect(sum.byName["claims_granted"] == 4 && sum.byName["differences"] == 0)
        #expect(sum.byName.count == 16)
    }
}
