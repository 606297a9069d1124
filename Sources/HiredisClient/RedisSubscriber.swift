// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import Logging
package import NIOCore

/// Pub/sub on a connection of its own. Its state lives on one event loop. It counts no references: one
/// ``unsubscribe(_:)`` undoes any number of ``subscribe(_:confirmed:)``.
package final class RedisSubscriber: Sendable {
    /// The loop on which everything happens.
    package let eventLoop: any EventLoop

    private let core: NIOLoopBoundBox<RedisSubscriberCore>

    /// Creates a subscriber; it connects when ``run()`` is called.
    package init(
        configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger = Logger(label: "redis")
    ) {
        self.eventLoop = eventLoop
        let connection = RedisConnection(
            configuration: configuration, purpose: .subscription, eventLoop: eventLoop, logger: logger)
        self.core = .makeBoxSendingValue(RedisSubscriberCore(connection: connection), eventLoop: eventLoop)
    }

    /// Connects, and connects again whenever the connection is lost, until the task is cancelled.
    /// Throws only when the configuration cannot work or it was called before.
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

    /// A published message, straight from the reader's memory: valid during the call only. Set it on the loop, before
    /// ``run()``.
    package var onMessage: ((_ channel: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Void)? {
        get { self.core.value.onMessage }
        set { self.core.value.onMessage = newValue }
    }

    /// Called after all messages of one read. Set it on the loop, before ``run()``.
    package var onReadComplete: (() -> Void)? {
        get { self.core.value.onReadComplete }
        set { self.core.value.onReadComplete = newValue }
    }

    /// Called when everything wanted is subscribed, on each new connection. Set it on the loop, before ``run()``.
    package var onReady: (() -> Void)? {
        get { self.core.value.onReady }
        set { self.core.value.onReady = newValue }
    }

    /// Called just before ``onReady`` on each connection after the first: messages may have been lost.
    package var onGap: (() -> Void)? {
        get { self.core.value.onGap }
        set { self.core.value.onGap = newValue }
    }

    /// Called when a connection was lost that had become ready. Set it on the loop, before ``run()``.
    package var onDisconnected: ((RedisError) -> Void)? {
        get { self.core.value.onDisconnected }
        set { self.core.value.onDisconnected = newValue }
    }

    /// Whether everything wanted is subscribed. On the loop only.
    package var isReady: Bool { self.core.value.isReady }

    /// What happened so far. On the loop only.
    package var counters: RedisCounters { self.core.value.connection.counters.value }

    /// Wants these channels, now and on every later connection. On the loop only.
    ///
    /// `confirmed` is called once: with true when all of them are subscribed (be it on a later connection), with false
    /// when the server refuses one, one is unsubscribed before, or the subscriber ends.
    package func subscribe(_ channels: [ByteBuffer], confirmed: ((Bool) -> Void)? = nil) {
        self.core.value.subscribe(channels, confirmed: confirmed)
    }

    /// Wants these channels; see above.
    package func subscribe(_ channels: [String], confirmed: ((Bool) -> Void)? = nil) {
        self.subscribe(channels.map { ByteBuffer(string: $0) }, confirmed: confirmed)
    }

    /// No longer wants these channels. On the loop only. Messages under way may still arrive.
    package func unsubscribe(_ channels: [ByteBuffer]) {
        self.core.value.unsubscribe(channels)
    }

    /// No longer wants these channels; see above.
    package func unsubscribe(_ channels: [String]) {
        self.unsubscribe(channels.map { ByteBuffer(string: $0) })
    }

    /// Closes the present connection; ``run()`` makes another. On the loop only.
    package func reset(reason: String) {
        self.core.value.connection.reset(reason: reason)
    }
}
