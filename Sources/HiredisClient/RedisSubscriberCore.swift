// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CHiredis
import NIOCore

/// The subscriber's state, on its event loop.
///
/// Truth is which channels are wanted. Each channel also knows what the server was told last; at the end of a turn
/// the two are made equal, and since the server takes commands in order, the last one told is what it ends with,
/// however many answers are under way.
final class RedisSubscriberCore {
    final class Channel {
        let name: ByteBuffer
        var isWanted = false
        /// What the server of this connection was told last.
        var isTold = false
        /// Confirmations due.
        var underWay = 0
        var isDirty = false
        /// The user may not subscribe to it; asked again on the next connection.
        var isRefused = false
        var waiters: [SubscriptionWaiter] = []

        init(name: ByteBuffer) { self.name = name }
    }

    private enum Expectation {
        /// The rest of a command's channels, from `next` on. `isInitial`: readiness waits for it.
        case channels([Channel], next: Int, isSubscription: Bool, isInitial: Bool)
        case pong
    }

    let connection: RedisConnection
    var onMessage: ((UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void)?
    var onReadComplete: (() -> Void)?
    var onReady: (() -> Void)?
    var onGap: (() -> Void)?
    var onDisconnected: ((RedisError) -> Void)?
    private(set) var isReady = false

    private let turn: TurnQueue
    private var channels: [ByteBuffer: Channel] = [:]
    private var dirty: [Channel] = []
    private var expectations = RingBuffer<Expectation>()
    private var initialRemaining = 0
    private var wasReady = false
    private var hasMessages = false

    /// Channels of one SUBSCRIBE.
    private static let batch = 512

    init(connection: RedisConnection) {
        self.connection = connection
        self.turn = TurnQueue(eventLoop: connection.eventLoop)
        connection.owner = self
        connection.pushReceiver = self
    }

    // MARK: What is wanted

    func subscribe(_ names: [ByteBuffer], confirmed: ((Bool) -> Void)?) {
        let waiter = confirmed.map { SubscriptionWaiter(remaining: names.count, confirmed: $0) }
        guard !self.connection.isClosed, self.hasRoom(for: names) else {
            self.connection.counters.value.dropped += names.count
            if let waiter { self.turn.add { waiter.finish(false) } }
            return
        }
        for name in names {
            let channel = self.channel(name)
            channel.isWanted = true
            if let waiter { channel.waiters.append(waiter) }
            channel.isRefused = false
            self.touch(channel)
        }
        if names.isEmpty, let waiter { self.turn.add { waiter.finish(true) } }
    }

    func unsubscribe(_ names: [ByteBuffer]) {
        for name in names {
            guard let channel = self.channels[name] else { continue }
            channel.isWanted = false
            let waiters = channel.takeWaiters()
            if !waiters.isEmpty { self.turn.add { for waiter in waiters { waiter.finish(false) } } }
            self.touch(channel)
        }
    }

    private func hasRoom(for names: [ByteBuffer]) -> Bool {
        let limit = self.connection.configuration.maximumSubscriptions
        if self.channels.count + names.count <= limit { return true }
        return self.channels.count + Set(names.filter { self.channels[$0] == nil }).count <= limit
    }

    private func channel(_ name: ByteBuffer) -> Channel {
        if let channel = self.channels[name] { return channel }
        let channel = Channel(name: name)
        self.channels[name] = channel
        return channel
    }

    private func touch(_ channel: Channel) {
        guard !channel.isDirty else { return }
        channel.isDirty = true
        self.dirty.append(channel)
        if self.dirty.count == 1 { self.turn.add { self.settle() } }
    }

    /// Tells the server what changed in this turn.
    private func settle() {
        let dirty = self.dirty
        self.dirty = []
        for channel in dirty { channel.isDirty = false }
        guard self.connection.ready != nil else {
            for channel in dirty { self.dropIfUnused(channel) }
            return
        }
        self.tell(dirty.filter { !$0.isWanted && $0.isTold }, isSubscription: false, isInitial: false)
        self.tell(
            dirty.filter { $0.isWanted && !$0.isTold && !$0.isRefused }, isSubscription: true, isInitial: false)
        for channel in dirty {
            self.finishWaiters(of: channel)
            self.dropIfUnused(channel)
        }
    }

    private func tell(_ channels: [Channel], isSubscription: Bool, isInitial: Bool, batch: Int = batch) {
        for start in stride(from: 0, to: channels.count, by: batch) {
            let part = Array(channels[start..<min(start + batch, channels.count)])
            let capacity = part.reduce(64) { $0 + $1.name.readableBytes + RedisCommandWriter.wordOverhead }
            let command = RedisCommand(capacity: capacity) { writer in
                writer.append(isSubscription ? "SUBSCRIBE" : "UNSUBSCRIBE")
                for channel in part { writer.append(channel.name) }
            }
            self.connection.ready?.write(command)
            self.expectations.append(
                .channels(part, next: 0, isSubscription: isSubscription, isInitial: isInitial))
            for channel in part {
                channel.isTold = isSubscription
                channel.underWay += 1
            }
        }
    }

    private func dropIfUnused(_ channel: Channel) {
        guard !channel.isWanted, !channel.isTold, channel.underWay == 0, !channel.isDirty else { return }
        self.channels[channel.name] = nil
    }

    private func finishWaiters(of channel: Channel) {
        guard channel.isWanted, channel.isTold, channel.underWay == 0 else { return }
        for waiter in channel.takeWaiters() { waiter.succeedOne() }
    }
}

// MARK: - What the server says

extension RedisSubscriberCore: RedisPushReceiver {
    var isWaiting: Bool { !self.expectations.isEmpty }

