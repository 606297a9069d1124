// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension Socket {
    /// Enters rooms. Takes effect on this node at once; `confirmed` is called when the cluster's messages for them arrive here, too.
    public func join(_ rooms: [String], confirmed: @escaping @Sendable () -> Void = {}) {
        self.inOrder { socket in
            guard socket.state.phase == .connected || socket.state.phase == .joining else { return }
            for room in rooms { socket.members.join(socket, room) }
            let isNested = socket.namespace.recovery != nil
            socket.namespace.adapter.confirm(rooms) {
                if isNested { socket.afterwards { _ in confirmed() } } else { socket.onLoop { _ in confirmed() } }
            }
        }
    }

    /// Enters a room, see ``join(_:confirmed:)-([String],_)``.
    public func join(_ room: String, confirmed: @escaping @Sendable () -> Void = {}) {
        self.join([room], confirmed: confirmed)
    }

    /// Leaves a room.
    public func leave(_ room: String) {
        self.inOrder { socket in
            guard room != socket.id else { return }
            socket.members.leave(socket, room)
        }
    }

    /// The rooms that the socket is in, its own id included.
    public func rooms() async -> Set<String> {
        await withCheckedContinuation { continuation in
            self.onLoop { continuation.resume(returning: $0.currentRooms) }
        }
    }

    /// The same, on the socket's event loop.
    package var currentRooms: Set<String> {
        guard self.state.member >= 0 else { return [] }
        return Set(self.state.rooms.map(\.room.name) + [self.id])
    }

    /// Everyone in these rooms but this socket.
    public func to(_ rooms: String...) -> BroadcastOperator {
        self.broadcast.to(rooms)
    }

    /// Everyone in the namespace but this socket.
    public var broadcast: BroadcastOperator {
        BroadcastOperator(namespace: self.namespace, options: BroadcastOptions(except: [self.id]))
    }
}
