// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import Logging
package import NIOCore
import Synchronization

/// What becomes of a command. Called on the client's event loop, exactly once, never before `send` has returned.
package typealias RedisCompletion = (Result<RedisReply, RedisError>) -> Void

/// One connection to Redis, kept up for as long as ``run()`` runs. Its state lives on one event loop.
///
/// A `build` closure must not use the client: it writes into the connection's output.
package final class RedisClient: Sendable {
    /// The loop on which everything happens.
    package let eventLoop: any EventLoop

    private let core: NIOLoopBoundBox<RedisClientCore>
    private let tokens = Atomic<UInt64>(0)

    /// Creates a client; it connects when ``run()`` is called.
    package init(
        configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger = Logger(label: "redis")
    ) {
        self.eventLoop = eventLoop
        let connection = RedisConnection(
            configuration: configuration, purpose: .commands, eventLoop: eventLoop, logger: logger)
        self.core = .makeBoxSendingValue(RedisClientCore(connection: connection), eventLoop: eventLoop)
    }

    /// Connects, and connects again whenever the connection is lost, until the task is cancelled. Then it waits for the
    /// replies under way (up to `shutdownGrace`) and closes. Throws only when the configuration cannot work or it was
    /// called before.
    package func run() async throws(RedisError) {
        let core = self.core
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.eventLoop.execute { core.value.connection.start { continuation.resume(returning: $0) } }
            }
        } onCancel: {
            self.eventLoop.execute { core.value.connection.stop() }
        }
        try result.get()
    }

    /// Called on the loop whenever a connection is ready. What it sends goes out before any command that waited.
    /// Set it on the loop, before ``run()``, at whose end it is dropped.
    package var onConnected: ((RedisServerInfo) -> Void)? {
        get { self.core.value.onConnected }
        set { self.core.value.onConnected = newValue }
    }

    /// Called on the loop when a ready connection was lost, after the completions of its commands.
    /// Not called at the end of ``run()``. Set it on the loop, before ``run()``.
    package var onDisconnected: ((RedisError) -> Void)? {
        get { self.core.value.onDisconnected }
        set { self.core.value.onDisconnected = newValue }
    }

    /// The server of the present connection; nil while there is no ready one. On the loop only.
    package var serverInfo: RedisServerInfo? { self.core.value.serverInfo }

    /// What happened so far. On the loop only.
    package var counters: RedisCounters { self.core.value.connection.counters.value }

    /// Sends a command. On the loop only. All commands of one turn of the loop share one write.
    ///
    /// Without a ready connection it fails at once, or waits for one up to `waitUpTo`. When the connection breaks
    /// before the reply came, it fails with `wasSent`.
    package func send(
        _ command: RedisCommand, waitUpTo: TimeAmount? = nil, completion: @escaping RedisCompletion
    ) {
        self.core.value.send(command, waitUpTo: waitUpTo, completion: completion)
    }

    /// Sends a command that `build` writes straight into the connection's output. On the loop only.
    package func send(
        capacity: Int, waitUpTo: TimeAmount? = nil, _ build: (inout RedisCommandWriter) -> Void,
        completion: @escaping RedisCompletion
    ) {
        self.core.value.send(capacity: capacity, waitUpTo: waitUpTo, build, completion: completion)
    }

    /// Runs a script by its SHA-1, and loads it first where the server does not know it. On the loop only.
    package func evaluate(
        _ script: RedisScript, keys: [RedisArgument], arguments: [RedisArgument], waitUpTo: TimeAmount? = nil,
        completion: @escaping RedisCompletion
    ) {
        let command = script.command(keys: keys, arguments: arguments)
        self.core.value.evaluate(script, command, waitUpTo: waitUpTo, completion: completion)
    }

    /// Runs a script whose keys and arguments `build` appends, keys first. On the loop only.
    package func evaluate(
        _ script: RedisScript, keyCount: Int, capacity: Int, waitUpTo: TimeAmount? = nil,
        _ build: (inout RedisCommandWriter) -> Void, completion: @escaping RedisCompletion
    ) {
        let command = script.command(keyCount: keyCount, capacity: capacity, build)
        self.core.value.evaluate(script, command, waitUpTo: waitUpTo, completion: completion)
    }

    /// `SCRIPT LOAD`. On the loop only.
    package func load(_ script: RedisScript, completion: @escaping RedisCompletion) {
        self.core.value.load(script, completion: completion)
    }

    /// Closes the present connection; ``run()`` makes another. On the loop only.
    package func reset(reason: String) {
        self.core.value.connection.reset(reason: reason)
    }
}

// MARK: - From outside the loop

extension RedisClient {
    /// Sends a command from anywhere and waits for its reply.
    package func execute(
        _ command: RedisCommand, waitUpTo: TimeAmount? = nil
    ) async throws(RedisError) -> RedisReply {
        try await self.wait { core, token, completion in
            core.send(command, waitUpTo: waitUpTo, token: token, completion: completion)
        }
    }

    /// Runs a script from anywhere and waits for its reply.
    package func execute(
        _ script: RedisScript, keys: [RedisArgument], arguments: [RedisArgument], waitUpTo: TimeAmount? = nil
    ) async throws(RedisError) -> RedisReply {
        let command = script.command(keys: keys, arguments: arguments)
        return try await self.wait { core, token, completion in
            core.evaluate(script, command, waitUpTo: waitUpTo, token: token, completion: completion)
        }
    }

    /// One who waits on the loop's side; gone when answered or cancelled, whichever comes first.
    private enum Waiter {
        case none
        case waiting(CheckedContinuation<Result<RedisReply, RedisError>, Never>)
        case answered
    }

    private func wait(
        _ send: @escaping @Sendable (RedisClientCore, UInt64, @escaping RedisCompletion) -> Void
    ) async throws(RedisError) -> RedisReply {
        let core = self.core
        let token = self.tokens.wrappingAdd(1, ordering: .relaxed).newValue
        let waiter = NIOLoopBoundBox.makeBoxSendingValue(Waiter.none, eventLoop: self.eventLoop)
        @Sendable func answer(_ result: Result<RedisReply, RedisError>) {
            if case .waiting(let continuation) = waiter.value { continuation.resume(returning: result) }
            waiter.value = .answered
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Result<RedisReply, RedisError>, Never>) in
                self.eventLoop.execute {
                    guard case .none = waiter.value else {
                        continuation.resume(returning: .failure(RedisError(.cancelled, "cancelled before it was sent")))
                        return
                    }
                    waiter.value = .waiting(continuation)
                    send(core.value, token) { answer($0) }
                }
            }
        } onCancel: {
            self.eventLoop.execute {
                let wasWithdrawn = core.value.withdraw(token: token)
                answer(.failure(RedisError(.cancelled, "the waiting task was cancelled", wasSent: !wasWithdrawn)))
            }
        }
        return try result.get()
    }
}
