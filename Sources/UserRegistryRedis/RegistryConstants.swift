// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import UserRegistryCore

/// What all nodes of a registry must agree on, as it stands in the registry's configuration key.
struct RegistryConstants: Sendable, Equatable, CustomStringConvertible {
    var partitions: Int
    /// Milliseconds.
    var lease: Int64
    /// The largest clock step in milliseconds.
    var step: Int64
    var version: Int

    init(partitions: Int, timing: RegistryTiming) {
        self.partitions = partitions
        self.lease = timing.lease.wholeMilliseconds
        self.step = timing.step.wholeMilliseconds
        self.version = RegistryScript.version
    }

    /// Reads what ``text`` wrote; nil for anything else.
    init?(_ text: String) {
        let words = text.split(separator: " ").map { Int64($0) }
        guard words.count == 4, let partitions = words[0], let lease = words[1], let step = words[2],
            let version = words[3], 1...Int64(LeaseGate.maximumPartitions) ~= partitions, lease > 0, step > 0
        else { return nil }
        self.partitions = Int(partitions)
        self.lease = lease
        self.step = step
        self.version = Int(version)
    }

    var text: String { "\(self.partitions) \(self.lease) \(self.step) \(self.version)" }

    var description: String {
        "\(self.partitions) partitions, lease \(self.lease) ms, clock step \(self.step) ms, scripts \(self.version)"
    }
}
