// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// Collects what callbacks say, from any thread.
final class Recorder<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    func add(_ element: Element) { self.elements.withLock { $0.append(element) } }

    var all: [Element] { self.elements.withLock { $0 } }
}

/// Waits until something is true, for ten seconds at most.
func eventually(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    for _ in 0..<2000 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("never: \(what)", sourceLocation: sourceLocation)
    throw TestFailure("never: \(what)")
}

extension RedisConfiguration {
    /// Quick to notice and to come back.
    static func testing(_ url: String) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(url: try RedisURL(url), clientName: "rollcall-test")
        configuration.backoff = Backoff(initial: .milliseconds(5), maximum: .milliseconds(50))
        return configuration
    }

    static func testing(port: Int) throws -> RedisConfiguration { try .testing("redis://127.0.0.1:\(port)") }
}

/// What a client under test told.
struct ClientEvents: Sendable {
    let connected = Recorder<RedisServerInfo>()
    let lost = Recorder<RedisError>()
    let log = Recorder<String>()
}

/// Runs a client for the time of `body`.
func withClient<Outcome>(
    _ configuration: RedisConfiguration, _ body: (RedisClient, ClientEvents) async throws -> Outcome
) async throws -> Outcome {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let events = ClientEvents()
    let client = RedisClient(configuration: configuration, eventLoop: loop, logger: Logger(recording: events.log))
    try await loop.submit {
        client.onConnected = { events.connected.add($0) }
        client.onDisconnected = { events.lost.add($0) }
    }.get()
    return try await running({ try await client.run() }) { try await body(client, events) }
}

/// Runs `service` in the background for the time of `body`.
func running<Outcome>(
    _ service: @escaping @Sendable () async throws -> Void, _ body: () async throws -> Outcome
) async throws -> Outcome {
    let background = Task { try await service() }
    do {
        let outcome = try await body()
        background.cancel()
        try await background.value
        return outcome
    } catch {
        background.cancel()
        _ = await background.result
        throw error
    }
}

extension RedisClient {
    /// Sends a command and waits, for a connection too.
    @discardableResult
    func command(_ words: String...) async throws -> RedisReply {
        try await self.execute(RedisCommand(words), waitUpTo: .seconds(10))
    }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await self.eventLoop.submit(body).get()
    }

    func isReady() async throws -> Bool { try await self.onLoop { self.serverInfo != nil } }
}

extension Logger {
    init(recording recorder: Recorder<String>) {
        self.init(label: "redis") { _ in RecordingLogHandler(recorder: recorder) }
    }
}

private struct RecordingLogHandler: LogHandler {
    let recorder: Recorder<String>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(recorder: Recorder<String>) { self.recorder = recorder }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = self.metadata.merging(event.metadata ?? [:]) { $1 }
        self.recorder.add("\(event.level) \(event.message) \(all)")
    }
}
