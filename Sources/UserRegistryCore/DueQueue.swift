// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Claims that are looked at again at a time. All entries of one queue have about the same delay, so the first is due
/// first, or not much later than one behind it.
struct DueQueue {
    private var entries: [(due: UInt64, id: UInt64)] = []
    private var head = 0

    /// When the first entry is due.
    var nextDue: UInt64? { self.head < self.entries.count ? self.entries[self.head].due : nil }

    mutating func append(_ id: UInt64, due: UInt64 = 0) { self.entries.append((due, id)) }

    /// Takes the first entry if it is due.
    mutating func popFirst(dueAt now: UInt64 = .max) -> UInt64? {
        guard self.head < self.entries.count, self.entries[self.head].due <= now else { return nil }
        let id = self.entries[self.head].id
        self.head += 1
        if self.head == self.entries.count {
            self.entries.removeAll(keepingCapacity: self.entries.capacity <= 1_024)
            self.head = 0
        } else if self.head >= 1_024, self.head * 2 >= self.entries.count {
            self.entries.removeSubrange(0..<self.head)
            self.head = 0
        }
        return id
    }

    /// Takes all entries.
    mutating func removeAll() -> [UInt64] {
        defer {
            self.entries = []
            self.head = 0
        }
        return self.entries[self.head...].map(\.id)
    }
}
