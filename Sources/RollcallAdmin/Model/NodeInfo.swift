// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One node of the cluster.
package struct NodeInfo: Codable, Hashable, Sendable {
    /// The node id.
    package var id: String
    /// Where its Socket.IO listener is, as the node announces it.
    package var address: String
    /// When this incarnation started.
    package var started: AdminTime
    /// The version of the software.
    package var version: String
    /// Connections it holds.
    package var connections: Int
    /// Users it holds.
    package var users: Int
    /// Milliseconds until its lease ends unless renewed; nil without a registry in Redis.
    package var leaseLeftMs: Int?
    /// Whether it lets its clients go and takes no new ones.
    package var draining: Bool
    /// What its session ids begin with, for balancers that route by `sid`.
    package var sidPrefix: String
    /// Whether this is the node that answers.
    package var local: Bool

    /// A node.
    package init(
        id: String, address: String, started: AdminTime, version: String, connections: Int, users: Int,
        leaseLeftMs: Int?, draining: Bool, sidPrefix: String, local: Bool
    ) {
        self.id = id
        self.address = address
        self.started = started
        self.version = version
        self.connections = connections
        self.users = users
        self.leaseLeftMs = leaseLeftMs
        self.draining = draining
        self.sidPrefix = sidPrefix
        self.local = local
    }

    /// Writes `"leaseLeftMs":null` where there is no lease.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.id, forKey: .id)
        try container.encode(self.address, forKey: .address)
        try container.encode(self.started, forKey: .started)
        try container.encode(self.version, forKey: .version)
        try container.encode(self.connections, forKey: .connections)
        try container.encode(self.users, forKey: .users)
        try container.encode(self.leaseLeftMs, forKey: .leaseLeftMs)
        try container.encode(self.draining, forKey: .draining)
        try container.encode(self.sidPrefix, forKey: .sidPrefix)
        try container.encode(self.local, forKey: .local)
    }
}
