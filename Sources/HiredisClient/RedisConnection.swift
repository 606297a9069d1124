// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Logging
import NIOCore
import NIOPosix

/// Keeps one connection to Redis up: connects, shakes hands, watches it, pauses and connects again. Lives on its
/// event loop.
final class RedisConnection {
    let eventLoop: any EventLoop
    let configuration: RedisConfiguration
    let counters = CounterCell()

    /// The connection in use; nil while there is none that is ready.
    private(set) var ready: RedisChannelHandler?

    /// The owner keeps this object.
    weak var owner: (any RedisConnectionOwner)?
    weak var pushReceiver: (any RedisPushReceiver)?

    private let purpose: RedisHandshake.Purpose
    private let logger: Logger
    private var machine: StateMachine
    private var handler: RedisChannelHandler?
    private var handshake: RedisHandshake
    private var ticks: Scheduled<Void>?
    private var pause: Scheduled<Void>?
    private var ended: ((Result<Void, RedisError>) -> Void)?
    private var reportedReason: String?
    /// What is told when the completions of a closed connection's commands were called.
    private var lossIsDue = false
    private var endIsDue = false

    init(
        configuration: RedisConfiguration, purpose: RedisHandshake.Purpose, eventLoop: any EventLoop, logger: Logger
    ) {
        self.configuration = configuration
        self.purpose = purpose
        self.eventLoop = eventLoop
        var logger = logger
        logger[metadataKey: "redis"] = "\(configuration.url)"
        self.logger = logger
        self.machine = StateMachine(backoff: configuration.backoff)
        self.handshake = RedisHandshake(configuration: configuration, purpose: purpose)
    }

    /// Whether it was stopped for good.
    var isClosed: Bool {
        switch self.machine.state {
        case .stopping, .closed: true
        default: false
        }
    }

    /// Begins; `ended` is called once, when it is over.
    func start(ended: @escaping (Result<Void, RedisError>) -> Void) {
        if self.configuration.url.isTLS, self.configuration.tls == nil {
            ended(.failure(RedisError(.misconfigured, "\(self.configuration.url) needs TLS, and none is configured")))
            return
        }
        switch self.machine.start() {
        case .connect:
            self.ended = ended
            self.connect()
        case .end:  // stopped before it began
            self.ended = ended
            self.end()
        case .refuse:
            ended(.failure(RedisError(.closed, "run() was called a second time")))
        }
    }

    /// Ends it: commands under way get their replies within the grace, nothing new is taken.
    func stop() {
        switch self.machine.stop() {
        case .end: self.end()
        case .close: self.handler?.close(RedisError(.closed, "the client was shut down"))
        case .drain: self.drain()
        case .ignore: break
        }
    }

    /// Closes the present connection, if there is one; another is made.
    func reset(reason: String) {
        self.handler?.close(RedisError(.disconnected, "reset: \(reason)"))
    }

    private func drain() {
        guard let handler = self.handler, self.purpose == .commands else {
            self.handler?.close(RedisError(.closed, "the subscriber was shut down"))
            return
        }
        self.ready = nil
        self.eventLoop.assumeIsolated().scheduleTask(in: self.configuration.shutdownGrace) {
            handler.close(RedisError(.closed, "the client was shut down before the reply came"))
        }
        handler.closeWhenIdle()
    }

    private func end() {
        self.pause?.cancel()
        let ended = self.ended.take()
        self.owner?.connectionEnded()
        ended?(.success(()))
    }
}

// MARK: - Connecting

