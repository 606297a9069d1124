// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// One connection: hiredis reads, this writes, NIO moves the bytes. Commands of one turn of the loop share one write,
/// and each reply goes to the oldest command that has none.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct PendingReply {
        let completion: RedisCompletion
        let byteCount: Int
    }

    private enum Phase {
        case detached
        case open(ChannelHandlerContext)
        case closed
    }

    private var phase = Phase.detached
    private let decoder: RedisReplyDecoder
    private let counters: CounterCell
    private let configuration: RedisConfiguration
    private var watch: LivenessWatch

    /// Both are dropped when the connection closes.
    private var listener: (any RedisChannelListener)?
    private var pushReceiver: (any RedisPushReceiver)?

    private var output: ByteBuffer
    private var pending = RingBuffer<PendingReply>(capacity: 64)
    /// How many of `pending` are still in `output`.
    private var unflushed = 0
    /// The bytes of all commands without a reply.
    private(set) var pendingBytes = 0
    private var isReading = false
    private var flushIsDue = false
    private var endOfTurn: @Sendable () -> Void = {}
    private var closesWhenIdle = false

    private static let outputCapacity = 16 * 1024
    private static let outputRetained = 256 * 1024

    init(
        configuration: RedisConfiguration, counters: CounterCell, listener: any RedisChannelListener,
        pushReceiver: (any RedisPushReceiver)? = nil
    ) {
        self.decoder = RedisReplyDecoder(
            maximumBytes: configuration.maximumReplyBytes, maximumElements: configuration.maximumReplyElements)
        self.counters = counters
        self.configuration = configuration
        self.watch = LivenessWatch(timeout: configuration.commandTimeout, keepalive: configuration.keepaliveInterval)
        self.listener = listener
        self.pushReceiver = pushReceiver
        self.output = ByteBufferAllocator().buffer(capacity: Self.outputCapacity)
    }

    var isOpen: Bool {
        if case .open = self.phase { true } else { false }
    }

    /// Commands without a reply.
    var pendingCount: Int { self.pending.count }

    var tickInterval: TimeAmount { self.watch.interval }

    // MARK: Sending

    /// Adds a command to the turn's output. Only while open.
    func send(_ command: RedisCommand, completion: @escaping RedisCompletion) {
        self.output.write(command)
        self.added(byteCount: command.byteCount, completion)
    }

    /// Adds a command that `build` writes; false when it wrote none. Only while open.
    func send(capacity: Int, _ build: (inout RedisCommandWriter) -> Void, completion: @escaping RedisCompletion) -> Bool
    {
        let start = self.output.writerIndex
        guard self.output.writeCommand(capacity: capacity, build) else { return false }
        self.added(byteCount: self.output.writerIndex - start, completion)
        return true
    }

    /// Adds a command whose replies the push receiver expects.
    func write(_ command: RedisCommand) {
        guard self.isOpen else { return }
        if !self.isWaiting { self.watch.beganWaiting() }
        self.output.write(command)
        self.counters.value.commands += 1
        self.scheduleFlush()
    }

    private func added(byteCount: Int, _ completion: @escaping RedisCompletion) {
        if self.pending.isEmpty { self.watch.beganWaiting() }
        self.pending.append(PendingReply(completion: completion, byteCount: byteCount))
        self.pendingBytes += byteCount
        self.unflushed += 1
        self.counters.value.commands += 1
        self.scheduleFlush()
    }

    private func scheduleFlush() {
        guard !self.isReading, !self.flushIsDue, case .open(let context) = self.phase else { return }
        self.flushIsDue = true
        context.eventLoop.execute(self.endOfTurn)
    }

    private func flush() {
        self.flushIsDue = false
        guard case .open(let context) = self.phase, self.output.readableBytes > 0 else { return }
        self.unflushed = 0
        self.counters.value.bytesOut += self.output.readableBytes
        context.writeAndFlush(Self.wrapOutboundOut(self.output), promise: nil)
        // Taken by the socket at once, as it mostly is, the memory is ours again and nothing is allocated.
        if self.output.capacity > Self.outputRetained {
            self.output = ByteBufferAllocator().buffer(capacity: Self.outputCapacity)
        } else {
            self.output.clear()
        }
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.isOpen else { return }
        self.isReading = true
        let buffer = Self.unwrapInboundIn(data)
        self.counters.value.bytesIn += buffer.readableBytes
        self.watch.received()
        do throws(RedisError) {
            try buffer.withUnsafeReadableBytes { bytes throws(RedisError) in
                try self.decoder.decode(bytes) { self.deliver($0) }
            }
        } catch {
            self.close(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.pushReceiver?.readCompleted()
        self.flush()
        if self.closesWhenIdle { self.closeIfIdle() }
        context.fireChannelReadComplete()
    }

    /// Hands on one reply; false when the connection is closed.
    private func deliver(_ reply: borrowing ReceivedReply) -> Bool {
        if self.pending.count > self.unflushed, let oldest = self.pending.popFirst() {
            self.pendingBytes -= oldest.byteCount
            self.counters.value.replies += 1
            let result = reply.copied()
            if case .failure = result { self.counters.value.errors += 1 }
            oldest.completion(result)
            self.checkMastership(result)
        } else if let pushReceiver = self.pushReceiver {
            if let error = pushReceiver.received(reply) { self.close(error) }
        } else {
            self.close(RedisError(.protocolViolation, "a reply came that no command waits for"))
        }
        return self.isOpen
    }

    private func checkMastership(_ result: Result<RedisReply, RedisError>) {
        guard self.configuration.requireMaster, case .failure(let error) = result, error.serverPrefix == "READONLY"
        else { return }
        self.close(RedisError(.disconnected, "the server has become a replica"))
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        guard case .detached = self.phase else { return }
        self.phase = .open(context)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.endOfTurn = { handler.value.flush() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.close(RedisError(.disconnected, "the connection was closed"))
        self.endOfTurn = {}
        self.decoder.close()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.close(RedisError(.disconnected, "the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.close(RedisError(.disconnected, FailureText.of(error, self.configuration)))
    }

    /// A tick of the connection's timer.
    func tick() {
        switch self.watch.tick(isWaiting: self.isWaiting) {
        case .none: break
        case .ping: self.ping()
        case .giveUp:
            self.counters.value.timeouts += 1
            self.close(RedisError(.timeout, "nothing came while replies were due"))
        }
    }

    /// Closes as soon as every command has its reply.
    func closeWhenIdle() {
        self.closesWhenIdle = true
        self.closeIfIdle()
    }

    private func closeIfIdle() {
        guard self.pending.isEmpty else { return }
        self.close(RedisError(.closed, "the client was shut down"))
    }

    /// Closes at once. Commands that were written fail with an unknown outcome, those still in the output as not
    /// sent, all in order.
    func close(_ error: RedisError) {
        guard case .open(let context) = self.phase else { return }
        self.phase = .closed
        let listener = self.listener
        (self.listener, self.pushReceiver) = (nil, nil)
        context.close(promise: nil)
        listener?.channelWillClose(error)
        let sent = self.pending.count - self.unflushed
        for index in 0..<self.pending.count {
            guard let next = self.pending.popFirst() else { break }
            next.completion(.failure(RedisError(error.code, error.message, wasSent: index < sent)))
        }
        (self.unflushed, self.pendingBytes) = (0, 0)
        listener?.channelDidClose(error)
    }

    private var isWaiting: Bool { !self.pending.isEmpty || self.pushReceiver?.isWaiting == true }

    private func ping() {
        guard self.isOpen else { return }
        if let pushReceiver = self.pushReceiver {
            pushReceiver.ping()
        } else {
            self.send(RedisCommand("PING")) { _ in }
        }
    }
}

/// What a connection tells about its end.
protocol RedisChannelListener: AnyObject {
    /// It is of no use any more; the completions of its commands follow.
    func channelWillClose(_ error: RedisError)
    /// All completions were called.
    func channelDidClose(_ error: RedisError)
}

/// Takes what comes without a command of its own: pub/sub.
protocol RedisPushReceiver: AnyObject {
    /// Whether the server owes an answer.
    var isWaiting: Bool { get }
    /// Takes a reply; an error closes the connection.
    func received(_ reply: borrowing ReceivedReply) -> RedisError?
    /// All replies of one read were handed over.
    func readCompleted()
    /// Asks for a sign of life.
    func ping()
}

/// Counters that outlive connections.
final class CounterCell {
    var value = RedisCounters()
}
