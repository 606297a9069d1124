// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec

/// What a socket must know so that its client can come back to it. Belongs to the socket's event loop.
final class SocketRecovery {
    /// `pid`: known to the client alone.
    let privateID: String
    /// See ``RecoverableSession/began``.
    var began: UInt64
    /// When the socket is to end, in seconds since 1970.
    var expiry: Int64?
    /// The session that is being recovered, until the client was told.
    var restored: RecoverableSession?
    /// The position behind the last event that the client has seen.
    let position: UInt64
    var missed: [EncodedEvent] = []
    /// What is kept when the socket is gone.
    var remains: RecoverableSession?

    /// A fresh session. It begins when the socket enters its own room.
    init(privateID: String) {
        self.privateID = privateID
        self.began = 0
        self.position = 0
    }

    /// A session that its client came back to.
    init(_ session: RecoverableSession, position: UInt64) {
        self.privateID = session.privateID
        self.began = session.began
        self.expiry = session.expiry
        self.restored = session
        self.position = position
    }
}

extension Socket {
    /// Like ``onLoop(_:)``, for what must keep its place among the events. `body` must not call the application's handlers.
    func inOrder(_ body: @escaping @Sendable (Socket) -> Void) {
        guard !self.loop.eventLoop.inEventLoop, let recovery = self.namespace.recovery else {
            return self.onLoop(body)
        }
        recovery.append(.socket(self, body), only: self.loopIndex)
        self.namespace.work(off: recovery)
    }

    /// Calls `body` on the socket's event loop when the present piece of work is over.
    func afterwards(_ body: @escaping @Sendable (Socket) -> Void) {
        self.loop.eventLoop.execute { body(self) }
    }

    /// The number of the event loop.
    private var loopIndex: Int? {
        self.namespace.parts.firstIndex { $0.eventLoop === self.loop.eventLoop }
    }

    /// Sends an event to this client by way of the log, so that it is not lost with the connection.
    func emitRecoverably(_ event: EncodedEvent, _ recovery: RecoveryLog) {
        recovery.append(event, BroadcastOptions(rooms: [self.id], isLocal: true), only: self.loopIndex)
        self.namespace.work(off: recovery)
    }

    /// The middleware has named another user than the session belongs to.
    var isOfAnotherUser: Bool {
        guard let restored = self.state.recovery?.restored, let admission = self.namespace.admission else {
            return false
        }
        return admission.user(self) != restored.user
    }

    /// The client gets a fresh session; the other one goes on waiting for its own.
    func startAfresh() {
        self.close(.forcedClose) { connection, socket in
            connection.connect(afresh: socket.handshake, in: socket.namespace)
        }
    }

    /// Makes the socket a member, and enters the rooms of a recovered session, right after it was found out what the client has
    /// missed: from now on it gets everything. False: events were forgotten meanwhile, and the connection ends so that the client comes back.
    func enterRooms(add: () -> Void) -> Bool {
        guard let state = self.state.recovery, let recovery = self.namespace.recovery else {
            add()
            return true
        }
        let rooms = state.restored?.rooms ?? []
        while true {
            switch recovery.missed(
                from: state.restored.map { _ in state.position }, rooms: Set(rooms + [self.id]),
                on: self.loop.onLoop.index)
            {
            case .notYet: self.namespace.work(off: recovery)
            case .nothing(let end):
                state.began = end
                add()
                return true
            case .forgotten:
                state.restored = nil
                self.state.connection?.closeTransport(code: "RECOVERY_LOST", .forcedClose)
                return false
            case .events(let events):
                state.missed = events
                add()
                for room in rooms { self.members.join(self, room) }
                return true
            }
        }
    }

    /// The events that a recovered client has missed, before it is told that it is connected, as in the reference.
    func sendMissed(_ connection: Connection) {
        guard let state = self.state.recovery, state.restored != nil else { return }
        for event in state.missed {
            connection.session.send { self.namespace.write(event, into: &$0) }
        }
        state.missed = []
        state.restored = nil
        if let expiry = state.expiry, self.namespace.skipsMiddleware { self.expire(at: expiry) }
    }

    /// Notes what is to be kept, while the socket still has its rooms.
    func noteRemains(_ reason: DisconnectReason, wasConnected: Bool) {
        guard let state = self.state.recovery, reason.isRecoverable else { return }
        if wasConnected {
            state.remains = RecoverableSession(
                id: self.id, privateID: state.privateID, began: state.began, data: self.data,
                rooms: self.state.rooms.map(\.room.name), user: self.state.user, expiry: state.expiry)
        } else {
            state.remains = state.restored
        }
    }

    /// The user is free again: the client may come back to its session.
    func keepRemains() {
        guard let remains = self.state.recovery?.remains else { return }
        self.namespace.recovery?.keep(remains)
        self.state.recovery = nil
    }
}
