// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The fence: until when this node may serve the users of each partition, and under which lease.
///
/// Looked at before every dispatch of a packet and once for each fan-out, on any thread. Deadlines are `CLOCK_BOOTTIME`
/// nanoseconds, which go on while the process or the machine is suspended. A timer would not do: a process that was
/// paused wakes with packets already readable and handles them before its timers.
public final class LeaseGate: Sendable {
    private final class Partition: Sendable {
        let deadline = Atomic<UInt64>(0)
        let incarnation = Atomic<UInt32>(0)
    }

    /// A deadline that never comes: the registry in memory.
    public static let never = UInt64.max

    /// The largest number of partitions: one bit each of ``closedPartitions()``.
    public static let maximumPartitions = 64

    private let partitions: [Partition]

    /// All partitions start shut.
    ///
    /// - Parameter partitions: 1 to ``maximumPartitions``, clamped.
    public init(partitions: Int) {
        self.partitions = (0..<max(1, min(partitions, Self.maximumPartitions))).map { _ in Partition() }
    }

    /// How many partitions there are.
    public var count: Int { self.partitions.count }

    /// Now, in nanoseconds of `CLOCK_BOOTTIME`.
    public static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }

    /// Whether a connection with this grant may be served at this moment.
    public func isOpen(_ grant: LeaseGrant) -> Bool {
        guard grant.partition < self.partitions.count else { return false }
        let partition = self.partitions[grant.partition]
        // The deadline first: one that belongs to a later incarnation was stored after that incarnation's number, so
        // that the second load then sees the number. The other way round, a thread that is interrupted between the
        // loads could pair its old number with the new deadline.
        let deadline = partition.deadline.load(ordering: .acquiring)
        guard partition.incarnation.load(ordering: .acquiring) == grant.incarnation else { return false }
        return deadline == Self.never || Self.now() < deadline
    }

    /// One bit for each partition whose deadline has passed: computed once for a fan-out. A recipient is served when
    /// its partition's bit is clear and its incarnation is still ``incarnation(of:)``.
    public func closedPartitions() -> UInt64 {
        var mask: UInt64 = 0
        var now: UInt64?
        for (index, partition) in self.partitions.enumerated() {
            let deadline = partition.deadline.load(ordering: .acquiring)
            if deadline == Self.never { continue }
            let moment = now ?? Self.now()
            now = moment
            if moment >= deadline { mask |= 1 << UInt64(index) }
        }
        return mask
    }

    /// The lease under which the partition is served now.
    public func incarnation(of partition: Int) -> UInt32 {
        self.partitions[partition].incarnation.load(ordering: .acquiring)
    }

    /// The deadline of a partition in nanoseconds of `CLOCK_BOOTTIME`.
    public func deadline(of partition: Int) -> UInt64 {
        self.partitions[partition].deadline.load(ordering: .acquiring)
    }

    /// A renewal came through: the registry only.
    public func extend(_ partition: Int, to deadline: UInt64) {
        self.partitions[partition].deadline.store(deadline, ordering: .releasing)
    }

    /// The lease was lost: shuts the partition for all who were admitted under it, and starts the next incarnation.
    public func abandon(_ partition: Int, incarnation: UInt32) {
        self.partitions[partition].deadline.store(0, ordering: .releasing)
        self.partitions[partition].incarnation.store(incarnation, ordering: .releasing)
    }
}