extension RedisConnection {
    private func connect() {
        let tls = self.configuration.url.isTLS ? self.configuration.tls : nil
        let bootstrap = ClientBootstrap(group: self.eventLoop)
            .connectTimeout(self.configuration.connectTimeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let tls else { return }
                    try channel.pipeline.syncOperations.addHandler(try tls(channel))
                }
            }
        let attempt: EventLoopFuture<any Channel>
        switch self.configuration.url.address {
        case .tcp(let host, let port):
            if let address = try? SocketAddress(ipAddress: host, port: port) {
                attempt = bootstrap.connect(to: address)
            } else {
                attempt = bootstrap.connect(host: host, port: port)
            }
        case .unix(let path):
            attempt = bootstrap.connect(unixDomainSocketPath: path)
        }
        attempt.hop(to: self.eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.connected(channel)
            case .failure(let error): self.connectFailed(error)
            }
        }
    }

    private func connectFailed(_ error: any Error) {
        switch self.machine.transportFailed(chance: .random(in: 0...1)) {
        case .retry(let pause, _):
            let place = FailureText.address(in: self.configuration)
            let reason = FailureText.of(error, self.configuration)
            self.report(RedisError(.disconnected, "cannot connect to \(place): \(reason)"), pause: pause)
            self.connect(after: pause)
        case .end: self.end()
        case .ignore: break
        }
    }

    private func connected(_ channel: any Channel) {
        guard self.machine.transportConnected() == .handshake else {
            channel.close(promise: nil)
            return
        }
        let handler = RedisChannelHandler(
            configuration: self.configuration, counters: self.counters, listener: self, pushReceiver: self.pushReceiver)
        self.handler = handler
        do {
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            let error = RedisError(.disconnected, FailureText.of(error, self.configuration))
            self.channelWillClose(error)
            self.channelDidClose(error)
            return
        }
        self.scheduleTick(handler)
        self.beginHandshake(handler)
        // It may have broken before the handler could see it.
        if !channel.isActive { handler.close(RedisError(.disconnected, "the server closed the connection")) }
    }

    private func connect(after pause: TimeAmount) {
        self.pause = self.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            if self.machine.pauseElapsed() == .connect { self.connect() }
        }
    }

    private func beginHandshake(_ handler: RedisChannelHandler) {
        self.handshake = RedisHandshake(configuration: self.configuration, purpose: self.purpose)
        for (step, command) in self.handshake.commands {
            guard handler.isOpen else { return }
            handler.send(command) { self.handshakeReceived($0, to: step, handler: handler) }
        }
    }

    private func handshakeReceived(
        _ result: Result<RedisReply, RedisError>, to step: RedisHandshake.Step, handler: RedisChannelHandler
    ) {
        guard handler.isOpen, let outcome = self.handshake.received(result, to: step) else { return }
        switch outcome {
        case .success(let info): self.handshakeSucceeded(info, handler: handler)
        case .failure(let error): handler.close(error)
        }
    }

    private func handshakeSucceeded(_ info: RedisServerInfo, handler: RedisChannelHandler) {
        guard case .announce(let generation) = self.machine.handshakeCompleted() else { return }
        var info = info
        info.generation = generation
        if generation > 1 { self.counters.value.reconnects += 1 }
        self.logger.log(
            level: self.reportedReason == nil ? .debug : .info, "connected to Redis",
            metadata: [
                "role": "\(info.role)", "version": "\(info.version ?? "unknown")", "generation": "\(generation)",
            ])
        self.reportedReason = nil
        self.ready = handler
        self.owner?.connectionIsReady(info)
    }

    private func scheduleTick(_ handler: RedisChannelHandler) {
        self.ticks = self.eventLoop.assumeIsolated().scheduleTask(in: handler.tickInterval) {
            guard handler.isOpen else { return }
            self.machine.connectionIsStable()
            handler.tick()
            if handler.isOpen { self.scheduleTick(handler) }
        }
    }
}

// MARK: - The end of a connection

extension RedisConnection: RedisChannelListener {
    func channelWillClose(_ error: RedisError) {
        (self.handler, self.ready) = (nil, nil)
        self.ticks?.cancel()
        switch self.machine.connectionLost(chance: .random(in: 0...1)) {
        case .retry(let pause, let wasReady):
            self.lossIsDue = wasReady
            self.report(error, pause: pause)
            self.connect(after: pause)
        case .end:
            self.endIsDue = true
        case .ignore:
            break
        }
    }

    func channelDidClose(_ error: RedisError) {
        if self.lossIsDue {
            self.lossIsDue = false
            self.owner?.connectionWasLost(error)
        }
        if self.endIsDue {
            self.endIsDue = false
            self.end()
        }
    }

    /// A warning for each new reason; while the same goes on it is repeated for those who look closer.
    private func report(_ error: RedisError, pause: TimeAmount) {
        let isNew = self.reportedReason != error.description
        self.reportedReason = error.description
        self.logger.log(
            level: isNew ? .warning : .debug, "no connection to Redis",
            metadata: ["reason": "\(error)", "retryInMs": "\(pause.nanoseconds / 1_000_000)"])
    }
}

extension RedisConnection {
    /// The server does not let the user subscribe to a channel.
    func reportRefusal(of channel: String, _ error: RedisError) {
        self.logger.warning(
            "Redis refuses a subscription", metadata: ["reason": "\(error)", "channel": "\(channel)"])
    }
}

/// What a connection tells its owner.
protocol RedisConnectionOwner: AnyObject {
    /// A connection is ready.
    func connectionIsReady(_ info: RedisServerInfo)
    /// The ready connection was lost; the completions of its commands were called.
    func connectionWasLost(_ error: RedisError)
    /// It is over; there will be no further connection.
    func connectionEnded()
}
