// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec
import TestSupport
import Testing

@testable import RollcallRedis

/// Questions while Redis is away, and more of them than may be.
@Suite struct ClusterQuestionBoundTests {
    /// No question that can be answered waits so long.
    private static let never = Duration.seconds(600)

    /// What there is when the caller of a question gives up: the same as at its deadline.
    private static func givenUp<Element: Sendable>(
        _ node: TestNode, _ question: @escaping @Sendable (TestNode) async -> ClusterResponses<Element>,
        when ready: () async throws -> Void = {}
    ) async throws -> ClusterResponses<Element> {
        let caller = Task { await question(node) }
        try await node.isWaiting()
        try await ready()
        caller.cancel()
        let responses = await caller.value
        try await TestNode.nothingIsPending([node])
        return responses
    }

    @Test func withoutRedisThereIsWhatThisNodeKnows() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(3, redis) { nodes in
            let client = try await WebSocketClient.connect(nodes[0])
            _ = try await WebSocketClient.connect(nodes[1])
            #expect(await nodes[0].io.fetchSockets(timeout: Self.never).count == 2)
            redis.stop()
            try await TestNode.notice(nodes)
            let sockets = try await Self.givenUp(nodes[0]) { await $0.io.fetchSockets(timeout: Self.never) }
            #expect(sockets.map(\.id) == [try client.sid])
            #expect(sockets.missingServers == 2)
            // This one never asked before: it knows of nobody, but not that there is nobody.
            let others = try await Self.givenUp(nodes[2]) { await $0.io.fetchSockets(timeout: Self.never) }
            #expect(others.missingServers == 1)
            let some = try await Self.givenUp(nodes[0]) {
                await $0.io.emitWithAck("q", timeout: Self.never)
            } when: {
                try await client.expect([#"420["q"]"#])
                try await client.send(#"430["yes"]"#)
                try await client.call("leave", "r", id: 1)  // so the answer has been read
            }
            #expect(try some.decode(String.self) == ["yes"])
            #expect((some.missingServers, some.missingClients) == (2, 0))
            let answers = try await Self.givenUp(nodes[0]) {
                await $0.cluster.serverSideEmitWithAck("e", timeout: Self.never)
            }
            #expect(answers.missingServers == 2)

            try redis.start()
            try await TestNode.areReady(nodes)
            let all = await nodes[0].io.fetchSockets(timeout: Self.never)
            #expect(all.isComplete && all.count == 2)
        }
    }

    @Test func aQuestionWaitsForRedisAsLongAsItsCaller() async throws {
        let redis = try RedisServerProcess()
        redis.stop()
        var options = TestNode.Options()
        options.waitsUntilReady = false
        try await withNodes(2, redis, options) { nodes in
            let client = try await WebSocketClient.connect(nodes[1])
            // More callers go than come: none may leave anything behind.
            for _ in 0..<20 { _ = await nodes[0].io.fetchSockets(timeout: .zero) }
            let room = nodes[0].io.to(try client.sid)
            async let sockets = room.fetchSockets(timeout: Self.never)
            try await eventually("the request waits") { await nodes[0].cluster.counters().pendingRequests == 1 }
            // The node that is asked must be there first: the other one's request is sent as soon as it can be.
            try redis.start()
            try await TestNode.areReady(nodes)
            let found = await sockets
            #expect(found.missingServers == 0)
            try await TestNode.nothingIsPending(nodes)
            #expect(await nodes[0].io.fetchSockets(timeout: Self.never).map(\.id) == [try client.sid])
        }
    }

    @Test func aConnectionLostInBetweenIsWaitedForNoLongerThanTheCallerDoes() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            _ = try await WebSocketClient.connect(nodes[0])
            #expect(await nodes[0].io.fetchSockets(timeout: Self.never).isComplete)
            redis.pause()
            let some = try await Self.givenUp(nodes[0]) {
                await $0.io.fetchSockets(timeout: Self.never)
            } when: {
                redis.stop()
            }
            #expect((some.count, some.missingServers) == (1, 1))
        }
    }

    @Test func aCancelledCallerLeavesNothingBehind() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis, hearing: ["socket.io-request#/#"]) { peer in
                let caller = Task { await nodes[0].io.fetchSockets(timeout: Self.never) }
                try await eventually("the request arrives") { peer.texts(on: "socket.io-request#/#").count == 1 }
                try await nodes[0].isWaiting()
                caller.cancel()
                #expect(await caller.value.missingServers == 1)
                try await TestNode.nothingIsPending(nodes)
            }
        }
    }

    @Test func requestsAndAnswersAreBounded() async throws {
        let redis = try RedisServerProcess()
        var options = TestNode.Options()
        options.configure = {
            $0.maxPendingRequests = 2
            $0.maxResponseBytes = 2000
        }
        try await withNodes(1, redis, options) { nodes in
            let io = nodes[0].io
            _ = try await WebSocketClient.connect(nodes[0])
            try await Peer.run(redis, hearing: ["socket.io-request#/#"]) { peer in
                async let first = io.fetchSockets(timeout: Self.never)
                try await eventually("one request arrives") { peer.texts(on: "socket.io-request#/#").count == 1 }
                async let second = io.fetchSockets(timeout: Self.never)
                try await eventually("both requests arrive") { peer.texts(on: "socket.io-request#/#").count == 2 }
                // Not sent: there is what this node knows, at once.
                let third = await io.fetchSockets(timeout: Self.never)
                #expect((third.count, third.missingServers) == (1, 1))
                #expect(await nodes[0].cluster.counters().dropped == [.queueFull: 1])

                var ids: [String] = []
                for message in peer.messages(on: "socket.io-request#/#") {
                    ids.append(
                        try #require(try message.withUnsafeReadableBytes { try ClusterResponse.requestID(in: $0) }))
                }
                let responses = "socket.io-response#/#"
                let large = #"{"requestId":"\#(ids[0])","sockets":[{"id":"\#(String(repeating: "x", count: 2000))"}]}"#
                try await peer.publish(large, on: responses)
                try await peer.publish(#"{"requestId":"\#(ids[0])","sockets":[{"id":"a"}]}"#, on: responses)
                #expect(await first.map(\.id).last == "a")
                #expect(await nodes[0].cluster.counters().dropped == [.queueFull: 1, .overloaded: 1])
                try await peer.publish(#"{"requestId":"\#(ids[1])","sockets":[]}"#, on: responses)
                #expect(await second.count == 1)
                #expect(peer.texts(on: "socket.io-request#/#").count == 2)
            }
        }
    }
}
