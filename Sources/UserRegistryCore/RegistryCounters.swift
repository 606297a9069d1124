// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What happened to the claims and leases of one node.
package struct RegistryCounters: Sendable, Equatable {
    /// Claims granted.
    package var granted = 0
    /// Claims refused on the word of the owner's node.
    package var refused = 0
    /// Claims that could not be decided in time.
    package var unavailable = 0
    /// Releases answered.
    package var released = 0
    /// Microseconds that granted claims waited, in all.
    package var waited = 0
    /// Changes of the epoch that this node's partitions saw.
    package var epochs = 0
    /// Resync procedures begun.
    package var resyncs = 0
    /// Leases lost.
    package var abandons = 0
    /// Reaping calls sent.
    package var reaps = 0
    /// Connections suspended.
    package var suspensions = 0
    /// Suspended connections that were granted their user again under a new lease.
    package var rejoined = 0
    /// Connections that lost their user with a lease.
    package var lost = 0
    /// Probes begun.
    package var probes = 0
    /// Newcomers that this node refused as an owner.
    package var denials = 0
    /// Entries in which the store and this node differed at a self check. Should stay 0.
    package var differences = 0
    /// First claims held back because their user connects too often.
    package var held = 0

    /// All zero.
    package init() {}

    /// Adds another partition's.
    package mutating func add(_ other: Self) {
        for key in Self.names.keys { self[keyPath: key] += other[keyPath: key] }
    }

    /// By the names that ``RegistryStatus/counters`` uses.
    package var byName: [String: Int] {
        var result: [String: Int] = [:]
        for (key, name) in Self.names { result[name] = self[keyPath: key] }
        return result
    }

    private static var names: [WritableKeyPath<Self, Int>: String] {
        [
            \.granted: "claims_granted", \.refused: "claims_refused", \.unavailable: "claims_unavailable",
            \.released: "releases", \.waited: "claim_wait_microseconds", \.epochs: "epochs", \.resyncs: "resyncs",
            \.abandons: "leases_lost", \.reaps: "reaps", \.suspensions: "suspended", \.rejoined: "rejoined",
            \.lost: "users_lost", \.probes: "probes", \.denials: "denials", \.differences: "differences",
            \.held: "claims_held",
        ]
    }
}
