// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import Logging
package import NIOCore

/// Pub/sub on a connection of its own. Its state lives on one event loop. It counts no references: one
/// ``unsubscribe(_:)`` undoes any number of ``subscribe(_:confirmed:)``.
package final class RedisSubscriber: Sendable {
    /// The loop on which everything happens.
    package let eventLoop: any EventLoop

    /// Creates a subscriber; it connects when ``run()`` is called.
    package init(configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger) {
        self.eventLoop = eventLoop
    }

    /// Connects, and connects again whenever the connection is lost, until the task is cancelled.
    package func run() async throws(RedisError) {}

    /// A published message, straight from the reader's memory: valid during the call only. Set it on the loop, before ``run()``.
    package var onMessage: ((_ channel: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Void)? {
        get { nil }
        set {}
    }

    /// Called after all messages of one read. Set it on the loop, before ``run()``.
    package var onReadComplete: (() -> Void)? {
        get { nil }
        set {}
    }

    /// Called when everything wanted is subscribed, on each new connection. Set it on the loop, before ``run()``.
    package var onReady: (() -> Void)? {
        get { nil }
        set {}
    }

    /// Called just before ``onReady`` on each connection after the first: messages may have been lost.
    package var onGap: (() -> Void)? {
        get { nil }
        set {}
    }

    /// Called when a connection was lost that had become ready. Set it on the loop, before ``run()``.
    package var onDisconnected: ((RedisError) -> Void)? {
        get { nil }
        set {}
    }

    /// Whether everything wanted is subscribed. On the loop only.
    package var isReady: Bool { false }

    /// What happened so far. On the loop only.
    package var counters: RedisCounters { RedisCounters() }

    /// Wants these channels, now and on every later connection. On the loop only.
    ///
    /// `confirmed` is called once: with true when all of them are subscribed (be it on a later connection), with false
    /// when the server refuses one, one is unsubscribed before, or the subscriber ends.
    package func subscribe(_ channels: [ByteBuffer], confirmed: ((Bool) -> Void)? = nil) {}

    /// Wants these channels; see above.
    package func subscribe(_ channels: [String], confirmed: ((Bool) -> Void)? = nil) {}

    /// No longer wants these channels. On the loop only. Messages under way may still arrive.
    package func unsubscribe(_ channels: [ByteBuffer]) {}

    /// No longer wants these channels; see above.
    package func unsubscribe(_ channels: [String]) {}

    /// Closes the present connection; ``run()`` makes another. On the loop only.
    package func reset(reason: String) {}
}
