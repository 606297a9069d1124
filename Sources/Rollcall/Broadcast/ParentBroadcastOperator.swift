// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Chooses the recipients of a broadcast to the children of a ``ParentNamespace``. A value: each step returns a new one.
///
/// Only sends: what asks or commands is done to one of the ``ParentNamespace/children``.
public struct ParentBroadcastOperator: Sendable {
    private let parent: ParentNamespace
    private var options: BroadcastOptions

    init(parent: ParentNamespace, options: BroadcastOptions) {
        self.parent = parent
        self.options = options
    }

    /// Adds rooms: each recipient is in at least one.
    public func to(_ rooms: String...) -> ParentBroadcastOperator { self.to(rooms) }

    /// Adds rooms: each recipient is in at least one.
    public func to(_ rooms: [String]) -> ParentBroadcastOperator {
        var copy = self
        copy.options.rooms += rooms.filter { !copy.options.rooms.contains($0) }
        return copy
    }

    /// Leaves out those who are in these rooms.
    public func except(_ rooms: String...) -> ParentBroadcastOperator { self.except(rooms) }

    /// Leaves out those who are in these rooms.
    public func except(_ rooms: [String]) -> ParentBroadcastOperator {
        var copy = self
        copy.options.except += rooms
        return copy
    }

    /// This node's clients only.
    public var local: ParentBroadcastOperator {
        var copy = self
        copy.options.isLocal = true
        return copy
    }

    /// Drops the event for clients that cannot take it now.
    public var volatile: ParentBroadcastOperator {
        var copy = self
        copy.options.isVolatile = true
        return copy
    }

    /// Sends the event.
    public func emit<each A: Encodable & Sendable>(_ event: String, _ arguments: repeat each A) {
        let children = self.parent.children
        guard let encoded = children.first?.encode(event, repeat each arguments) else { return }
        for child in children { child.broadcast(encoded, self.options) }
    }

    /// Sends an event whose arguments are passed on as they came.
    public func emit(_ event: String, passing arguments: Arguments) {
        let children = self.parent.children
        guard children.first?.mayEmit(event) == true else { return }
        let encoded = EncodedEvent(event, arguments)
        for child in children { child.broadcast(encoded, self.options) }
    }
}
