// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The node.
package enum Node {
    /// Runs a node until it is told to stop.
    package static func run(_ configuration: NodeConfiguration) async throws {}

    /// Creates the registry of a new cluster, so that its first clients need not wait for the recovery window.
    package static func initializeRegistry(_ configuration: NodeConfiguration) async throws {}
}
