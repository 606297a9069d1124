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
    @Test func withoutRedisThereIsWhatThisNodeKnows() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(3, redis) { nodes in
            let client = try await WebSocketClient.connect(nodes[0])
            _ = try await WebSocketClient.connect(nodes[1])
            #expect(await nodes[0].io.fetchSockets(timeout: .seconds(60)).count == 2)
            redis.stop()
            try await eventually("the nodes notice") { !nodes.contains { $0.cluster.isReady } }
            let sockets = await nodes[0].io.fetchSockets(timeout: .milliseconds(300))
            #expect(sockets.map(\.id) == [try client.sid])
            #expect(sockets.missingServers == 2)
            // This one never asked before: it knows of nobody, but not that there is nobody.
            #expect(await nodes[2].io.fetchSockets(timeout: .milliseconds(300)).missingServers == 1)
            async let acknowledgements = nodes[0].io.emitWithAck("q", timeout: .seconds(2))
            try await client.expect([#"420["q"]"#])
            try await client.send(#"430["yes"]"#)
            let some = await acknowledgements
            #expect(try some.decode(String.self) == ["yes"])
            #expect((some.missingServers, some.missingClients) == (2, 0))
            #expect(await nodes[0].cluster.serverSideEmitWithAck("e", timeout: .milliseconds(10)).missingServers == 2)
            for node in nodes {
                try await eventually("no request is left") { await node.cluster.counters().pendingRequests == 0 }
            }

            try redis.start()
            try await eventually("the nodes are ready again") { nodes.allSatisfy { $0.cluster.isReady } }
            let all = await nodes[0].io.fetchSockets(timeout: .seconds(60))
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
            async let sockets = room.fetchSockets(timeout: .seconds(600))
            try await eventually("the request waits") { await nodes[0].cluster.counters().pendingRequests == 1 }
            // The node that is asked must be there first: the other one's request is sent as soon as it can be.
            try redis.start()
            try await eventually("the nodes are ready") { nodes.allSatisfy { $0.cluster.isReady } }
            let found = await sockets
            #expect(found.missingServers == 0)
            try await eventually("no request is left") { await nodes[0].cluster.counters().pendingRequests == 0 }
            #expect(await nodes[0].io.fetchSockets(timeout: .seconds(60)).map(\.id) == [try client.sid])
        }
    }

    @Test func aConnectionLostInBetweenEndsAtTheDeadline() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            _ = try await WebSocketClient.connect(nodes[0])
            #expect(await nodes[0].io.fetchSockets(timeout: .seconds(60)).isComplete)
            redis.pause()
            async let sockets = nodes[0].io.fetchSockets(timeout: .seconds(1))
            try await eventually("the request is under way") {
                await nodes[0].cluster.counters().pendingRequests == 1
            }
            redis.stop()
            let some = await sockets
            #expect((some.count, some.missingServers) == (1, 1))
            try await eventually("no request is left") { await nodes[0].cluster.counters().pendingRequests == 0 }
        }
    }

    @Test func aCancelledCallerLeavesNothingBehind() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis, hearing: ["socket.io-request#/#"]) { peer in
                let caller = Task { await nodes[0].io.fetchSockets(timeout: .seconds(600)) }
                try await eventually("the request arrives") { peer.texts(on: "socket.io-request#/#").count == 1 }
                caller.cancel()
                #expect(await caller.value.missingServers == 1)
                try await eventually("no request is left") {
                    await nodes[0].cluster.counters().pendingRequests == 0
                }
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
                async let first = io.fetchSockets(timeout: .seconds(600))
                try await eventually("one request arrives") { peer.texts(on: "socket.io-request#/#").count == 1 }
                async let second = io.fetchSockets(timeout: .seconds(600))
                try await eventually("both requests arrive") { peer.texts(on: "socket.io-request#/#").count == 2 }
                // Not sent: there is what this node knows, at once.
                let third = await io.fetchSockets(timeout: .seconds(600))
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