    func ping() {
        guard let handler = self.connection.ready else { return }
        handler.write(RedisCommand("PING"))
        self.expectations.append(.pong)
    }

    func received(_ reply: borrowing ReceivedReply) -> RedisError? {
        let element = reply.element
        switch element.type {
        case REDIS_REPLY_ARRAY:
            return self.received(element)
        case REDIS_REPLY_STATUS:
            return self.receivedPong()
        case REDIS_REPLY_ERROR:
            self.connection.counters.value.replies += 1
            self.connection.counters.value.errors += 1
            return self.receivedError(RedisError(serverReply: element.text))
        default:
            return Self.violation("a reply that is no message")
        }
    }

    func readCompleted() {
        guard self.hasMessages else { return }
        self.hasMessages = false
        self.onReadComplete?()
    }

    private func received(_ push: ReplyElement) -> RedisError? {
        guard let kind = push[0], let second = push[1] else { return Self.violation("a push without a kind") }
        if kind.bytes.isEqual(to: "message") {
            guard second.type == REDIS_REPLY_STRING, let payload = push[2], payload.type == REDIS_REPLY_STRING else {
                return Self.violation("a message without a payload")
            }
            self.connection.counters.value.messages += 1
            self.hasMessages = true
            self.onMessage?(second.bytes, payload.bytes)
            return nil
        }
        if kind.bytes.isEqual(to: "subscribe") { return self.confirmed(second, isSubscription: true) }
        if kind.bytes.isEqual(to: "unsubscribe") { return self.confirmed(second, isSubscription: false) }
        if kind.bytes.isEqual(to: "pong") { return self.receivedPong() }
        return Self.violation("a push of an unknown kind")
    }

    private func receivedPong() -> RedisError? {
        self.connection.counters.value.replies += 1
        guard case .pong? = self.expectations.popFirst() else { return Self.violation("a pong that nothing asked for") }
        return nil
    }

    private func confirmed(_ name: ReplyElement, isSubscription: Bool) -> RedisError? {
        self.connection.counters.value.replies += 1
        guard case .channels(let channels, let next, isSubscription, let isInitial)? = self.expectations.first else {
            return Self.violation("a confirmation that nothing asked for")
        }
        let channel = channels[next]
        guard channel.name.withUnsafeReadableBytes({ $0.isEqual(to: name.bytes) }) else {
            return Self.violation("a confirmation for another channel")
        }
        if next + 1 < channels.count {
            self.expectations.first = .channels(
                channels, next: next + 1, isSubscription: isSubscription, isInitial: isInitial)
        } else {
            _ = self.expectations.popFirst()
        }
        channel.underWay -= 1
        self.finishWaiters(of: channel)
        self.dropIfUnused(channel)
        if isInitial { self.initialFinished() }
        return nil
    }

