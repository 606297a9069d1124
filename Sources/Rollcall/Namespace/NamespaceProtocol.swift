// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Where middleware and handlers are put: a ``Namespace``, or a ``ParentNamespace`` for all of its children. There are no others.
public protocol NamespaceProtocol: AnyObject, Sendable {
    /// Changes what connections pass from now on. Called by the methods of the library.
    func update(_ change: (inout NamespaceSetup) -> Void)

    /// Listens to an event of every socket. Called by the methods of the library.
    func add(_ listener: EventListener)
}

/// What connections to a namespace pass, and who is told of them.
public struct NamespaceSetup: Sendable {
    var middleware: [Middleware] = []
    var connection: [@Sendable (Socket) -> Void] = []
    var disconnecting: [@Sendable (Socket, DisconnectReason) -> Void] = []
    var disconnect: [@Sendable (Socket, DisconnectReason) -> Void] = []
}

/// What is called for an event of any socket of a namespace.
public struct EventListener: Sendable {
    let event: String
    let body: Listener
}

extension NamespaceProtocol {
    /// Adds a step that each connection passes before it exists. Throw ``ConnectError`` to refuse it, ``TemporaryRefusal`` to send
    /// the client away for now.
    public func use(_ middleware: @escaping @Sendable (Socket) throws -> Void) {
        self.update { $0.middleware.append(.synchronous(middleware)) }
    }

    /// Adds a step that may wait.
    @_disfavoredOverload
    public func use(_ middleware: @escaping @Sendable (Socket) async throws -> Void) {
        self.update { $0.middleware.append(.asynchronous(middleware)) }
    }

    /// Adds a step that mostly decides at once, and otherwise returns what must be waited for: spares most connections a task.
    @_disfavoredOverload
    package func use(deciding middleware: @escaping @Sendable (Socket) throws -> (@Sendable () async throws -> Void)?) {
        self.update { $0.middleware.append(.either(middleware)) }
    }

    /// Called with each admitted socket, after the client was told.
    public func onConnection(_ handler: @escaping @Sendable (Socket) -> Void) {
        self.update { $0.connection.append(handler) }
    }

    /// Called before a socket leaves its rooms.
    public func onDisconnecting(_ handler: @escaping @Sendable (Socket, DisconnectReason) -> Void) {
        self.update { $0.disconnecting.append(handler) }
    }

    /// Called once for each socket that was connected.
    public func onDisconnect(_ handler: @escaping @Sendable (Socket, DisconnectReason) -> Void) {
        self.update { $0.disconnect.append(handler) }
    }

    /// Listens to an event of every socket of the namespace.
    package func addListener(_ event: String, _ listener: @escaping Listener) {
        self.add(EventListener(event: event, body: listener))
    }
}
