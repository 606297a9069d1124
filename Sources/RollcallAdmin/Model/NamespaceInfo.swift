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
