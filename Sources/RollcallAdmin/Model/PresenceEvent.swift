// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A user came or went.
package struct PresenceEvent: Hashable, Sendable {
    /// What happened.
    package enum Kind: String, Sendable {
        /// The user came online, or moved to another node.
        case join
        /// The user went offline.
        case leave
        /// Events may have been lost: list again.
        case reset
    }

    /// What happened.
    package var kind: Kind
    /// The user; empty for a reset.
    package var user: String
    /// The node that holds or held the user, where it is known.
    package var node: String?
    /// When.
    package var time: AdminTime

    /// A join or a leave.
    package init(kind: Kind, user: String, node: String?, time: AdminTime) {
        self.kind = kind
        self.user = user
        self.node = node
        self.time = time
    }

    /// Readers have to list again, because the source of the events had a gap.
    package static func reset(time: AdminTime) -> PresenceEvent {
        PresenceEvent(kind: .reset, user: "", node: nil, time: time)
    }
}

extension PresenceEvent: Encodable {
    private enum CodingKeys: String, CodingKey {
        case user, node, time
    }

    /// The data of a server-sent event; its kind is the event's name.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if self.kind != .reset {
            try container.encode(self.user, forKey: .user)
            try container.encode(self.node, forKey: .node)
        }
        try container.encode(self.time, forKey: .time)
    }
}
