// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import SocketIOCodec

/// A socket somewhere in the cluster, as it was when it was asked for (see ``BroadcastOperator/fetchSockets(timeout:)``).
/// What is done to it finds it by its id, wherever it is.
public struct RemoteSocket: Sendable {
    /// 20 characters; names a room, too.
    public let id: String
    /// What the client sent when it connected. Other servers tell headers by name in lower case, those of equal names joined.
    public let handshake: Handshake
    /// The rooms that it was in, its own id included.
    public let rooms: Set<String>
    /// What the application knows of the connection: `user` (with `id` and `claims`) and `connectedAt` (milliseconds since
    /// 1970); on Node.js servers all of `socket.data`.
    public let data: SocketValue
    /// The room with nobody but this socket.
    private let room: BroadcastOperator

    /// A socket that another server described.
    package init(id: String, handshake: Handshake, rooms: Set<String>, data: SocketValue, namespace: Namespace) {
        self.id = id
        self.handshake = handshake
        self.rooms = rooms
        self.data = data
        self.room = namespace.to(id)
    }

    /// A socket of this server, on its event loop. Nil while it is still connecting.
    package init?(_ socket: Socket) {
        guard let connectedAt = socket.data.connectedAt else { return nil }
        var data: [String: SocketValue] = ["connectedAt": .int(connectedAt)]
        if let user = socket.data.user { data["user"] = ["id": .string(user.id), "claims": user.claims] }
        self.init(
            id: socket.id, handshake: socket.handshake, rooms: socket.currentRooms, data: .object(data),
            namespace: socket.namespace)
    }

    /// The user that the connection was admitted for, if ``data`` names one.
    public var user: User? {
        guard let user = self.data["user"], let id = user["id"]?.stringValue else { return nil }
        return User(id: id, claims: user["claims"] ?? [:])
    }

    /// Sends an event to this client.
    public func emit<each A: Encodable & Sendable>(_ event: String, _ arguments: repeat each A) {
        self.room.emit(event, repeat each arguments)
    }

    /// Sends an event and waits for the client's acknowledgement.
    ///
    /// - Throws: ``AcknowledgementError``, or what decoding the acknowledgement's first argument throws.
    nonisolated(nonsending)
        public func emitWithAck<each A: Encodable & Sendable, R: Decodable & Sendable>(
            _ event: String, _ arguments: repeat each A, timeout: Duration, as type: R.Type = R.self
        ) async throws -> R
    {
        let responses = await self.room.emitWithAck(event, repeat each arguments, timeout: timeout)
        if let response = responses.first { return try response.decode(type, at: 0) }
        throw responses.isComplete ? AcknowledgementError.disconnected : AcknowledgementError.timeout
    }

    /// Makes it enter rooms.
    public func join(_ rooms: String...) { self.room.socketsJoin(rooms) }

    /// Makes it leave rooms.
    public func leave(_ rooms: String...) { self.room.socketsLeave(rooms) }

    /// Makes it leave the namespace.
    ///
    /// - Parameter close: also end the connection with all its namespaces.
    public func disconnect(close: Bool = false) { self.room.disconnectSockets(close: close) }
}
