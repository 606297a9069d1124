// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A page of the rooms of one namespace on this node.
package typealias RoomPage = ListPage<RoomInfo>

/// A page of a list.
package struct ListPage<Item: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    /// Items in all.
    package var total: Int
    /// The items of this page.
    package var items: [Item]
    /// What to ask for next; nil on the last page.
    package var cursor: String?

    /// A page.
    package init(total: Int, items: [Item], cursor: String?) {
        self.total = total
        self.items = items
        self.cursor = cursor
    }

    /// The only page of a list that is always whole.
    init(whole items: [Item]) {
        self.init(total: items.count, items: items, cursor: nil)
    }

    /// Writes `"cursor":null` on the last page.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.total, forKey: .total)
        try container.encode(self.items, forKey: .items)
        try container.encode(self.cursor, forKey: .cursor)
    }
}