    /// The server refuses a command as a whole. `NOPERM` is for one channel of it: all are asked for one by one to
    /// find out which.
    private func receivedError(_ error: RedisError) -> RedisError? {
        let expected = self.expectations.popFirst()
        // A user without PING still shows that the server is alive.
        if case .pong? = expected { return nil }
        guard case .channels(let channels, 0, true, let isInitial)? = expected, error.serverPrefix == "NOPERM" else {
            return error
        }
        for channel in channels { channel.underWay -= 1 }
        // Those told otherwise meanwhile are settled by what was told.
        let current = channels.filter { $0.isTold && $0.underWay == 0 }
        for channel in current { channel.isTold = false }
        if channels.count > 1 {
            self.tell(current.filter(\.isWanted), isSubscription: true, isInitial: isInitial, batch: 1)
            let settled = channels.count - current.count(where: \.isWanted)
            if isInitial { for _ in 0..<settled { self.initialFinished() } }
        } else {
            for channel in current { self.refuse(channel, error) }
            if isInitial { self.initialFinished() }
        }
        for channel in channels { self.dropIfUnused(channel) }
        return nil
    }

    private func refuse(_ channel: Channel, _ error: RedisError) {
        channel.isRefused = true
        self.connection.reportRefusal(of: String(buffer: channel.name), error)
        for waiter in channel.takeWaiters() { waiter.finish(false) }
    }

    private static func violation(_ what: String) -> RedisError { RedisError(.protocolViolation, what) }
}

// MARK: - Connections

extension RedisSubscriberCore: RedisConnectionOwner {
    func connectionIsReady(_ info: RedisServerInfo) {
        let wanted = self.channels.values.filter(\.isWanted)
        self.initialRemaining = wanted.count
        self.tell(wanted, isSubscription: true, isInitial: true)
        if wanted.isEmpty { self.becomeReady() }
    }

    private func initialFinished() {
        self.initialRemaining -= 1
        if self.initialRemaining == 0 { self.becomeReady() }
    }

    private func becomeReady() {
        self.isReady = true
        if self.wasReady { self.onGap?() }
        self.wasReady = true
        if self.isReady { self.onReady?() }
    }

    func connectionWasLost(_ error: RedisError) {
        let hadBeenReady = self.isReady
        self.readCompleted()
        self.forgetConnection()
        if hadBeenReady { self.onDisconnected?(error) }
    }

    func connectionEnded() {
        self.readCompleted()
        self.forgetConnection()
        let waiters = self.channels.values.flatMap { $0.takeWaiters() }
        self.channels = [:]
        for waiter in waiters { waiter.finish(false) }
        // They may hold the subscriber.
        (self.onMessage, self.onReadComplete, self.onReady, self.onGap, self.onDisconnected) = (nil, nil, nil, nil, nil)
    }

    private func forgetConnection() {
        self.isReady = false
        self.expectations = RingBuffer()
        self.initialRemaining = 0
        for channel in Array(self.channels.values) {
            channel.isTold = false
            channel.underWay = 0
            channel.isRefused = false
            self.dropIfUnused(channel)
        }
    }
}

extension RedisSubscriberCore.Channel {
    func takeWaiters() -> [SubscriptionWaiter] {
        let waiters = self.waiters
        self.waiters = []
        return waiters
    }
}

/// One call of `subscribe` that wants to know: about all its channels together, once.
final class SubscriptionWaiter {
    private var remaining: Int
    private var confirmed: ((Bool) -> Void)?

    init(remaining: Int, confirmed: @escaping (Bool) -> Void) {
        self.remaining = remaining
        self.confirmed = confirmed
    }

    func succeedOne() {
        self.remaining -= 1
        if self.remaining == 0 { self.finish(true) }
    }

    func finish(_ isSubscribed: Bool) {
        self.confirmed.take()?(isSubscribed)
    }
}

extension UnsafeRawBufferPointer {
    func isEqual(to text: StaticString) -> Bool {
        text.withUTF8Buffer { self.isEqual(to: UnsafeRawBufferPointer($0)) }
    }

    func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        self.count == other.count && self.elementsEqual(other)
    }
}
