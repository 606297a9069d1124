// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import TestSupport
import Testing

@testable import RollcallRedis

/// Namespaces that come with their first client, on several nodes.
@Suite struct ClusterDynamicNamespaceTests {
    private static func options() -> TestNode.Options {
        var options = TestNode.Options()
        options.settings = { $0.cleanupEmptyChildNamespaces = true }
        options.setUp = { server, _ in
            let parent = server.of(matching: { name, _ in name.hasPrefix("/dyn-") })
            parent.onConnection { $0.join("r") }
            parent.on("all") { (socket: Socket, text: String) in socket.namespace.emit("all", text) }
            parent.on("count") { (socket: Socket) async -> Int in await socket.namespace.fetchSockets().count }
        }
        return options
    }

    @Test func childrenOfOneNameShareBroadcasts() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis, Self.options()) { nodes in
            let one = try await WebSocketClient.connect(nodes[0], namespace: "/dyn-1")
            let two = try await WebSocketClient.connect(nodes[1], namespace: "/dyn-1")
            let stranger = try await WebSocketClient.connect(nodes[1], namespace: "/dyn-2")
            try await one.send(#"42/dyn-1,["all","x"]"#)
            let event = #"42/dyn-1,["all","x"]"#
            try await eventually("both hear it") { one.events == [event] && two.events == [event] }
            nodes[0].server.of("/dyn-1").to("r").emit("room")
            try await eventually("both hear it") { one.events.count == 2 && two.events.count == 2 }
            try await two.send(#"42/dyn-1,7["count"]"#)
            #expect(try await two.text(beginning: "43") == "43/dyn-1,7[2]")
            // This node has no such namespace, but the application may send to it.
            nodes[0].server.of("/dyn-2").emit("from afar")
            #expect(try await stranger.text(beginning: "42") == #"42/dyn-2,["from afar"]"#)
            #expect(stranger.events.count == 1)
        }
    }

    @Test func aNodeListensOnlyToTheChildrenItHas() async throws {
        let redis = try RedisServerProcess()
        try await withNodes(2, redis, Self.options()) { nodes in
            try await Peer.run(redis) { peer in
                let channels = [
                    "socket.io#/dyn-1#", "socket.io-request#/dyn-1#", "socket.io-response#/dyn-1#",
                    "socket.io#/dyn-1#r#",
                ]
                func expectListeners(_ count: Int) async throws {
                    for channel in channels {
                        try await eventually("\(count) listen to \(channel)") {
                            try await peer.subscriberCount(channel) == count
                        }
                    }
                }
                func client(_ node: Int) async throws -> WebSocketClient {
                    let client = try await WebSocketClient.connect(nodes[node], namespace: "/dyn-1")
                    try await client.send(#"42/dyn-1,7["count"]"#)  // from then on it listens to answers
                    _ = try await client.text(beginning: "43")
                    return client
                }
                for _ in 0..<3 {
                    let one = try await client(0)
                    let two = try await client(1)
                    try await expectListeners(2)
                    await one.close()
                    try await expectListeners(1)
                    let back = try await client(0)
                    nodes[1].server.of("/dyn-1").emit("back")
                    #expect(try await back.text(beginning: "42") == #"42/dyn-1,["back"]"#)
                    await back.close()
                    await two.close()
                    try await expectListeners(0)
                }
                for node in nodes { #expect(node.server.allNamespaces.map(\.name) == ["/"]) }
            }
        }
    }
}
