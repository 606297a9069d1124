// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import Logging
import NIOCore
import SocketIOCodec
import Synchronization
public import UserRegistryCore

/// One client in one namespace.
///
/// A socket belongs to the event loop of its connection: handlers without `await` run there, in the order in which events came.
/// All of its methods may be called on any thread; what is called elsewhere takes effect on the loop, in order.
public final class Socket: Sendable {
    /// 20 characters, public: others may send to it as to a room.
    public let id: String
    /// The namespace.
    public let namespace: Namespace
    /// What the client sent when it connected; later less of it, see ``ServerConfiguration/keepsHandshakes``.
    public var handshake: Handshake { self.storedHandshake.withLock { $0 } }
    private let storedHandshake: Mutex<Handshake>
    /// What the application knows of the connection.
    public let data: SocketData
    /// Whether the client came back to its session: id, rooms and data are as before, and it gets the events that it has missed
    /// (see ``ConnectionStateRecovery``).
    public let recovered: Bool

    let loop: LoopBound<EngineLoop>

    /// Where the socket is in its life.
    enum Phase: UInt8, Comparable {
        /// Middleware runs.
        case handshaking
        /// The registry was asked for the user.
        case claiming
        /// The adapter was asked to confirm the socket's own rooms.
        case joining
        case connected
        /// The gate is shut; the claim is being released.
        case closing
        case closed

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    /// All that belongs to the event loop.
    struct State {
        var phase = Phase.handshaking
        var connection: Connection?
        var member: Int32 = -1
        var user: String?
        var claim: ClaimID?
        var grant = LeaseGrant(partition: 0, incarnation: 0, token: 0)
        var rooms: [RoomMembership] = []
        var listeners: EventTable?
        var extras: SocketExtras?
        /// Only where connection state recovery is on.
        var recovery: SocketRecovery?
        var isSuspended = false
        var nextAcknowledgement: UInt64 = 0
        var isExpirySet = false
        /// The transport changed before the socket was admitted: presence does not know yet.
        var wasUpgradedEarly = false
    }
    /// Safe: only touched on the socket's event loop, which ``onLoop(_:)`` and the debug assertion in ``state`` see to.
    private nonisolated(unsafe) var confined: State

    var state: State {
        @inline(__always) _read {
            self.loop.eventLoop.assertInEventLoop()
            yield self.confined
        }
        @inline(__always) _modify {
            self.loop.eventLoop.assertInEventLoop()
            yield &self.confined
        }
    }

    init(
        namespace: Namespace, handshake: Handshake, connection: Connection,
        recovered: (session: RecoverableSession, position: UInt64)? = nil
    ) {
        self.id = recovered?.session.id ?? connection.makeID(for: namespace)
        self.data = recovered?.session.data ?? SocketData()
        self.recovered = recovered != nil
        self.namespace = namespace
        self.storedHandshake = Mutex(handshake)
        self.loop = connection.loop.bound
        self.confined = State(connection: connection)
        guard namespace.recovery != nil, !connection.isVersion2 else { return }  // Socket.IO 2 knows no recovery
        self.confined.recovery =
            recovered.map { SocketRecovery($0.session, position: $0.position) }
            ?? SocketRecovery(privateID: connection.loop.makeID().description)
    }

    /// Calls `body` on the socket's event loop: now, if that is the present one.
    func onLoop(_ body: @escaping @Sendable (Socket) -> Void) {
        if self.loop.eventLoop.inEventLoop { body(self) } else { self.loop.eventLoop.execute { body(self) } }
    }

    /// Whether the chain of middleware may go on.
    var isConnecting: Bool { self.state.phase == .handshaking }

    /// Whether the client was not told yet that it is connected: it may not send anything then.
    var isBeforeConnect: Bool { self.state.phase < .connected }

    var members: NamespaceMembers { self.namespace.members(on: self.loop.onLoop) }

    /// Seldom needed state, made when it is.
    var extras: SocketExtras {
        if let extras = self.state.extras { return extras }
        let extras = SocketExtras()
        self.state.extras = extras
        return extras
    }

    /// How the connection's packets travel now; nil when it is over.
    public func transport() async -> ServerConfiguration.Transport? {
        await withCheckedContinuation { continuation in
            self.onLoop { socket in
                let name = socket.state.connection?.session.transportName
                continuation.resume(returning: name.flatMap { ServerConfiguration.Transport(rawValue: $0) })
            }
        }
    }

    // MARK: connecting

