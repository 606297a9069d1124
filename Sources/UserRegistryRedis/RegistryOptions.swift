// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Logging
import UserRegistryCore

/// What a registry was made with.
struct RegistryOptions: Sendable {
    let prefix: String
    let scope: String
    let nodeID: String
    let policy: DuplicatePolicy
    let timing: RegistryTiming
    let constants: RegistryConstants
    let keys: [PartitionKeys]
    /// Random; begins the names of this process's incarnations.
    let instance: String
    let claimWait: UInt64
    let logger: Logger
    private let nodeInfo: @Sendable () -> String

    /// The longest text about a node.
    private static let maximumInfo = 4_096

    init(
        prefix: String, scope: String, nodeID: String, policy: DuplicatePolicy, timing: RegistryTiming, partitions: Int,
        nodeInfo: @escaping @Sendable () -> String, logger: Logger
    ) {
        self.prefix = prefix
        self.scope = scope
        self.nodeID = RecordInfo.clean(nodeID, upTo: 64)
        self.policy = policy
        self.timing = timing
        let partitions = max(1, min(partitions, LeaseGate.maximumPartitions))
        self.constants = RegistryConstants(partitions: partitions, timing: timing)
        self.keys = PartitionKeys.all(prefix: prefix, scope: scope, partitions: partitions)
        self.instance = Self.makeInstance()
        self.claimWait = timing.claimWait.wholeNanoseconds
        self.nodeInfo = nodeInfo
        self.logger = logger
    }

    /// What the store is told about this node: its id, this process, and the node's own words.
    func describeNode() -> String {
        [self.nodeID, self.instance, RecordInfo.clean(self.nodeInfo(), upTo: Self.maximumInfo)]
            .joined(separator: "\u{1F}")
    }

    /// Undoes ``describeNode()``.
    static func parseNode(_ text: String) -> (id: String, instance: String, info: String) {
        let parts = text.split(separator: "\u{1F}", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        return (parts[0], parts.count > 1 ? parts[1] : "", parts.count > 2 ? parts[2] : "")
    }

    /// Ten characters of base 62: about 60 random bits.
    private static func makeInstance() -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return String((0..<10).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
    }
}
