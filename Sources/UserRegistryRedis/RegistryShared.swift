// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization
import UserRegistryCore

/// What the registry's callers, on any thread, share with its event loop.
final class RegistryShared: Sendable {
    /// A call that waits for the loop.
    enum Operation: Sendable {
        case claim(UInt64, user: String, hash: UInt32, info: String, since: Int64, any RegistryConnection)
        case release(UInt64, @Sendable () -> Void)
        case update(UInt64, info: String)
    }

    let gate: LeaseGate
    let hub = PresenceEventHub()

    /// When the worst partition's last good renewal was sent, in nanoseconds of `CLOCK_BOOTTIME`; 0 while there is
    /// none.
    let renewedAt = Atomic<UInt64>(0)

    private let lastID = Atomic<UInt64>(0)
    private let inbox = Mutex<[Operation]>([])
    private let figures = Mutex(Figures())
    private let lease: UInt64

    /// What the loop tells now and then.
    struct Figures: Sendable {
        var isRecovering = false
        var counters: [String: Int] = [:]
    }

    init(gate: LeaseGate, timing: RegistryTiming) {
        self.gate = gate
        self.lease = timing.lease.wholeNanoseconds
    }

    /// A number never used before; its low bits are the partition.
    func makeID(partition: Int) -> UInt64 {
        let number = self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
        return number << 6 | UInt64(partition & 63)
    }

    static func partition(of id: UInt64) -> Int { Int(id & 63) }

    /// Adds a call. Returns whether the loop must be told: the calls of one turn share one wake-up.
    func add(_ operation: Operation) -> Bool {
        self.inbox.withLock { inbox in
            inbox.append(operation)
            return inbox.count == 1
        }
    }

    /// Takes all calls, in their order.
    func takeOperations() -> [Operation] {
        self.inbox.withLock { inbox in
            defer { inbox = [] }
            return inbox
        }
    }

    var acceptsClaims: Bool {
        let renewedAt = self.renewedAt.load(ordering: .relaxed)
        return renewedAt != 0 && LeaseGate.now() < renewedAt &+ self.lease
    }

    func publish(_ figures: Figures) { self.figures.withLock { $0 = figures } }

    var status: RegistryStatus {
        let figures = self.figures.withLock { $0 }
        let renewedAt = self.renewedAt.load(ordering: .relaxed)
        let now = LeaseGate.now()
        let age = renewedAt == 0 ? Duration.seconds(Int64(Int32.max)) : .nanoseconds(Int64(now &- min(renewedAt, now)))
        return RegistryStatus(
            wasReached: renewedAt != 0, renewalAge: age, isRecovering: figures.isRecovering,
            counters: figures.counters)
    }
}