    /// The middleware has decided.
    func passedMiddleware(_ result: Result<Void, any Error>) {
        guard self.state.phase == .handshaking else { return }
        switch result {
        case .success:
            if self.isOfAnotherUser { return self.startAfresh() }
            guard let admission = self.namespace.admission, let user = admission.user(self) else {
                return self.joinOwnRooms()
            }
            self.state.phase = .claiming
            self.state.user = user
            self.state.claim = admission.registry.claim(
                user: user, details: self.connectionDetails(), connection: self)
        case .failure(let error): self.refuse(error)
        }
    }

    func connectionDetails() -> ConnectionDetails {
        ConnectionDetails(
            sid: self.id, namespace: self.namespace.name, connectedAt: Clock.milliseconds(),
            transport: self.state.connection?.session.transportName ?? "", address: self.handshake.address)
    }

    private func refuse(_ error: any Error) {
        switch error {
        case let error as ConnectError: self.refuse(with: error)
        case let error as TemporaryRefusal: self.state.connection?.closeTransport(code: error.code, .forcedClose)
        case is CancellationError: self.state.connection?.closeTransport(code: "INTERNAL", .forcedClose)
        default:
            self.namespace.server.logger.error(
                "connection middleware failed", metadata: ["sid": "\(self.id)", "error": "\(error)"])
            self.refuse(with: ConnectError("Internal server error", code: "INTERNAL"))
        }
    }

    private func refuse(with error: ConnectError) {
        let code = self.members.count(refusal: error)
        self.namespace.server.refusals.note(self.entry("connection refused", code, error.message))
        self.refuse(by: error)
    }

    /// The registry has refused the user.
    private func refuse(duplicate error: ConnectError) {
        let code = self.members.count(refusal: error)
        self.namespace.server.refusals.note(notable: self.entry("connection refused", code, error.message))
        self.refuse(by: error)
    }

    private func entry(_ message: Logger.Message, _ code: String, _ reason: String) -> RefusalLog.Entry {
        RefusalLog.Entry(
            message: message, code: code, reason: reason, user: self.data.user?.id, address: self.handshake.address)
    }

    private func refuse(by error: ConnectError) {
        self.close(.serverNamespaceDisconnect) { connection, socket in
            connection.sendConnectError(error, namespace: socket.namespace)
        }
    }

    private func joinOwnRooms() {
        self.state.phase = .joining
        guard self.enterRooms(add: { self.state.member = self.members.add(self, grant: self.state.grant) }) else {
            return
        }
        if let user = self.state.user { self.members.join(self, "user:\(user)") }
        self.namespace.adapter.confirm([self.id] + (self.state.user.map { ["user:\($0)"] } ?? [])) { [weak self] in
            self?.onLoop { $0.connected() }
        }
    }

    private func connected() {
        guard self.state.phase == .joining, let connection = self.state.connection else { return }
        self.state.phase = .connected
        self.data.connectedAt = Clock.milliseconds()
        self.members.connectedCount += 1
        if self.recovered { self.sendMissed(connection) }
        connection.sendConnect(self)
        self.applyGrant()  // and what was sent to its rooms meanwhile
        if self.state.wasUpgradedEarly { self.transportChanged() }
        self.namespace.callConnectionHandlers(self)
        if !self.namespace.server.configuration.keepsHandshakes { self.forgetHandshake(connection) }
    }

    private func forgetHandshake(_ connection: Connection) {
        self.storedHandshake.withLock { $0 = $0.reduced }
        connection.session.request = connection.session.request?.reduced
    }

    // MARK: the end

    /// Leaves the namespace: the client gets a DISCONNECT packet and does not come back by itself.
    ///
    /// - Parameter close: also end the connection with all its namespaces.
    public func disconnect(close: Bool = false) {
        self.onLoop { socket in
            if close {
                socket.state.connection?.disconnectAll(.serverNamespaceDisconnect)
            } else {
                socket.disconnect(.serverNamespaceDisconnect)
            }
        }
    }

    /// Leaves on the registry's word.
    private func disconnect(_ reason: DisconnectReason, code: String) {
        guard self.state.phase < .closing else { return }
        self.namespace.server.refusals.note(notable: self.entry("connection closed", code, reason.rawValue))
        self.disconnect(reason)
    }

    /// Leaves with a DISCONNECT packet; a connection without any namespace left is closed.
    func disconnect(_ reason: DisconnectReason) {
        self.close(reason) { connection, socket in
            connection.sendDisconnect(socket.namespace)
            connection.closeIfUnused()
        }
    }

