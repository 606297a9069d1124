// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOPosix
import Rollcall
import RollcallRedis
import SocketIOCodec
import Synchronization
import TestSupport
import Testing

extension RedisConfiguration {
    /// Quick to notice and to come back.
    static func testing(port: Int) throws -> RedisConfiguration {
        var configuration = RedisConfiguration(url: try RedisURL("redis://127.0.0.1:\(port)"), clientName: "test")
        configuration.backoff = Backoff(initial: .milliseconds(5), maximum: .milliseconds(50))
        // A busy machine makes nobody give up.
        configuration.connectTimeout = .seconds(60)
        configuration.commandTimeout = .seconds(60)
        return configuration
    }
}

/// What a foreign node or emitter is to the cluster: somebody who publishes and hears bytes.
final class Peer: Sendable {
    private let client: RedisClient
    private let subscriber: RedisSubscriber
    private let heard = Recorder<(channel: String, message: ByteBuffer)>()

    private init(_ configuration: RedisConfiguration) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.client = RedisClient(configuration: configuration, eventLoop: loop)
        self.subscriber = RedisSubscriber(configuration: configuration, eventLoop: loop)
    }

    /// - Parameter channels: what it listens to.
    static func run<Outcome>(
        _ redis: RedisServerProcess, hearing channels: [String] = [], _ body: (Peer) async throws -> Outcome
    ) async throws -> Outcome {
        let peer = Peer(try .testing(port: redis.port))
        try await peer.client.eventLoop.submit {
            peer.subscriber.onMessage = { channel, message in
                peer.heard.add((String(decoding: channel, as: UTF8.self), ByteBuffer(bytes: message)))
            }
            peer.subscriber.subscribe(channels)
        }.get()
        return try await running({ try await peer.client.run() }) {
            try await running({ try await peer.subscriber.run() }) {
                try await eventually("the peer is subscribed") {
                    try await peer.client.eventLoop.submit { peer.subscriber.isReady }.get()
                }
                return try await body(peer)
            }
        }
    }

    /// How many clients heard it.
    @discardableResult
    func publish(_ message: ByteBuffer, on channel: String) async throws -> Int {
        var command = RedisCommand("PUBLISH", channel)
        command.append(message)
        return try await self.client.execute(command, waitUpTo: .seconds(60)).int ?? -1
    }

    @discardableResult
    func publish(_ message: String, on channel: String) async throws -> Int {
        try await self.publish(ByteBuffer(string: message), on: channel)
    }

    func subscriberCount(_ channel: String) async throws -> Int {
        let reply = try await self.client.execute(RedisCommand("PUBSUB", "NUMSUB", channel), waitUpTo: .seconds(60))
        return reply.elements?.last?.int ?? -1
    }

    func messages(on channel: String) -> [ByteBuffer] {
        self.heard.all.filter { $0.channel == channel }.map(\.message)
    }

    func texts(on channel: String) -> [String] { self.messages(on: channel).map { String(buffer: $0) } }
}

extension ByteBuffer {
    /// Bytes written as `93 a6 …`.
    init(hex: String) {
        self.init(
            bytes: hex.split { $0 == " " || $0 == "\n" }.flatMap { word in
                stride(from: 0, to: word.count, by: 2).compactMap { offset in
                    UInt8(word.dropFirst(offset).prefix(2), radix: 16)
                }
            })
    }

    var hex: String {
        self.readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    }

    /// MessagePack of a value.
    static func messagePack(_ value: SocketValue) -> ByteBuffer {
        var buffer = ByteBuffer()
        MessagePackWriter.write(value, into: &buffer)
        return buffer
    }

    var messagePackValue: SocketValue? {
        self.withUnsafeReadableBytes { bytes in
            var reader = MessagePackReader(bytes)
            return try? reader.readValue()
        }
    }
}
