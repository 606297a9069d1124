// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

// What ``BroadcastOperator`` does, for everyone in the namespace.
extension Namespace {
    /// Everyone in the namespace.
    public var everyone: BroadcastOperator { BroadcastOperator(namespace: self, options: BroadcastOptions()) }

    /// Everyone in these rooms. A socket's id names a room of its own.
    public func to(_ rooms: String...) -> BroadcastOperator { self.everyone.to(rooms) }

    /// Everyone but those in these rooms.
    public func except(_ rooms: String...) -> BroadcastOperator { self.everyone.except(rooms) }

    /// Everyone, asked with this deadline; see ``BroadcastOperator/timeout(_:)``.
    public func timeout(_ timeout: Duration) -> BroadcastOperator { self.everyone.timeout(timeout) }

    /// Sends to every client of the namespace on every node.
    public func emit<each A: Encodable & Sendable>(_ event: String, _ arguments: repeat each A) {
        self.everyone.emit(event, repeat each arguments)
    }

    /// Sends to every client of the namespace on every node, and waits for their acknowledgements; see
    /// ``BroadcastOperator/emitWithAck(_:_:timeout:)``.
    nonisolated(nonsending)
        public func emitWithAck<each A: Encodable & Sendable>(
            _ event: String, _ arguments: repeat each A, timeout: Duration? = nil
        ) async -> ClusterResponses<Arguments>
    {
        await self.everyone.emitWithAck(event, repeat each arguments, timeout: timeout)
    }

    /// All sockets of the namespace on every node; see ``BroadcastOperator/fetchSockets(timeout:)``.
    nonisolated(nonsending) public func fetchSockets(timeout: Duration? = nil) async -> ClusterResponses<RemoteSocket> {
        await self.everyone.fetchSockets(timeout: timeout)
    }

    /// Makes all sockets enter rooms, on every node.
    public func socketsJoin(_ rooms: String...) { self.everyone.socketsJoin(rooms) }

    /// Makes all sockets leave rooms, on every node.
    public func socketsLeave(_ rooms: String...) { self.everyone.socketsLeave(rooms) }

    /// Disconnects all sockets, on every node.
    public func disconnectSockets(close: Bool = false) { self.everyone.disconnectSockets(close: close) }
}
