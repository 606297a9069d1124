// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A page of users who are online.
package struct PresencePage: Codable, Hashable, Sendable {
    /// Users online in all, not only on this page.
    package var total: Int
    /// The users of this page. A user who moved during a walk may be on two pages.
    package var items: [PresenceItem]
    /// What to ask for next; nil on the last page.
    package var cursor: String?
    /// The registry is being rebuilt after a loss: users may be missing for a while.
    package var recovering: Bool

    /// A page.
    package init(total: Int, items: [PresenceItem], cursor: String?, recovering: Bool) {
        self.total = total
        self.items = items
        self.cursor = cursor
        self.recovering = recovering
    }

    /// Writes `"cursor":null` on the last page, where synthesized code would leave the member out.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.total, forKey: .total)
        try container.encode(self.items, forKey: .items)
        try container.encode(self.cursor, forKey: .cursor)
        try container.encode(self.recovering, forKey: .recovering)
    }
}

/// One user who is online.
package struct PresenceItem: Codable, Hashable, Sendable {
    /// The user id.
    package var user: String
    /// The connections that the registry holds for the user.
    package var connections: [PresenceConnection]

    /// A user with connections.
    package init(user: String, connections: [PresenceConnection]) {
        self.user = user
        self.connections = connections
    }
}

/// One connection of a user, as last known to the registry.
package struct PresenceConnection: Codable, Hashable, Sendable {
    /// The session id.
    package var sid: String
    /// The id of the node that holds the connection.
    package var node: String
    /// The namespace.
    package var namespace: String
    /// When the user was admitted.
    package var connectedAt: AdminTime
    /// `websocket` or `polling`.
    package var transport: String
    /// The client's address.
    package var address: String

    /// A connection.
    package init(
        sid: String, node: String, namespace: String, connectedAt: AdminTime, transport: String, address: String
    ) {
        self.sid = sid
        self.node = node
        self.namespace = namespace
        self.connectedAt = connectedAt
        self.transport = transport
        self.address = address
    }
}
