// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The timers of all sessions of a loop: entries of 16 bytes in rotating buckets, instead of a scheduled task each.
///
/// An entry is never taken back: it carries a serial number, and whoever it wakes compares that with its own.
struct TimerWheel {
    enum Kind: UInt8 {
        case heartbeat
        case connectTimeout
        case expiry
    }

    struct Entry {
        var due: UInt32
        var slot: Int32
        var generation: UInt32
        var serial: UInt16
        var kind: Kind
    }

    static let bucketCount = 512
    let tick: TimeAmount
    private let start: NIODeadline
    private var now: UInt32 = 0
    private var buckets = [[Entry]](repeating: [], count: Self.bucketCount)

    init(tick: TimeAmount, start: NIODeadline) {
        self.tick = tick
        self.start = start
    }

    /// Wakes the entry when at least `delay` has passed.
    mutating func add(after delay: TimeAmount, slot: Int32, generation: UInt32, serial: UInt16, kind: Kind) {
        let ticks = (max(0, delay.nanoseconds) + self.tick.nanoseconds - 1) / self.tick.nanoseconds + 1
        let due = self.now &+ UInt32(clamping: min(ticks, Int64(Int32.max)))
        self.buckets[Int(due) % Self.bucketCount].append(
            Entry(due: due, slot: slot, generation: generation, serial: serial, kind: kind))
    }

    /// The entries that are due at `time`. They are handed out, not called, since whoever wakes adds entries.
    mutating func advance(to time: NIODeadline) -> [Entry] {
        let target = UInt32(clamping: (time - self.start).nanoseconds / self.tick.nanoseconds)
        guard target > self.now else { return [] }
        var due: [Entry] = []
        let steps = min(target - self.now, UInt32(Self.bucketCount))
        for step in 1...steps {
            let index = Int(self.now &+ step) % Self.bucketCount
            guard !self.buckets[index].isEmpty else { continue }
            due += self.buckets[index].filter { $0.due <= target }
            self.buckets[index].removeAll { $0.due <= target }
        }
        self.now = target
        return due
    }
}
