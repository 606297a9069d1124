// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec
import TestSupport
import Testing

@testable import RollcallRedis

/// Several servers, one Redis, real clients.
@Suite struct ClusterBroadcastTests {
    @Test func everyBroadcastReachesEveryClientOfEveryNodeOnceAndInOrder() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(3, redis) { nodes in
            var clients: [WebSocketClient] = []
            for node in nodes { for _ in 0..<4 { clients.append(try await .connect(node)) } }
            let count = 200
            await withTaskGroup(of: Void.self) { group in
                for (index, node) in nodes.enumerated() {
                    group.addTask { for number in 0..<count { node.io.emit("n\(index)", number) } }
                }
            }
            for client in clients {
                try await eventually("all events arrive") { client.events.count >= nodes.count * count }
                for index in nodes.indices {
                    let ofNode = client.events.filter { $0.hasPrefix("42[\"n\(index)\"") }
                    #expect(ofNode == (0..<count).map { "42[\"n\(index)\",\($0)]" })
                }
                #expect(client.events.count == nodes.count * count)
            }
            for node in nodes {
                // A node's own messages come back to it when they may have reached others' clients already.
                try await eventually("all messages came back") { await node.cluster.counters().own == count }
                let counters = await node.cluster.counters()
                #expect(counters.published == count)
                #expect(counters.own == count)
                #expect(counters.received == (nodes.count - 1) * count)
                #expect(counters.dropped.isEmpty)
            }
        }
    }

    @Test func whatOneClientShoutsReachesAllOthersInOrder() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            let shouter = try await WebSocketClient.connect(nodes[0])
            let neighbour = try await WebSocketClient.connect(nodes[0])
            let stranger = try await WebSocketClient.connect(nodes[1])
            for number in 0..<50 { try await shouter.send("42[\"shout\",\"\(number)\"]") }
            let expected = (0..<50).map { "42[\"shout\",\"\($0)\"]" }
            try await neighbour.expect(expected)
            try await stranger.expect(expected)
            try await eventually("all messages came back") { await nodes[0].cluster.counters().own == 50 }
            #expect(shouter.events.isEmpty)
        }
    }

    @Test func roomsAndExceptionsCountOnEveryNode() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            var clients: [WebSocketClient] = []
            for node in nodes {
                for rooms in [["a"], ["b"], ["a", "b"], []] {
                    let client = try await WebSocketClient.connect(node)
                    for room in rooms { try await client.call("join", room) }
                    clients.append(client)
                }
            }
            let io = nodes[0].io
            io.to("a").emit("a")
            io.to("a", "b").emit("ab")
            io.to("a").except("b").emit("a-b")
            io.except("a", "b").emit("-ab")
            io.to("nowhere").emit("nowhere")
            io.emit("end")
            let expected = [
                [#"42["a"]"#, #"42["ab"]"#, #"42["a-b"]"#, #"42["end"]"#], [#"42["ab"]"#, #"42["end"]"#],
                [#"42["a"]"#, #"42["ab"]"#, #"42["end"]"#], [#"42["-ab"]"#, #"42["end"]"#],
            ]
            for (index, client) in clients.enumerated() {
                try await client.expect(expected[index % 4], "client \(index)")
            }
        }
    }

    @Test func aSocketsIDIsARoomOnEveryNode() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            let one = try await WebSocketClient.connect(nodes[1])
            let other = try await WebSocketClient.connect(nodes[1])
            nodes[0].io.to(try one.sid).emit("private", 1)
            nodes[0].io.except(try one.sid).emit("others", 2)
            nodes[0].io.emit("end")
            try await one.expect([#"42["private",1]"#, #"42["end"]"#])
            try await other.expect([#"42["others",2]"#, #"42["end"]"#])
        }
    }

    @Test func binaryArgumentsCrossNodes() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            let client = try await WebSocketClient.connect(nodes[1])
            let value: SocketValue = ["x": .binary(ByteBuffer(bytes: [1, 2, 3])), "y": [.binary(ByteBuffer())]]
            nodes[0].io.emit("bytes", value, "end")
            try await eventually("the attachments arrive") {
                client.all.count { if case .binary = $0 { true } else { false } } == 2
            }
            let head = try #require(client.events.first)
            #expect(head.hasPrefix(#"452-["bytes",{"#))
            #expect(head.contains(#""x":{"_placeholder":true,"num":"#))
            let attachments = client.all.compactMap { if case .binary(let bytes) = $0 { bytes } else { nil } }
            #expect(Set(attachments) == [[1, 2, 3], []])
        }
    }

    @Test func namespacesAreApart() async throws {
        let redis = try RedisServerProcess()
        var options = TestNode.Options()
        options.namespaces = ["/", "/chat"]
        try await withNodes(2, redis, options) { nodes in
            let main = try await WebSocketClient.connect(nodes[1])
            let chat = try await WebSocketClient.connect(nodes[1], namespace: "/chat")
            nodes[0].server.of("/chat").emit("chat")
            nodes[0].io.emit("main")
            try await main.expect([#"42["main"]"#])
            try await eventually("the other namespace's event arrives") { chat.events == [#"42/chat,["chat"]"#] }
        }
    }

    @Test func aConfirmedJoinMissesNothing() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            let client = try await WebSocketClient.connect(nodes[1])
            for number in 0..<50 {
                try await client.call("join", "room\(number)")
                nodes[0].io.to("room\(number)").emit("e", number)
            }
            try await client.expect((0..<50).map { "42[\"e\",\($0)]" })
        }
    }

    @Test func leavingAndJoiningAgainEndsSubscribed() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            try await Peer.run(redis) { peer in
                let client = try await WebSocketClient.connect(nodes[1])
                for number in 0..<20 {
                    try await client.call("join-leave-join", "r")
                    #expect(try await peer.subscriberCount("socket.io#/#r#") == 1)
                    nodes[0].io.to("r").emit("e", number)
                }
                try await client.expect((0..<20).map { "42[\"e\",\($0)]" })
                try await client.call("leave", "r")
                try await eventually("nobody listens") { try await peer.subscriberCount("socket.io#/#r#") == 0 }
            }
        }
    }

    @Test func aNodeListensOnlyToTheRoomsItHas() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis) { peer in
                let one = try await WebSocketClient.connect(nodes[0])
                let other = try await WebSocketClient.connect(nodes[0])
                // The loops of a node are served in turn: both have the room.
                try await one.call("join", "r")
                try await other.call("join", "r")
                #expect(await nodes[0].cluster.counters().rooms == 3)
                await one.close()
                try await eventually("the first is gone") { await nodes[0].cluster.counters().rooms == 2 }
                #expect(try await peer.subscriberCount("socket.io#/#r#") == 1)
                #expect(try await peer.subscriberCount("socket.io#/#\(try other.sid)#") == 1)
                await other.close()
                try await eventually("nobody listens") {
                    let ofRoom = try await peer.subscriberCount("socket.io#/#r#")
                    let ofSocket = try await peer.subscriberCount("socket.io#/#\(try other.sid)#")
                    return ofRoom == 0 && ofSocket == 0
                }
                #expect(await nodes[0].cluster.counters().rooms == 0)
            }
        }
    }

    @Test func commandsReachSocketsOfOtherNodesInOrder() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            var clients: [WebSocketClient] = []
            for _ in 0..<4 { clients.append(try await .connect(nodes[1])) }
            let io = nodes[0].io
            io.everyone.socketsJoin("r", "s")
            io.to("r").emit("joined")
            io.to("r").socketsLeave("r")
            io.to("r").emit("nobody")
            io.to("s").emit("bye")
            io.to("s").disconnectSockets()
            for client in clients {
                try await client.expect([#"42["joined"]"#, #"42["bye"]"#])
                try await eventually("the client is sent away") { client.texts.last == "41" }
            }
        }
    }
}
