// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A namespace of this node.
package struct NamespaceInfo: Codable, Hashable, Sendable {
    /// Its name, beginning with `/`.
    package var name: String
    /// Sockets connected to it on this node.
    package var connections: Int
    /// Rooms that have a member on this node.
    package var rooms: Int

    /// A namespace with its counts.
    package init(name: String, connections: Int, rooms: Int) {
        self.name = name
        self.connections = connections
        self.rooms = rooms
    }
}

/// A room of this node.
package struct RoomInfo: Codable, Hashable, Sendable {
    /// Its name.
    package var name: String
    /// Members on this node.
    package var connections: Int

    /// A room with its count.
    package init(name: String, connections: Int) {
        self.name = name
        self.connections = connections
    }
}

/// A page of the rooms of one namespace on this node.
package struct RoomPage: Codable, Hashable, Sendable {
    /// Rooms in all.
    package var total: Int
    /// The rooms of this page.
    package var items: [RoomInfo]
    /// What to ask for next; nil on the last page.
    package var cursor: String?

    /// A page.
    package init(total: Int, items: [RoomInfo], cursor: String?) {
        self.total = total
        self.items = items
        self.cursor = cursor
    }

    /// Writes `"cursor":null` on the last page.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.total, forKey: .total)
        try container.encode(self.items, forKey: .items)
        try container.encode(self.cursor, forKey: .cursor)
    }
}

/// A list that is always whole, in the shape of the paged ones.
struct WholeList<Item: Encodable>: Encodable {
    var items: [Item]

    private enum CodingKeys: String, CodingKey {
        case total, items, cursor
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.items.count, forKey: .total)
        try container.encode(self.items, forKey: .items)
        try container.encodeNil(forKey: .cursor)
    }
}
