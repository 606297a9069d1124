// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Whom a broadcast means.
public struct BroadcastOptions: Sendable, Hashable {
    /// Those in any of these rooms; empty: everyone.
    public var rooms: [String]
    /// But not those in any of these.
    public var except: [String]
    /// On this node only.
    public var isLocal: Bool
    /// Dropped for clients that cannot take it now.
    public var isVolatile: Bool

    /// Memberwise.
    public init(rooms: [String] = [], except: [String] = [], isLocal: Bool = false, isVolatile: Bool = false) {
        self.rooms = rooms
        self.except = except
        self.isLocal = isLocal
        self.isVolatile = isVolatile
    }
}

/// Chooses the recipients of a broadcast. A value: each step returns a new one.
///
/// ```swift
/// io.to("room").except("muted").emit("news", 1, "two")
/// ```
public struct BroadcastOperator: Sendable {
    let namespace: Namespace
    var options: BroadcastOptions
    /// How long answers are waited for. The default is that of the reference's adapter.
    private var deadline = Duration.seconds(5)

    init(namespace: Namespace, options: BroadcastOptions) {
        self.namespace = namespace
        self.options = options
    }

    /// Adds rooms: each recipient is in at least one.
    public func to(_ rooms: String...) -> BroadcastOperator { self.to(rooms) }

    /// Adds rooms: each recipient is in at least one.
    public func to(_ rooms: [String]) -> BroadcastOperator {
        var copy = self
        copy.options.rooms += rooms.filter { !copy.options.rooms.contains($0) }
        return copy
    }

    /// Leaves out those who are in these rooms.
    public func except(_ rooms: String...) -> BroadcastOperator { self.except(rooms) }

    /// Leaves out those who are in these rooms.
    public func except(_ rooms: [String]) -> BroadcastOperator {
        var copy = self
        copy.options.except += rooms
        return copy
    }

    /// This node's clients only.
    public var local: BroadcastOperator {
        var copy = self
        copy.options.isLocal = true
        return copy
    }

    /// Drops the event for clients that cannot take it now.
    public var volatile: BroadcastOperator {
        var copy = self
        copy.options.isVolatile = true
        return copy
    }

    /// Sends the event.
    public func emit<each A: Encodable & Sendable>(_ event: String, _ arguments: repeat each A) {
        guard let encoded = self.namespace.encode(event, repeat each arguments) else { return }
        self.namespace.broadcast(encoded, self.options)
    }

    /// Sends an event whose arguments are passed on as they came.
    public func emit(_ event: String, passing arguments: Arguments) {
        guard self.namespace.mayEmit(event) else { return }
        self.namespace.broadcast(EncodedEvent(event, arguments), self.options)
    }

    /// Sends an event that is encoded already.
    package func emit(_ event: EncodedEvent) { self.namespace.broadcast(event, self.options) }

    // MARK: asking

    /// How long ``emitWithAck(_:_:timeout:)`` and ``fetchSockets(timeout:)`` wait where they are not told: 5 s by default.
    public func timeout(_ timeout: Duration) -> BroadcastOperator {
        var copy = self
        copy.deadline = timeout
        return copy
    }

    /// Sends the event and waits for the acknowledgements of all recipients, on every node.
    ///
    /// - Parameter timeout: one hour at most.
    /// - Returns: what came in time. Other servers pass on the first argument of each acknowledgement only.
    nonisolated(nonsending)
        public func emitWithAck<each A: Encodable & Sendable>(
            _ event: String, _ arguments: repeat each A, timeout: Duration? = nil
        ) async -> ClusterResponses<Arguments>
    {
        guard let encoded = self.namespace.encode(event, repeat each arguments) else { return ClusterResponses() }
        return await self.namespace.emitWithAck(encoded, self.options, timeout: timeout ?? self.deadline)
    }

    /// The recipients, on every node.
    ///
    /// ```swift
    /// for socket in await io.to("room").fetchSockets() where socket.user?.id == "ada" { socket.disconnect() }
    /// ```
    ///
    /// - Parameter timeout: one hour at most.
    nonisolated(nonsending) public func fetchSockets(timeout: Duration? = nil) async -> ClusterResponses<RemoteSocket> {
        await self.namespace.fetchSockets(self.options, timeout: timeout ?? self.deadline)
    }

    // MARK: commanding

    /// Makes the recipients enter rooms, on every node.
    public func socketsJoin(_ rooms: String...) { self.socketsJoin(rooms) }

    /// Makes the recipients enter rooms, on every node.
    public func socketsJoin(_ rooms: [String]) {
        self.namespace.forEachLocalSocket(self.options) { $0.join(rooms) }
        if !self.options.isLocal { self.namespace.adapter.publish(.join(rooms), self.options) }
    }

    /// Makes the recipients leave rooms, on every node.
    public func socketsLeave(_ rooms: String...) { self.socketsLeave(rooms) }

    /// Makes the recipients leave rooms, on every node.
    public func socketsLeave(_ rooms: [String]) {
        self.namespace.forEachLocalSocket(self.options) { socket in for room in rooms { socket.leave(room) } }
        if !self.options.isLocal { self.namespace.adapter.publish(.leave(rooms), self.options) }
    }

    /// Disconnects the recipients, on every node.
    public func disconnectSockets(close: Bool = false) {
        self.namespace.forEachLocalSocket(self.options) { socket in
            guard socket.namespace.recovery != nil else { return socket.disconnect(close: close) }
            // Not within what keeps events in order: it may be the turn of this while another handler runs.
            socket.afterwards { $0.disconnect(close: close) }
        }
        if !self.options.isLocal { self.namespace.adapter.publish(.disconnect(close: close), self.options) }
    }
}
