// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Spaces the first claims of one user: after a burst of 100 to 5 per second, by holding them, never by refusing.
///
/// Users are told apart by their CRC-32 only: two that share one share the spacing. The table is bounded; when it is
/// full of users who are being spaced, all are forgiven.
package struct ClaimPacer: Sendable {
    /// Nanoseconds between two claims in the long run.
    static let interval: UInt64 = 200_000_000
    /// Claims that may come at once.
    static let burst: UInt64 = 100
    /// The most users remembered.
    static let maximumUsers = 65_536

    // When the user's bucket is empty again; in the past: the user is not spaced.
    private var emptyAt: [UInt32: UInt64] = [:]

    /// No user is known.
    package init() {}

    /// A first claim of the user with this hash: when it may be sent.
    package mutating func claim(by hash: UInt32, now: UInt64) -> UInt64 {
        let emptyAt = max(self.emptyAt[hash] ?? 0, now) &+ Self.interval
        if self.emptyAt.count >= Self.maximumUsers, self.emptyAt[hash] == nil { self.forget(now: now) }
        self.emptyAt[hash] = emptyAt
        let full = now &+ Self.interval &* Self.burst
        return emptyAt <= full ? now : now &+ (emptyAt &- full)
    }

    private mutating func forget(now: UInt64) {
        self.emptyAt = self.emptyAt.filter { $0.value > now }
        if self.emptyAt.count >= Self.maximumUsers / 2 { self.emptyAt = [:] }
    }
}