    /// The one way out, from every phase. Shuts the gate first, then releases the claim; `then` is called when the user is free (or
    /// after 200 ms), so that a client that comes back at once does not meet its own claim.
    func close(_ reason: DisconnectReason, then: @escaping @Sendable (Connection, Socket) -> Void = { _, _ in }) {
        let phase = self.state.phase
        guard phase != .closing, phase != .closed else { return }
        self.state.phase = .closing
        if phase == .connected {
            self.members.connectedCount -= 1
            self.namespace.callDisconnectingHandlers(self, reason)
        }
        self.noteRemains(reason, wasConnected: phase == .connected)
        if self.state.member >= 0 { self.members.remove(self) }
        self.releaseReading()
        self.state.extras?.cancelAll()
        if phase == .connected { self.namespace.callDisconnectHandlers(self, reason) }
        self.state.extras = nil
        self.state.listeners = nil
        guard let claim = self.state.claim, let registry = self.namespace.admission?.registry else {
            return self.finishClosing(then)
        }
        registry.release(claim) { self.onLoop { $0.finishClosing(then) } }
    }

    private func finishClosing(_ then: @Sendable (Connection, Socket) -> Void) {
        guard self.state.phase == .closing, let connection = self.state.connection else { return }
        self.state.phase = .closed
        self.state.connection = nil
        self.keepRemains()
        connection.remove(self)
        then(connection, self)
        connection.removed(self)
        self.namespace.server.leave(self.namespace)
    }

    /// Ends the connection when `time` has come (seconds since 1970): the transport is closed, so that the client comes back with
    /// a fresh token.
    public func expire(at time: Int64) {
        self.onLoop { socket in
            guard let connection = socket.state.connection, !socket.state.isExpirySet else { return }
            socket.state.isExpirySet = true
            // What lies further away than a timer can count is not waited for exactly.
            let time = min(time, 1 << 33)
            socket.state.recovery?.expiry = time
            connection.session.scheduleExpiry(after: .milliseconds(max(0, time * 1000 - Clock.milliseconds())))
        }
    }
}

extension Socket: RegistryConnection {
    /// The registry granted the user, or granted it again after a lost lease.
    public func registryGranted(_ grant: LeaseGrant) {
        self.onLoop { socket in
            switch socket.state.phase {
            case .claiming:
                // The answer came before the claim's name: without it the claim could not be released.
                guard socket.state.claim != nil else {
                    return socket.loop.eventLoop.execute { socket.registryGranted(grant) }
                }
                socket.state.grant = grant
                socket.joinOwnRooms()
            case .joining: socket.state.grant = grant
            case .connected:
                socket.state.grant = grant
                socket.applyGrant()
            case .handshaking, .closing, .closed: break
            }
        }
    }

    /// The registry refused the user.
    public func registryRefused(_ refusal: RegistryRefusal) {
        self.onLoop { socket in
            guard socket.state.phase == .claiming, let admission = socket.namespace.admission else { return }
            guard socket.state.claim != nil else {
                return socket.loop.eventLoop.execute { socket.registryRefused(refusal) }
            }
            switch refusal {
            case .duplicate(let since, let retryAfter):
                socket.refuse(duplicate: admission.duplicateError(since, retryAfter))
            case .unavailable:
                socket.state.connection?.closeTransport(code: "REGISTRY_UNAVAILABLE", .registryUnavailable)
            }
        }
    }

    /// Somebody waits for the user: is the client still there?
    public func registryProbes(timeout: Duration, answer: @escaping @Sendable (Bool) -> Void) {
        self.onLoop { socket in
            guard let session = socket.state.connection?.session else { return answer(false) }
            session.probe(timeout: TimeAmount(timeout), answer: answer)
        }
    }

    /// The gate is open again.
    public func registryResumed() {
        self.onLoop { $0.resume() }
    }

    /// The registry wants the connection closed.
    public func registryCloses(_ reason: RegistryCloseReason) {
        self.onLoop { socket in
            switch reason {
            case .replaced: socket.disconnect(.replaced, code: "REPLACED")
            case .kicked: socket.disconnect(.kicked, code: "KICKED")
            case .leaseLost: socket.disconnect(.registryLeaseLost, code: "LEASE_LOST")
            case .probeTimeout: socket.state.connection?.closeTransport(code: "PROBE_TIMEOUT", .probeTimeout)
            case .suspendedTooLong:
                socket.state.connection?.closeTransport(code: "REGISTRY_UNAVAILABLE", .registryUnavailable)
            }
        }
    }
}

extension Socket {
    /// The connection changed to WebSocket: presence shows it.
    func transportChanged() {
        guard self.state.phase == .connected else {
            self.state.wasUpgradedEarly = true
            return
        }
        guard let claim = self.state.claim else { return }
        self.namespace.admission?.registry.update(claim, details: self.connectionDetails())
    }
}
