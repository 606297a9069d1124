// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec
import TestSupport
import Testing

@testable import RollcallRedis

/// Servers ask each other, and the clients of all.
@Suite struct ClusterQuestionTests {
    /// No question that can be answered waits so long.
    private static let never = Duration.seconds(600)
    /// Long enough for everybody who answers.
    private static let patience = Duration.seconds(10)

    @Test func socketsAreFetchedFromAllNodes() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(3, redis) { nodes in
            var ids: Set<String> = []
            var inRoom: Set<String> = []
            for node in nodes {
                for index in 0..<3 {
                    let client = try await WebSocketClient.connect(
                        node, auth: #"{"index":\#(index)}"#, headers: ["X-Index: \(index)"])
                    ids.insert(try client.sid)
                    if index == 0 { continue }
                    try await client.call("join", "r")
                    if index == 1 { try await client.call("join", "muted") } else { inRoom.insert(try client.sid) }
                }
            }
            for node in nodes {
                let all = await node.io.fetchSockets(timeout: Self.never)
                #expect(all.isComplete)
                #expect(all.count == 9 && Set(all.map(\.id)) == ids)
                #expect(all.allSatisfy { $0.rooms.contains($0.id) && $0.data["connectedAt"]?.intValue != nil })
                #expect(
                    all.allSatisfy {
                        $0.handshake.auth["index"]?.intValue.map(String.init) == $0.handshake.header("x-index")
                            && $0.handshake.query["EIO"] == "4" && $0.handshake.address == "127.0.0.1"
                    })
                let some = await node.io.to("r", "nowhere").except("muted").fetchSockets(timeout: Self.never)
                #expect(some.count == 3 && Set(some.map(\.id)) == inRoom)
                #expect(some.allSatisfy { $0.rooms == [$0.id, "r"] })
                #expect(await node.io.everyone.local.fetchSockets(timeout: Self.never).count == 3)
                #expect(await node.io.to("nowhere").fetchSockets(timeout: Self.never).isEmpty)
            }
            try await TestNode.nothingIsPending(nodes)
        }
    }

    @Test func aSocketOfAnotherNodeIsReachedByItsID() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            let client = try await WebSocketClient.connect(nodes[1])
            let neighbour = try await WebSocketClient.connect(nodes[1])
            let id = try client.sid
            let socket = try #require(await nodes[0].io.to(id).fetchSockets(timeout: Self.never).first)
            #expect(socket.id == id)
            socket.emit("hello", 1)
            try await client.expect([#"42["hello",1]"#])
            async let answer: String = socket.emitWithAck("question", timeout: Self.never)
            try await client.expect([#"42["hello",1]"#, #"420["question"]"#])
            try await client.send(#"430["yes"]"#)
            #expect(try await answer == "yes")
            socket.join("a", "b")
            #expect(await nodes[0].io.to("a").fetchSockets(timeout: Self.never).map(\.rooms) == [[id, "a", "b"]])
            socket.leave("a")
            #expect(await nodes[0].io.to("b").fetchSockets(timeout: Self.never).map(\.rooms) == [[id, "b"]])
            socket.disconnect()
            try await eventually("the client is sent away") { client.texts.last == "41" }
            #expect(neighbour.events.isEmpty)
            await #expect(throws: AcknowledgementError.disconnected) {
                try await socket.emitWithAck("question", timeout: Self.never, as: String.self)
            }
        }
    }

    /// On nodes with several event loops, what was commanded before is what a question finds.
    @Test func questionsDoNotOvertakeCommands() async throws {
        let redis = try RedisServerProcess()
        var options = TestNode.Options()
        options.eventLoops = 3
        try await withNodes(2, redis, options) { nodes in
            for node in nodes { for _ in 0..<6 { _ = try await WebSocketClient.connect(node) } }
            for number in 0..<100 {
                let io = nodes[number % 2].io
                io.socketsJoin("r\(number)")
                #expect(await io.to("r\(number)").fetchSockets(timeout: Self.never).count == 12)
                io.to("r\(number)").socketsLeave("r\(number)")
                #expect(await io.to("r\(number)").fetchSockets(timeout: Self.never).isEmpty)
            }
        }
    }

    @Test func clientsOfAllNodesAcknowledge() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(3, redis) { nodes in
            var clients: [WebSocketClient] = []
            for node in nodes { for _ in 0..<2 { clients.append(try await .connect(node)) } }
            let muted = try await WebSocketClient.connect(nodes[1])
            try await muted.call("join", "muted", id: 7)
            for (round, node) in nodes.enumerated() {
                let asked = node.io.except("muted")
                async let responses = asked.emitWithAck("who", ["round": round], timeout: Self.never)
                for (index, client) in clients.enumerated() {
                    try await eventually("client \(index) is asked") { client.events.count == round + 1 }
                    #expect(client.events.last == #"42\#(round)["who",{"round":\#(round)}]"#)
                    try await client.send(#"43\#(round)[{"name":"c\#(index)"},"more"]"#)
                }
                let all = await responses
                #expect(all.isComplete)
                struct Answer: Decodable { var name: String }
                #expect(try all.decode(Answer.self).map(\.name).sorted() == (0..<6).map { "c\($0)" })
            }
            #expect(muted.events.isEmpty)
            let nobody = await nodes[0].io.to("nowhere").emitWithAck("who", timeout: Self.never)
            #expect(nobody.isEmpty && nobody.isComplete)
            try await TestNode.nothingIsPending(nodes)
        }
    }

    @Test func whoDoesNotAcknowledgeIsMissing() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            let (here, there) = (
                try await WebSocketClient.connect(nodes[0]), try await WebSocketClient.connect(nodes[1])
            )
            let silent = try await WebSocketClient.connect(nodes[1])
            async let responses = nodes[0].io.timeout(Self.patience).emitWithAck("who")
            for client in [here, there, silent] { try await client.expect([#"420["who"]"#]) }
            for client in [here, there] { try await client.send(#"430["\#(try client.sid)"]"#) }
            let some = await responses
            #expect(Set(try some.decode(String.self)) == [try here.sid, try there.sid])
            #expect((some.missingServers, some.missingClients) == (0, 1))
            #expect(!some.isComplete)
            // Too late.
            try await silent.send(#"430["late"]"#)
            try await TestNode.nothingIsPending(nodes)
        }
    }

    @Test func aServerThatDoesNotAnswerIsMissing() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            for node in nodes { _ = try await WebSocketClient.connect(node) }
            try await Peer.run(redis, hearing: [Self.requests]) { peer in
                async let answering = nodes[0].cluster.serverSideEmitWithAck("nobody listens", timeout: Self.patience)
                let sockets = await nodes[0].io.fetchSockets(timeout: Self.patience)
                #expect((sockets.count, sockets.missingServers, sockets.missingClients) == (2, 1, 0))
                let answers = await answering
                #expect((answers.count, answers.missingServers) == (0, 2))
                #expect(peer.texts(on: Self.requests).count == 2)
            }
            try await Peer.run(redis) { peer in
                try await eventually("the peer is gone") { try await peer.subscriberCount(Self.requests) == 2 }
            }
            #expect(await nodes[0].io.fetchSockets(timeout: Self.never).isComplete)
            try await TestNode.nothingIsPending(nodes)
        }
    }

    /// One that is about to leave asks, but is not waited for.
    @Test func aNodeThatNoLongerAnswersIsNotWaitedFor() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            let here = try await WebSocketClient.connect(nodes[0]).sid
            let there = try await WebSocketClient.connect(nodes[1]).sid
            #expect(await nodes[0].io.fetchSockets(timeout: Self.never).count == 2)
            await nodes[1].cluster.stopAnswering()
            try await Peer.run(redis) { peer in
                try await eventually("one server is left") { try await peer.subscriberCount(Self.requests) == 1 }
            }
            let stays = await nodes[0].io.fetchSockets(timeout: Self.never)
            #expect(stays.isComplete && stays.map(\.id) == [here])
            let leaves = await nodes[1].io.fetchSockets(timeout: Self.never)
            #expect(leaves.isComplete && Set(leaves.map(\.id)) == [here, there])
        }
    }

    @Test func serversAnswerAnEvent() async throws {
        let redis = try RedisServerProcess()
        var options = TestNode.Options()
        options.setUp = { _, cluster in
            cluster.onServerSideEvent("sum") { event in
                event.answer?(.int(Int64(event.arguments.compactMap(\.intValue).reduce(0, +))))
            }
        }
        try await withNodes(3, redis, options) { nodes in
            let answers = await nodes[0].cluster.serverSideEmitWithAck("sum", 1, 2, timeout: Self.never)
            #expect(Array(answers) == [3, 3])
            #expect(answers.isComplete)
            let elsewhere = await nodes[0].cluster.serverSideEmitWithAck("sum", namespace: "/x", timeout: Self.never)
            #expect(elsewhere.isEmpty && elsewhere.isComplete)
        }
    }

    // MARK: Node.js servers

    private static let requests = "socket.io-request#/#"
    private static let responses = "socket.io-response#/#"

    /// The id that a request names, once the peer has heard it.
    private func requestID(_ peer: Peer, _ count: Int) async throws -> String {
        try await eventually("the request arrives") { peer.messages(on: Self.requests).count == count }
        let request = try #require(peer.messages(on: Self.requests).last)
        return try #require(try request.withUnsafeReadableBytes { try ClusterResponse.requestID(in: $0) })
    }

    @Test func answersOfNodeJSServersCount() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            let (io, cluster) = (nodes[0].io, nodes[0].cluster)
            let own = "\(Self.responses)\(cluster.uid)#"
            try await Peer.run(redis, hearing: [Self.requests]) { peer in
                // On the common channel.
                async let sockets = io.to("r").fetchSockets(timeout: Self.never)
                var id = try await self.requestID(peer, 1)
                #expect(
                    peer.texts(on: Self.requests).last
                        == #"{"uid":"\#(cluster.uid)","requestId":"\#(id)","type":5,"opts":{"rooms":["r"],"except":[]}}"#
                )
                // To others, and to nobody.
                try await peer.publish(#"{"requestId":"others","sockets":[{"id":"x"}]}"#, on: Self.responses)
                let description =
                    #"{"id":"s","handshake":{"headers":{"a":"b"},"issued":1,"url":"/"},"rooms":["s","r"],"data":{"n":1}}"#
                try await peer.publish(#"{"requestId":"\#(id)","sockets":[\#(description)]}"#, on: Self.responses)
                let found = await sockets
                #expect(found.isComplete)
                #expect(found.map(\.id) == ["s"])
                #expect(found.first?.data == ["n": 1])
                #expect(found.first?.handshake.header("A") == "b")

                // On the channel of this node.
                async let acknowledgements = io.emitWithAck("q", timeout: Self.never)
                id = try await self.requestID(peer, 2)
                try await peer.publish(#"{"type":8,"requestId":"\#(id)","clientCount":2}"#, on: own)
                for answer in ["one", "two"] {
                    let message = ByteBuffer.messagePack([
                        "type": 9, "requestId": .string(id), "packet": .string(answer),
                    ])
                    try await peer.publish(message, on: own)
                }
                let acknowledged = await acknowledgements
                #expect(acknowledged.isComplete)
                #expect(try acknowledged.decode(String.self) == ["one", "two"])

                async let answers = cluster.serverSideEmitWithAck("ev", 1, timeout: Self.never)
                id = try await self.requestID(peer, 3)
                #expect(
                    peer.texts(on: Self.requests).last
                        == #"{"uid":"\#(cluster.uid)","requestId":"\#(id)","type":6,"data":["ev",1]}"#)
                try await peer.publish(#"{"type":6,"requestId":"\#(id)","data":"pong"}"#, on: Self.responses)
                #expect(await Array(answers) == ["pong"])
                #expect(await cluster.counters().dropped.isEmpty)
            }
        }
    }

    @Test func malformedAnswersAreCountedAndDropped() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis, hearing: [Self.requests]) { peer in
                async let sockets = nodes[0].io.fetchSockets(timeout: Self.never)
                let id = try await self.requestID(peer, 1)
                let garbage: [(String, RedisDropReason)] = [
                    ("{", .malformed), ("", .malformed), ("[]", .unexpectedShape),
                    (#"{"requestId":"\#(id)"}"#, .unexpectedShape),
                    (#"{"requestId":"\#(id)","sockets":{}}"#, .unexpectedShape),
                    (#"{"requestId":"\#(id)","sockets":[{"id":1}]}"#, .unexpectedShape),
                    (#"{"requestId":"\#(id)","sockets":"# + String(repeating: "[", count: 5000), .tooDeep),
                ]
                var expected: [RedisDropReason: Int] = [:]
                for (message, reason) in garbage {
                    try await peer.publish(message, on: Self.responses)
                    expected[reason, default: 0] += 1
                }
                try await peer.publish(#"{"requestId":"\#(id)","sockets":[{"id":"fine"}]}"#, on: Self.responses)
                #expect(await sockets.map(\.id) == ["fine"])
                try await eventually("all are counted") { await nodes[0].cluster.counters().dropped == expected }

                async let acknowledgements = nodes[0].io.emitWithAck("q", timeout: Self.never)
                let second = try await self.requestID(peer, 2)
                for text in [
                    #"{"requestId":"\#(second)","sockets":[]}"#,
                    #"{"type":8,"requestId":"\#(second)","clientCount":-1}"#,
                    #"{"type":6,"requestId":"\#(second)"}"#, #"{"type":8,"requestId":"\#(second)","clientCount":0}"#,
                ] { try await peer.publish(text, on: Self.responses) }
                #expect(await acknowledgements.isComplete)
                expected[.unexpectedShape, default: 0] += 3
                try await eventually("all are counted") { await nodes[0].cluster.counters().dropped == expected }
            }
        }
    }
}
