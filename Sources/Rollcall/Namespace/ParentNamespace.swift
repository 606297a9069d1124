// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import SocketIOCodec
import Synchronization

/// Namespaces that come with their first client, see ``SocketIOServer/of(matching:admission:)``: what is set up here, each of them
/// has from its beginning.
///
/// Set it up before the server runs; what is added later counts for children that are made later.
public final class ParentNamespace: NamespaceProtocol {
    private let server: SocketIOServer
    private let admission: Admission?
    private let makeAdapter: @Sendable (String) -> any Adapter
    let takes: @Sendable (_ name: String, _ auth: SocketValue) -> Bool
    private let stored = Mutex((setup: NamespaceSetup(), listeners: EventTable()))

    init(
        server: SocketIOServer, admission: Admission?, makeAdapter: @escaping @Sendable (String) -> any Adapter,
        takes: @escaping @Sendable (_ name: String, _ auth: SocketValue) -> Bool
    ) {
        self.server = server
        self.admission = admission
        self.makeAdapter = makeAdapter
        self.takes = takes
    }

    /// What a child is made from: the handlers as they are now.
    struct Blueprint {
        fileprivate let parent: ParentNamespace
        fileprivate let setup: NamespaceSetup
        fileprivate let listeners: EventTable

        func make(_ name: String) -> Namespace {
            Namespace(
                name: name, server: self.parent.server, admission: self.parent.admission,
                adapter: self.parent.makeAdapter(name), loops: self.parent.server.engine.loops, parent: self.parent,
                setup: self.setup, listeners: self.listeners)
        }
    }

    var blueprint: Blueprint {
        self.stored.withLock { Blueprint(parent: self, setup: $0.setup, listeners: $0.listeners) }
    }

    /// Those that are there now on this node, in no order.
    public var children: [Namespace] { self.server.namespaces.withLock { $0.children(of: self) } }

    // MARK: handlers

    /// Changes what connections pass from now on. Called by the methods of the library.
    public func update(_ change: (inout NamespaceSetup) -> Void) {
        self.stored.withLock { change(&$0.setup) }
    }

    /// Listens to an event of every socket. Called by the methods of the library.
    public func add(_ listener: EventListener) {
        self.stored.withLock { $0.listeners.add(listener.event, listener.body) }
    }

    // MARK: broadcasting

    /// Everyone in the children that this node has. Clients of a child that only other nodes have are not reached, as with the
    /// reference.
    public var everyone: ParentBroadcastOperator {
        ParentBroadcastOperator(parent: self, options: BroadcastOptions())
    }

    /// Those of ``everyone`` who are in these rooms.
    public func to(_ rooms: String...) -> ParentBroadcastOperator { self.everyone.to(rooms) }

    /// ``everyone`` but those who are in these rooms.
    public func except(_ rooms: String...) -> ParentBroadcastOperator { self.everyone.except(rooms) }

    /// Sends to ``everyone``.
    public func emit<each A: Encodable & Sendable>(_ event: String, _ arguments: repeat each A) {
        self.everyone.emit(event, repeat each arguments)
    }
}
