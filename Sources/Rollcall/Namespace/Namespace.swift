// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import Logging
import NIOCore
import SocketIOCodec
import Synchronization
import UserRegistryCore

/// A channel of communication with middleware, handlers, rooms and sockets of its own: `/`, `/chat`, ….
///
/// Set it up before the server runs; what is added later counts for events and connections that come later.
public final class Namespace: NamespaceProtocol {
    /// With a leading slash.
    public let name: String
    let server: SocketIOServer
    let adapter: any Adapter
    /// What stands before a packet's id: nothing for `/`, else `/name,`.
    let wirePrefix: [UInt8]
    /// Nil for the default parser.
    let encoder: PacketEncoder?
    let parts: [LoopBound<NamespaceMembers>]

    private let setup: Mutex<NamespaceSetup>
    /// Whose child it is, if it is a dynamic one.
    let parent: ParentNamespace?
    let admission: Admission?
    /// Nil: connection state recovery is off.
    let recovery: RecoveryLog?

    /// The registry's gate, if users are admitted through one.
    var gate: LeaseGate? { self.admission?.registry.gate }

    init(
        name: String, server: SocketIOServer, admission: Admission?, adapter: any Adapter,
        loops: [LoopBound<EngineLoop>], parent: ParentNamespace? = nil, setup: NamespaceSetup = NamespaceSetup(),
        listeners: EventTable = EventTable()
    ) {
        self.name = name
        self.parent = parent
        self.setup = Mutex(setup)
        self.server = server
        self.adapter = adapter
        self.admission = admission
        self.wirePrefix = name == "/" ? [] : Array("\(name),".utf8)
        self.encoder = PacketEncoder(server.configuration.parser, namespace: name)
        let gate = admission?.registry.gate
        self.parts = loops.map { loop in
            LoopBound(
                NamespaceMembers(loop: loop.unchecked, gate: gate, adapter: adapter, listeners: listeners),
                on: loop.eventLoop)
        }
        self.recovery = Self.makeRecovery(name: name, server, adapter, loops)
        adapter.attach(to: self)
    }

    func members(on loop: EngineLoop) -> NamespaceMembers { self.parts[loop.index].onLoop }

    // MARK: handlers

    /// Changes what connections pass from now on. Called by the methods of the library.
    public func update(_ change: (inout NamespaceSetup) -> Void) { self.setup.withLock { change(&$0) } }

    var middleware: [Middleware] { self.setup.withLock { $0.middleware } }

    func callConnectionHandlers(_ socket: Socket) {
        for handler in self.setup.withLock({ $0.connection }) { handler(socket) }
    }

    func callDisconnectingHandlers(_ socket: Socket, _ reason: DisconnectReason) {
        for handler in self.setup.withLock({ $0.disconnecting }) { handler(socket, reason) }
    }

    func callDisconnectHandlers(_ socket: Socket, _ reason: DisconnectReason) {
        for handler in self.setup.withLock({ $0.disconnect }) { handler(socket, reason) }
    }

    // MARK: events

    /// Listens to an event of every socket. Called by the methods of the library.
    public func add(_ listener: EventListener) {
        for part in self.parts { part.execute { $0.listeners.add(listener.event, listener.body) } }
    }

    private static let reserved: Set<String> = [
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    ]

    func mayEmit(_ event: String) -> Bool {
        guard Self.reserved.contains(event) else { return true }
        self.server.logger.error("reserved event name", metadata: ["event": "\(event)"])
        return false
    }

    func encode<each A: Encodable>(_ event: String, _ arguments: repeat each A) -> EncodedEvent? {
        guard self.mayEmit(event) else { return nil }
        do {
            return try EncodedEvent(event, repeat each arguments)
        } catch {
            self.server.logger.error("cannot encode an event", metadata: ["event": "\(event)", "error": "\(error)"])
            return nil
        }
    }

    // MARK: broadcasting

    /// Serves this node's clients first, then tells the other nodes.
    package func broadcast(_ event: EncodedEvent, _ options: BroadcastOptions) {
        self.deliverLocally(event, options)
        if !options.isLocal { self.adapter.publish(event, options) }
    }

    /// To this node's clients only: what an adapter does with another node's message.
    package func deliverLocally(_ event: EncodedEvent, _ options: BroadcastOptions) {
        if let recovery = self.recovery, !options.isVolatile {
            recovery.append(event, options)
            return self.work(off: recovery)
        }
        if self.parts.count == 1, let only = self.parts.first, only.eventLoop.inEventLoop {
            only.onLoop.broadcasts += 1
            return only.onLoop.deliver(event, in: self, options)
        }
        self.onEveryLoop { members, isFirst in
            if isFirst { members.broadcasts += 1 }
            members.deliver(event, in: self, options)
        }
    }

    /// Calls `body` on every event loop, where all calls of one thread keep their order: what is done to sockets and what is sent
    /// to them never overtake each other.
    func onEveryLoop(_ body: @escaping @Sendable (NamespaceMembers, _ isFirst: Bool) -> Void) {
        if let recovery = self.recovery {
            recovery.append(.everywhere(body))
            return self.work(off: recovery)
        }
        guard let here = self.parts.first(where: { $0.eventLoop.inEventLoop }) else {
            guard let first = self.parts.first else { return }
            // Always by way of the same loop: messages of one sender keep their order.
            return first.eventLoop.execute { self.onEveryLoop(body) }
        }
        let loop = here.onLoop.loop
        body(here.onLoop, true)
        for (index, part) in self.parts.enumerated() where index != loop.index {
            loop.enqueue(on: self.server.engine.loops[index]) { _ in body(part.onLoop, false) }
        }
    }

    // MARK: local queries, for adapters and the admin endpoint

    /// This node's sockets that the options mean; `body` runs on each socket's event loop.
    package func forEachLocalSocket(_ options: BroadcastOptions, _ body: @escaping @Sendable (Socket) -> Void) {
        self.onEveryLoop { members, _ in for socket in members.sockets(options) { body(socket) } }
    }

    /// This node's rooms and how many sockets are in each; a socket's own room is not counted as one.
    package func localRooms() async -> [String: Int] {
        var all: [String: Int] = [:]
        for part in self.parts {
            let some = try? await part.eventLoop.submit { part.onLoop.rooms.mapValues(\.members.count) }.get()
            all.merge(some ?? [:], uniquingKeysWith: +)
        }
        return all
    }

    /// What this namespace counted on all loops.
    package func counters() async -> NamespaceCounters {
        var sum = NamespaceCounters()
        for part in self.parts {
            let some = try? await part.eventLoop.submit { NamespaceCounters(part.onLoop) }.get()
            if let some { sum.add(some) }
        }
        return sum
    }
}

/// What one namespace counted.
package struct NamespaceCounters: Sendable {
    package var connected = 0
    package var rooms = 0
    package var eventsReceived = 0
    package var eventsFailed = 0
    package var broadcasts = 0
    package var connectErrors: [String: Int] = [:]

    init() {}

    init(_ members: NamespaceMembers) {
        self.connected = members.connectedCount
        self.rooms = members.rooms.count
        self.eventsReceived = members.eventsReceived
        self.eventsFailed = members.eventsFailed
        self.broadcasts = members.broadcasts
        self.connectErrors = members.connectErrors
    }

    mutating func add(_ other: NamespaceCounters) {
        self.connected += other.connected
        self.rooms += other.rooms
        self.eventsReceived += other.eventsReceived
        self.eventsFailed += other.eventsFailed
        self.broadcasts += other.broadcasts
        self.connectErrors.merge(other.connectErrors, uniquingKeysWith: +)
    }
}
