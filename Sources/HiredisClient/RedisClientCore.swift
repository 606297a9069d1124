// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The client's state, on its event loop: the connection, the commands that wait for one, and the scripts being loaded.
final class RedisClientCore {
    private struct WaitingCommand {
        let command: RedisCommand
        let deadline: NIODeadline
        let token: UInt64?
        let completion: RedisCompletion
    }

    let connection: RedisConnection
    var onConnected: ((RedisServerInfo) -> Void)?
    var onDisconnected: ((RedisError) -> Void)?
    private(set) var serverInfo: RedisServerInfo?

    private let eventLoop: any EventLoop
    private let turn: TurnQueue
    private var waiting = RingBuffer<WaitingCommand>()
    private var waitingBytes = 0
    private var expiry: (deadline: NIODeadline, task: Scheduled<Void>)?
    private var scriptsUnderWay: Set<String> = []

    /// Expired commands are looked for no more often than this.
    private static let expiryPause = TimeAmount.milliseconds(5)

    init(connection: RedisConnection) {
        self.connection = connection
        self.eventLoop = connection.eventLoop
        self.turn = TurnQueue(eventLoop: connection.eventLoop)
        connection.owner = self
    }

    private var configuration: RedisConfiguration { self.connection.configuration }

    // MARK: Commands

    func send(
        _ command: RedisCommand, waitUpTo: TimeAmount?, token: UInt64? = nil, completion: @escaping RedisCompletion
    ) {
        guard command.wordCount > 0 else {
            self.refuse(RedisError(.invalidCommand, "a command needs a name"), completion)
            return
        }
        if let handler = self.connection.ready {
            guard self.hasRoom(for: command.byteCount, on: handler) else { return self.refuseFull(completion) }
            handler.send(command, completion: completion)
        } else {
            self.wait(command, upTo: waitUpTo, token: token, completion)
        }
    }

    func send(
        capacity: Int, waitUpTo: TimeAmount?, _ build: (inout RedisCommandWriter) -> Void,
        completion: @escaping RedisCompletion
    ) {
        guard let handler = self.connection.ready else {
            guard waitUpTo != nil else { return self.refuse(self.unavailable, completion) }
            self.send(RedisCommand(capacity: capacity, build), waitUpTo: waitUpTo, completion: completion)
            return
        }
        guard self.hasRoom(for: capacity, on: handler) else { return self.refuseFull(completion) }
        if !handler.send(capacity: capacity, build, completion: completion) {
            self.refuse(RedisError(.invalidCommand, "a command needs a name"), completion)
        }
    }

    private func hasRoom(for byteCount: Int, on handler: RedisChannelHandler?) -> Bool {
        let count = self.waiting.count + (handler?.pendingCount ?? 0)
        let bytes = self.waitingBytes + (handler?.pendingBytes ?? 0)
        return count < self.configuration.maxQueuedCommands && bytes + byteCount <= self.configuration.maxQueuedBytes
    }

    private var unavailable: RedisError {
        self.connection.isClosed
            ? RedisError(.closed, "the client was shut down") : RedisError(.disconnected, "there is no connection")
    }

    private func refuse(_ error: RedisError, _ completion: @escaping RedisCompletion) {
        self.connection.counters.value.dropped += 1
        self.turn.add { completion(.failure(error)) }
    }

    private func refuseFull(_ completion: @escaping RedisCompletion) {
        self.refuse(RedisError(.queueFull, "too many commands are waiting"), completion)
    }

    // MARK: Waiting for a connection

    private func wait(
        _ command: RedisCommand, upTo patience: TimeAmount?, token: UInt64?, _ completion: @escaping RedisCompletion
    ) {
        guard let patience, !self.connection.isClosed else { return self.refuse(self.unavailable, completion) }
        guard self.hasRoom(for: command.byteCount, on: nil) else { return self.refuseFull(completion) }
        let deadline = NIODeadline.now() + patience
        self.waiting.append(
            WaitingCommand(command: command, deadline: deadline, token: token, completion: completion))
        self.waitingBytes += command.byteCount
        self.scheduleExpiry(at: deadline)
    }

    private func scheduleExpiry(at deadline: NIODeadline) {
        if let expiry = self.expiry {
            guard deadline < expiry.deadline else { return }
            expiry.task.cancel()
        }
        let task = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.expire() }
        self.expiry = (deadline, task)
    }

    private func expire() {
        self.expiry = nil
        let now = NIODeadline.now()
        let expired = self.waiting.remove { $0.deadline <= now }
        self.waitingBytes -= expired.reduce(0) { $0 + $1.command.byteCount }
        if let next = self.waiting.lazy.map(\.deadline).min() {
            self.scheduleExpiry(at: max(next, now + Self.expiryPause))
        }
        for command in expired { self.timeOut(command) }
    }

    private func timeOut(_ command: WaitingCommand) {
        self.connection.counters.value.timeouts += 1
        self.connection.counters.value.dropped += 1
        command.completion(.failure(RedisError(.timeout, "no connection in time")))
    }

    /// Takes back a command that still waits for a connection; false when it does not.
    func withdraw(token: UInt64) -> Bool {
        let withdrawn = self.waiting.remove { $0.token == token }
        self.waitingBytes -= withdrawn.reduce(0) { $0 + $1.command.byteCount }
        self.connection.counters.value.dropped += withdrawn.count
        return !withdrawn.isEmpty
    }

    private func sendWaiting() {
        let now = NIODeadline.now()
        while let handler = self.connection.ready, let next = self.waiting.popFirst() {
            self.waitingBytes -= next.command.byteCount
            if next.deadline <= now {
                self.timeOut(next)
            } else {
                handler.send(next.command, completion: next.completion)
            }
        }
    }

    // MARK: Scripts

    func evaluate(
        _ script: RedisScript, _ command: RedisCommand, waitUpTo: TimeAmount?, token: UInt64? = nil,
        completion: @escaping RedisCompletion
    ) {
        self.send(command, waitUpTo: waitUpTo, token: token) { result in
            guard case .failure(let error) = result, error.serverPrefix == "NOSCRIPT" else { return completion(result) }
            if !self.scriptsUnderWay.contains(script.sha1) { self.load(script) { _ in } }
            self.send(command, waitUpTo: nil, completion: completion)
        }
    }

    /// Commands run in order, so what is sent behind a `SCRIPT LOAD` under way needs no second one.
    func load(_ script: RedisScript, completion: @escaping RedisCompletion) {
        self.send(RedisCommand("SCRIPT", "LOAD", script.source), waitUpTo: nil) { result in
            self.scriptsUnderWay.remove(script.sha1)
            completion(result)
        }
        if self.connection.ready != nil { self.scriptsUnderWay.insert(script.sha1) }
    }
}

extension RedisClientCore: RedisConnectionOwner {
    func connectionIsReady(_ info: RedisServerInfo) {
        self.serverInfo = info
        self.onConnected?(info)
        self.sendWaiting()
    }

    func connectionWasLost(_ error: RedisError) {
        self.serverInfo = nil
        self.onDisconnected?(error)
    }

    func connectionEnded() {
        self.serverInfo = nil
        self.expiry?.task.cancel()
        self.expiry = nil
        self.waitingBytes = 0
        while let next = self.waiting.popFirst() {
            self.connection.counters.value.dropped += 1
            next.completion(.failure(self.unavailable))
        }
        // They may hold the client.
        (self.onConnected, self.onDisconnected) = (nil, nil)
    }
}
