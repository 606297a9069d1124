// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec
import Synchronization
import TestSupport
import Testing

@testable import RollcallRedis

/// What Node.js servers and emitters say and hear, as bytes.
@Suite struct ClusterInteroperationTests {
    @Test func publishesAsTheReferenceDoes() async throws {
        let redis = try RedisServerProcess()
        let channels = ["socket.io#/#", "socket.io#/#room1#", "socket.io-request#/#"]
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis, hearing: channels) { peer in
                let uid = ByteBuffer(string: nodes[0].cluster.uid).hex
                nodes[0].io.emit("hello", 1, "2")
                nodes[0].io.to("room1").emit("hello")
                nodes[0].io.to("room1").socketsJoin("room2", "room3")
                try await eventually("all is heard") { peer.messages(on: "socket.io-request#/#").count == 1 }
                let broadcast = ByteBuffer(
                    hex: """
                        93 a6 \(uid) 83 a474797065 02 a464617461 93 a568656c6c6f 01 a132 a36e7370 a12f
                        83 a5726f6f6d73 90 a6657863657074 90 a5666c616773 80
                        """)
                #expect(peer.messages(on: "socket.io#/#") == [broadcast])
                let toRoom = ByteBuffer(
                    hex: """
                        93 a6 \(uid) 83 a474797065 02 a464617461 91 a568656c6c6f a36e7370 a12f
                        83 a5726f6f6d73 91 a5726f6f6d31 a6657863657074 90 a5666c616773 80
                        """)
                #expect(peer.messages(on: "socket.io#/#room1#") == [toRoom])
                let command =
                    #"{"uid":"\#(nodes[0].cluster.uid)","type":2,"opts":{"rooms":["room1"],"except":[]},"#
                    + #""rooms":["room2","room3"]}"#
                #expect(peer.texts(on: "socket.io-request#/#") == [command])
            }
        }
    }

    @Test func emittersReachClients() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis) { peer in
                let client = try await WebSocketClient.connect(nodes[0])
                try await client.call("join", "a")
                // ["emitter", {type: 2, data: ["news", 1], nsp: "/"}, {rooms, flags, except}]
                let toAll = ByteBuffer(
                    hex: """
                        93 a7 656d6974746572 83 a474797065 02 a464617461 92 a46e657773 01 a36e7370 a12f
                        83 a5726f6f6d73 90 a5666c616773 80 a6657863657074 90
                        """)
                try await peer.publish(toAll, on: "socket.io#/#")
                let toRoom = ByteBuffer(
                    hex: """
                        93 a7 656d6974746572 83 a474797065 02 a464617461 92 a46e657773 02 a36e7370 a12f
                        83 a5726f6f6d73 91 a161 a5666c616773 80 a6657863657074 90
                        """)
                #expect(try await peer.publish(toRoom, on: "socket.io#/#a#") == 1)
                try await peer.publish(
                    #"{"type":2,"opts":{"rooms":["a"],"except":[]},"rooms":["b"]}"#, on: Self.requests)
                try await eventually("the client is in the room") {
                    try await peer.subscriberCount("socket.io#/#b#") == 1
                }
                nodes[0].io.to("b").emit("b")
                try await client.expect([#"42["news",1]"#, #"42["news",2]"#, #"42["b"]"#])
                try await peer.publish(
                    #"{"type":3,"opts":{"rooms":["a"],"except":[]},"rooms":["b"]}"#, on: Self.requests)
                try await eventually("the client has left the room") {
                    try await peer.subscriberCount("socket.io#/#b#") == 0
                }
                nodes[0].io.to("b").emit("b")
                try await peer.publish(
                    #"{"type":4,"opts":{"rooms":["a"],"except":[]},"close":true}"#, on: Self.requests)
                try await eventually("the client is sent away") { client.all.last == .closed }
                #expect(client.events == [#"42["news",1]"#, #"42["news",2]"#, #"42["b"]"#])
                #expect(client.texts.last == "41")
            }
        }
    }

    private static let requests = "socket.io-request#/#"
    private static let responses = "socket.io-response#/#"

    @Test func requestsAreAnsweredAsCaptured() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis, hearing: [Self.responses]) { peer in
                func ask(_ request: String) async throws -> String {
                    let before = peer.texts(on: Self.responses).count
                    #expect(try await peer.publish(request, on: Self.requests) == 1)
                    try await eventually("the request is answered") { peer.texts(on: Self.responses).count > before }
                    return try #require(peer.texts(on: Self.responses).last)
                }
                #expect(
                    try await ask(#"{"uid":"4XGc8d","requestId":"KssyGU","type":1}"#)
                        == #"{"requestId":"KssyGU","rooms":[]}"#)
                let client = try await WebSocketClient.connect(nodes[0])
                let sid = try client.sid
                try await client.call("join", "a")
                #expect(
                    try await ask(#"{"uid":"4XGc8d","requestId":"KssyGV","type":1}"#)
                        == #"{"requestId":"KssyGV","rooms":["\#(sid)","a"]}"#)
                #expect(
                    try await ask(#"{"uid":"4XGc8d","requestId":"q0","type":0,"rooms":["a"]}"#)
                        == #"{"requestId":"q0","sockets":["\#(sid)"]}"#)
                #expect(
                    try await ask(#"{"uid":"4XGc8d","requestId":"q1","type":0,"rooms":["b"]}"#)
                        == #"{"requestId":"q1","sockets":[]}"#)
                // The form of old nodes.
                #expect(
                    try await ask(#"{"type":2,"sid":"\#(sid)","room":"b","requestId":"q2"}"#) == #"{"requestId":"q2"}"#)
                #expect(
                    try await ask(#"{"uid":"4XGc8d","requestId":"q3","type":0,"rooms":["b"]}"#)
                        == #"{"requestId":"q3","sockets":["\#(sid)"]}"#)
                #expect(
                    try await ask(#"{"type":3,"sid":"\#(sid)","room":"b","requestId":"q4"}"#) == #"{"requestId":"q4"}"#)
                #expect(
                    try await ask(#"{"uid":"4XGc8d","requestId":"q5","type":0,"rooms":["b"]}"#)
                        == #"{"requestId":"q5","sockets":[]}"#)
                #expect(
                    try await ask(#"{"type":4,"sid":"\#(sid)","close":false,"requestId":"q6"}"#)
                        == #"{"requestId":"q6"}"#)
                try await eventually("the client is sent away") { client.texts.last == "41" }
            }
        }
    }

    @Test func socketsAreDescribedAsTheReferenceDoes() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis, hearing: [Self.responses]) { peer in
                let client = try await WebSocketClient.connect(
                    nodes[0], auth: #"{"a":1}"#, headers: ["X-Two: one", "x-two: two", "Origin: http://page"])
                try await client.call("join", "r")
                let request = #"{"uid":"4XGc8d","requestId":"f","type":5,"opts":{"rooms":["r"],"except":[]}}"#
                try await peer.publish(request, on: Self.requests)
                try await eventually("the request is answered") { !peer.messages(on: Self.responses).isEmpty }
                let answer = try #require(peer.messages(on: Self.responses).first)
                #expect(
                    String(buffer: answer).hasPrefix(
                        #"{"requestId":"f","sockets":[{"id":"\#(try client.sid)","handshake":{"headers":{"#))
                let value = try answer.withUnsafeReadableBytes { try JSONReader.value($0) }
                let socket = try #require(value["sockets"]?[0])
                #expect(socket["rooms"] == [.string(try client.sid), "r"])
                #expect(socket["data"]?["connectedAt"]?.intValue != nil)
                let handshake = try #require(socket["handshake"])
                #expect(handshake["headers"]?["x-two"] == "one, two")
                #expect(handshake["auth"] == ["a": 1])
                #expect(handshake["xdomain"] == true)
                #expect(handshake["secure"] == false)
                #expect(handshake["url"] == "/socket.io/?EIO=4&transport=websocket")
                #expect(handshake["query"] == ["EIO": "4", "transport": "websocket"])
                #expect(handshake["address"] == "127.0.0.1")
                #expect(handshake["time"]?.stringValue?.hasSuffix("GMT+0000 (Coordinated Universal Time)") == true)
                #expect(handshake["issued"]?.intValue != nil)
            }
        }
    }

    @Test func broadcastsWithAcknowledgementsAreAnswered() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis, hearing: [Self.responses]) { peer in
                var clients: [WebSocketClient] = []
                for _ in 0..<3 { clients.append(try await .connect(nodes[0])) }
                let request = ByteBuffer.messagePack([
                    "uid": "4XGc8d", "requestId": "KssyGU", "type": 7,
                    "packet": ["type": 2, "data": ["question", 1], "nsp": "/"],
                    "opts": ["rooms": [], "except": [.string(try clients[2].sid)], "flags": ["timeout": 600_000]],
                ])
                #expect(try await peer.publish(request, on: Self.requests) == 1)
                for client in clients.prefix(2) {
                    try await client.expect([#"420["question",1]"#])
                    try await client.send(#"430["answer"]"#)
                }
                try await eventually("all is answered") { peer.messages(on: Self.responses).count == 3 }
                // A client of one event loop may have answered before those of all loops are counted; who asks minds not.
                let count = ByteBuffer(string: #"{"type":8,"requestId":"KssyGU","clientCount":2}"#)
                let answer = ByteBuffer(
                    hex: "83 a474797065 09 a9726571756573744964 a64b7373794755 a67061636b6574 a6616e73776572")
                let answers = peer.messages(on: Self.responses).map(\.hex)
                #expect(answers.sorted() == [count.hex, answer.hex, answer.hex].sorted())
                #expect(clients[2].events.isEmpty)
            }
        }
    }

    @Test func serversSendEachOtherEvents() async throws {
        let redis = try RedisServerProcess()
        let heard = Recorder<String>()
        var options = TestNode.Options()
        options.setUp = { _, cluster in
            cluster.onServerSideEvent("hello") { event in
                heard.add("\(cluster.uid) \(event.name) \(event.arguments) \(event.answer == nil)")
                event.answer?("pong")
                event.answer?("again")
            }
        }
        try await withNodes(2, redis, options) { nodes in
            try await Peer.run(redis, hearing: [Self.responses]) { peer in
                nodes[0].cluster.serverSideEmit("hello", 1, "two")
                let expected =
                    "\(nodes[1].cluster.uid) hello [SocketIOCodec.SocketValue.int(1), SocketIOCodec.SocketValue.string(\"two\")] true"
                try await eventually("the other server hears it") { heard.all == [expected] }
                // Nobody listens to this one: nobody answers.
                try await peer.publish(
                    #"{"uid":"abcdef","requestId":"s0","type":6,"data":["unknown"]}"#, on: Self.requests)
                try await peer.publish(
                    #"{"uid":"abcdef","requestId":"s1","type":6,"data":["hello"]}"#, on: Self.requests)
                try await eventually("both servers answer") { peer.texts(on: Self.responses).count == 2 }
                try await peer.publish(#"{"uid":"emitter","type":6,"data":["hello"]}"#, on: Self.requests)
                try await eventually("both servers hear the emitter") { heard.all.count == 5 }
                let answer = #"{"type":6,"requestId":"s1","data":"pong"}"#
                #expect(peer.texts(on: Self.responses) == [answer, answer])
            }
        }
    }

    @Test func aNodeThatLeavesIsNoLongerCounted() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis) { nodes in
            try await Peer.run(redis) { peer in
                #expect(try await peer.subscriberCount(Self.requests) == 2)
                await nodes[1].cluster.stopAnswering()
                try await eventually("one server is left") { try await peer.subscriberCount(Self.requests) == 1 }
            }
        }
    }

    @Test func garbageIsCountedAndHarmsNobody() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(1, redis) { nodes in
            try await Peer.run(redis) { peer in
                let client = try await WebSocketClient.connect(nodes[0])
                let room = "socket.io#/#\(try client.sid)#"
                var deep = ByteBuffer(hex: "93 a165 82 a474797065 02 a464617461")
                deep.writeRepeatingByte(0x91, count: 100_000)
                let garbage: [(ByteBuffer, String, RedisDropReason)] = [
                    (ByteBuffer(), "socket.io#/#", .malformed),
                    (ByteBuffer(string: "{\"type\":2}"), "socket.io#/#", .unexpectedShape),
                    (.messagePack(["nsp": "/", "type": 3]), room, .unexpectedShape),
                    (ByteBuffer(hex: "93 db ffffffff"), room, .malformed),
                    (deep, "socket.io#/#", .tooDeep),
                    (.messagePack(["e", ["type": 2, "data": ["connect"], "nsp": "/"], [:]]), room, .invalidEvent),
                    (.messagePack(["e", ["type": 2, "data": ["x"], "nsp": "/x"], [:]]), room, .otherNamespace),
                    (ByteBuffer(string: "{"), Self.requests, .malformed),
                    (ByteBuffer(string: #"{"type":77}"#), Self.requests, .unknownRequest),
                    (ByteBuffer(string: #"{"type":5}"#), Self.requests, .unexpectedShape),
                    (ByteBuffer(string: #"{"type":6,"data":{}}"#), Self.requests, .unexpectedShape),
                    (ByteBuffer(string: #"{"type":7,"requestId":"x","opts":{}}"#), Self.requests, .unexpectedShape),
                    (ByteBuffer(bytes: [0xC1, 0xFF]), Self.requests, .unexpectedShape),
                ]
                var expected: [RedisDropReason: Int] = [:]
                for (message, channel, reason) in garbage {
                    #expect(try await peer.publish(message, on: channel) == 1)
                    expected[reason, default: 0] += 1
                }
                try await peer.publish(.messagePack(["e", ["type": 2, "data": ["fine"]], [:]]), on: "socket.io#/#")
                try await client.expect([#"42["fine"]"#])
                let counters = await nodes[0].cluster.counters()
                #expect(counters.dropped == expected)
                #expect(counters.received == 1)
            }
        }
    }
}
