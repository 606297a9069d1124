// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import Logging
import NIOCore
import Rollcall
import RollcallAdmin
import ServiceLifecycle
import UserRegistryCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A service of the node. The service group logs its services as they describe themselves; their configurations hold
/// secrets, so each says its name and nothing else.
protocol NodeService: Service, CustomStringConvertible {}

/// The Socket.IO listener: the first to stop, since it lets the clients go while registry and adapter still work.
struct ListenerService: NodeService {
    let description = "listener"
    let server: SocketIOServer
    let state: NodeState
    let host: String
    let drain: NodeConfiguration.Drain
    let logger: Logger

    func run() async throws {
        let port: Int
        do {
            port = try await self.server.start()
        } catch {
            throw NodeError(
                "cannot listen on \(self.host):\(self.server.configuration.port): \(NodeError.reason(error))")
        }
        self.state.listens(on: NodeError.address(self.host, port))
        try? await gracefulShutdown()
        self.state.startsDraining()
        self.logger.info("draining", metadata: ["sessions": "\(self.server.engine.sessionCount)"])
        await self.server.drain(delay: self.drain.delay, duration: self.drain.duration)
        await self.server.stop()
        self.logger.info("drained")
    }
}

/// The user registry, which works until the listener is gone.
struct RegistryService: NodeService {
    let description = "registry"
    let registry: any UserRegistry

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await self.registry.run() }
            tasks.addTask {
                try await gracefulShutdown()
                await self.registry.leave()
            }
            defer { tasks.cancelAll() }
            do {
                try await tasks.next()
            } catch is CancellationError {}
        }
    }
}

/// The admin endpoint: the last to stop, so that the drain can be watched.
struct AdminService: NodeService {
    let description = "admin"
    let server: AdminServer

    func run() async throws {
        do {
            try await self.server.run()
        } catch let error as AdminListenError {
            throw NodeError("cannot listen on \(error.host):\(error.port) for the admin endpoint: \(error.reason)")
        }
    }
}

/// A node that cannot start, in one line.
package struct NodeError: Error, CustomStringConvertible {
    /// The line.
    package let description: String

    init(_ description: String) { self.description = description }

    static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        switch error.errnoCode {
        case EADDRINUSE: return "the port is in use"
        case EACCES: return "not permitted"
        case EADDRNOTAVAIL: return "the address is not this machine's"
        default: return error.description
        }
    }

    static func address(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
