// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

extension RedisConfiguration {
    /// Quick to notice and to come back.
    static func testing(_ url: String) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(url: try RedisURL(url), clientName: "rollcall-test")
        configuration.backoff = Backoff(initial: .milliseconds(5), maximum: .milliseconds(50))
        // A busy machine makes nobody give up.
        configuration.connectTimeout = .seconds(60)
        configuration.commandTimeout = .seconds(60)
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

extension RedisClient {
    /// Sends a command and waits, for a connection too.
    @discardableResult
    func command(_ words: String...) async throws -> RedisReply {
        try await self.execute(RedisCommand(words), waitUpTo: .seconds(60))
    }

    func onLoop<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await self.eventLoop.submit(body).get()
    }

    func isReady() async throws -> Bool { try await self.onLoop { self.serverInfo != nil } }
}
