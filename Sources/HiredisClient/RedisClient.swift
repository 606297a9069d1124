// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import Logging
package import NIOCore

/// What becomes of a command. Called on the client's event loop, exactly once, never before `send` has returned.
package typealias RedisCompletion = (Result<RedisReply, RedisError>) -> Void

/// One connection to Redis, kept up for as long as ``run()`` runs. Its state lives on one event loop.
package final class RedisClient: Sendable {
    /// The loop on which everything happens.
    package let eventLoop: any EventLoop

    /// Creates a client; it connects when ``run()`` is called.
    package init(configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger) {
        self.eventLoop = eventLoop
    }

    /// Connects, and connects again whenever the connection is lost, until the task is cancelled. Then it waits for the
    /// replies under way (up to `shutdownGrace`) and closes. Throws only when the configuration cannot work or it was called before.
    package func run() async throws(RedisError) {}

    /// Called on the loop whenever a connection is ready. What it sends goes out before any command that waited.
    /// Set it on the loop, before ``run()``.
    package var onConnected: ((RedisServerInfo) -> Void)? {
        get { nil }
        set {}
    }

    /// Called on the loop when a ready connection was lost, after the completions of its commands.
    /// Set it on the loop, before ``run()``.
    package var onDisconnected: ((RedisError) -> Void)? {
        get { nil }
        set {}
    }

    /// The server of the present connection; nil while there is no ready one. On the loop only.
    package var serverInfo: RedisServerInfo? { nil }

    /// What happened so far. On the loop only.
    package var counters: RedisCounters { RedisCounters() }

    /// Sends a command. On the loop only. All commands of one turn of the loop share one write.
    ///
    /// Without a ready connection it fails at once, or waits for one up to `waitUpTo`.
    package func send(
        _ command: RedisCommand, waitUpTo: TimeAmount? = nil, completion: @escaping RedisCompletion
    ) {}

    /// Sends a command that `build` writes straight into the connection's output. On the loop only.
    package func send(
        capacity: Int, waitUpTo: TimeAmount? = nil, _ build: (inout RedisCommandWriter) -> Void,
        completion: @escaping RedisCompletion
    ) {}

    /// Runs a script by its SHA-1, and loads it first where the server does not know it. On the loop only.
    package func evaluate(
        _ script: RedisScript, keys: [RedisArgument], arguments: [RedisArgument], waitUpTo: TimeAmount? = nil,
        completion: @escaping RedisCompletion
    ) {}

    /// Runs a script whose keys and arguments `build` appends, keys first. On the loop only.
    package func evaluate(
        _ script: RedisScript, keyCount: Int, capacity: Int, waitUpTo: TimeAmount? = nil,
        _ build: (inout RedisCommandWriter) -> Void, completion: @escaping RedisCompletion
    ) {}

    /// `SCRIPT LOAD`. On the loop only.
    package func load(_ script: RedisScript, completion: @escaping RedisCompletion) {}

    /// Sends a command from anywhere and waits for its reply.
    package func execute(
        _ command: RedisCommand, waitUpTo: TimeAmount? = nil
    ) async throws(RedisError) -> RedisReply {
        throw RedisError(.closed, "")
    }

    /// Runs a script from anywhere and waits for its reply.
    package func execute(
        _ script: RedisScript, keys: [RedisArgument], arguments: [RedisArgument], waitUpTo: TimeAmount? = nil
    ) async throws(RedisError) -> RedisReply {
        throw RedisError(.closed, "")
    }

    /// Closes the present connection; ``run()`` makes another. On the loop only.
    package func reset(reason: String) {}
}
