// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import UserRegistryCore

/// The names of one partition's keys and channels. All keys of a partition share a hash tag.
struct PartitionKeys: Sendable {
    let meta: String
    let leases: String
    let claims: String
    let waiters: String
    let events: String
    private let tag: String

    init(prefix: String, scope: String, partition: Int, of partitions: Int) {
        self.tag =
            "{" + UserPartition.tag(prefix: prefix, scope: scope, partition: partition, of: partitions) + "}"
        self.meta = self.tag + ":m"
        self.leases = self.tag + ":l"
        self.claims = self.tag + ":c"
        self.waiters = self.tag + ":w"
        self.events = self.tag + ":ev"
    }

    /// The users of an incarnation.
    func index(of incarnation: String) -> String { self.tag + ":n:" + incarnation }

    /// Where an incarnation is told what concerns it.
    func control(of incarnation: String) -> String { self.tag + ":ctl:" + incarnation }

    /// The keys that exist in every registry.
    var fixed: [String] { [self.meta, self.leases, self.claims, self.waiters] }

    /// The key with the constants of a registry.
    static func configuration(prefix: String, scope: String) -> String { "{\(prefix):\(scope)}:cfg" }

    /// The keys of all partitions.
    static func all(prefix: String, scope: String, partitions: Int) -> [PartitionKeys] {
        (0..<partitions).map { PartitionKeys(prefix: prefix, scope: scope, partition: $0, of: partitions) }
    }
}
