// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import TestSupport
import Testing
import UserRegistryCore

@testable import Rollcall

/// Namespaces that come with their first client.
@Suite struct DynamicNamespaceTests {
    @Sendable private static func isRoom(_ name: String, _ auth: SocketValue) -> Bool { name.hasPrefix("/room-") }

    /// A client with a session and nothing else.
    private static func open(_ port: Int) throws -> TestClient {
        let client = try TestClient(port: port)
        try client.openSession()
        return client
    }

    private static func join(_ client: TestClient, _ name: String, _ auth: String = "") throws {
        try client.send("40\(name),\(auth)")
        let answer = try client.readText()
        guard answer.hasPrefix("40\(name),{\"sid\":\"") else { throw TestFailure("no CONNECT: \(answer)") }
    }

    private static func expectInvalid(_ client: TestClient, _ name: String, _ auth: String = "") throws {
        try client.send("40\(name),\(auth)")
        try client.expect("44\(name),{\"message\":\"Invalid namespace\"}")
    }

    @Test func childrenHaveWhatTheirParentHas() async throws {
        let notes = Notes()
        try await withServer(loops: 2) { _ in
        } setUp: { server in
            let parent = server.of(matching: Self.isRoom)
            parent.use { socket in
                guard socket.handshake.auth["token"] == "secret" else { throw ConnectError("no", code: "NO") }
            }
            parent.use { _ in try await Task.sleep(for: .milliseconds(1)) }
            parent.onConnection { socket in socket.emit("welcome", socket.namespace.name) }
            parent.onDisconnecting { socket, _ in notes.add("leaving \(socket.namespace.name)") }
            parent.onDisconnect { socket, reason in notes.add("left \(socket.namespace.name): \(reason.rawValue)") }
            parent.on("double") { (_: Socket, number: Int) in number * 2 }
            parent.on("later") { (_: Socket, number: Int) async -> Int in number * 3 }
            parent.on("pass", passing: { _, arguments in arguments })
            parent.on("answer", acknowledging: { _, arguments, answer in answer?.send(passing: arguments) })
        } _: { server, port in
            for name in ["/room-1", "/room-2", "/room-1"] {
                let client = try Self.open(port)
                try client.send("40\(name),{}")
                try client.expect(#"44\#(name),{"message":"no","data":{"code":"NO"}}"#)
                try Self.join(client, name, #"{"token":"secret"}"#)
                try client.expect(#"42\#(name),["welcome","\#(name)"]"#)
                for (event, answer) in [
                    (#"["double",2]"#, "[4]"), (#"["later",2]"#, "[6]"), (#"["pass","x"]"#, #"["x"]"#),
                    (#"["answer",1,2]"#, "[1,2]"),
                ] {
                    try client.send("42\(name),7\(event)")
                    try client.expect("43\(name),7\(answer)")
                }
                notes.clear()
                try client.send("41\(name),")
                try await eventually("the handlers are called") { notes.all.count >= 2 }
                #expect(notes.all == ["leaving \(name)", "left \(name): client namespace disconnect"])
            }
            #expect(Set(server.allNamespaces.map(\.name)) == ["/", "/room-1", "/room-2"])
        }
    }

    @Test func whoIsAskedForAName() async throws {
        let asked = Notes()
        try await withServer(setUp: { server in
            server.of("/room-static").onConnection { $0.emit("static") }
            server.of(matching: { name, auth in
                asked.add(name)
                return auth["first"] == true && name != "/none"
            }).onConnection { $0.emit("first") }
            server.of(matching: Self.isRoom).onConnection { $0.emit("second") }
        }) { server, port in
            let client = try TestClient(connectedTo: port)
            try Self.join(client, "/room-static", #"{"first":true}"#)
            try client.expect(#"42/room-static,["static"]"#)
            #expect(asked.all.isEmpty)
            try Self.join(client, "/room-1", #"{"first":true}"#)
            try client.expect(#"42/room-1,["first"]"#)
            try Self.join(client, "/room-2")
            try client.expect(#"42/room-2,["second"]"#)
            #expect(asked.all == ["/room-1", "/room-2"])
            // Who comes to a namespace that is there meets it, whatever a parent would say.
            let other = try Self.open(port)
            try Self.join(other, "/room-1")
            try other.expect(#"42/room-1,["first"]"#)
            try Self.expectInvalid(client, "/none", #"{"first":true}"#)
            #expect(asked.all == ["/room-1", "/room-2", "/none"])
            // Nobody makes these, whatever a parent would say.
            asked.clear()
            try Self.expectInvalid(client, "/" + String(repeating: "x", count: 256), #"{"first":true}"#)
            try Self.expectInvalid(client, "/room#1", #"{"first":true}"#)
            #expect(asked.all.isEmpty)
            try Self.join(client, "/" + String(repeating: "x", count: 255), #"{"first":true}"#)
            try client.expect(#"42/\#(String(repeating: "x", count: 255)),["first"]"#)
            #expect(await server.engine.counters().refused == ["invalid_namespace": 3])
        }
    }

    @Test func theMainNamespaceIsNeverDynamic() async throws {
        let server = SocketIOServer()
        let parent = server.of(matching: { _, _ in true })
        #expect(throws: NamespaceRefusal.unknown) { try server.enter("/", auth: [:]) }
        #expect(server.main.parent == nil)
        #expect(server.of("chat").parent === parent)
        #expect(parent.children.map(\.name) == ["/chat"])
        await server.stop()
    }

    /// What the application makes by name has the parent's middleware, too.
    @Test func applicationsGetChildrenByName() async throws {
        try await withServer(setUp: { server in
            server.of(matching: Self.isRoom).use { _ in throw ConnectError("no") }
        }) { server, port in
            #expect(server.of("room-1") === server.of("/room-1"))
            #expect(server.of("/other").parent == nil)
            let client = try Self.open(port)
            try client.send("40/room-1,")
            try client.expect(#"44/room-1,{"message":"no"}"#)
        }
    }

    @Test func thereAreOnlySoManyChildren() async throws {
        let parents = Recorder<ParentNamespace>()
        try await withServer {
            $0.limits.maxChildNamespaces = 2
        } setUp: {
            parents.add($0.of(matching: Self.isRoom))
            parents.add($0.of(matching: { name, _ in name.hasPrefix("/other-") }))
        } _: { server, port in
            let client = try TestClient(connectedTo: port)
            try Self.join(client, "/room-1")
            try Self.join(client, "/other-1")
            try Self.expectInvalid(client, "/room-2")
            try Self.expectInvalid(client, "/other-2")
            #expect(await server.engine.counters().refused == ["too_many_namespaces": 2])
            // Those that are there still admit.
            let other = try Self.open(port)
            try Self.join(other, "/room-1")
            // An empty one makes room, and only that.
            try client.send("41/other-1,")
            try Self.join(client, "/room-2")
            #expect(Set(parents.all[0].children.map(\.name)) == ["/room-1", "/room-2"])
            #expect(parents.all[1].children.isEmpty)
            try client.send("41/room-1,")
            try Self.expectInvalid(client, "/room-3")  // the other client is in there
            try other.send("41/room-1,", "40/room-4,")
            #expect(try other.readText().hasPrefix("40/room-4,"))
            #expect(Set(server.allNamespaces.map(\.name)) == ["/", "/room-2", "/room-4"])
        }
        try await withServer {
            $0.limits.maxChildNamespaces = 0
        } setUp: {
            _ = $0.of(matching: Self.isRoom)
        } _: { _, port in
            try Self.expectInvalid(try Self.open(port), "/room-1")
        }
    }

    @Test(arguments: [false, true])
    func emptyChildrenGoIfWanted(_ isWanted: Bool) async throws {
        let children = WeakReferences()
        try await withServer(loops: 2) {
            $0.cleanupEmptyChildNamespaces = isWanted
        } setUp: { server in
            let parent = server.of(matching: Self.isRoom)
            parent.use { socket in
                children.add(socket.namespace)
                if socket.handshake.auth["wait"] == true { try await Task.sleep(for: .seconds(600)) }
                if socket.handshake.auth["refuse"] == true { throw ConnectError("no") }
            }
        } _: { server, port in
            // One that is still connecting keeps it.
            let waiting = try Self.open(port)
            try waiting.send(#"40/room-1,{"wait":true}"#)
            try await eventually("the middleware runs") { children.count == 1 }
            let client = try Self.open(port)
            try Self.join(client, "/room-1")
            try client.send("41/room-1,")
            try Self.join(client, "/room-1")
            #expect(children.count == 3 && children.living == 3)
            waiting.close()
            try client.send("41/room-1,")
            try client.send(#"40/room-2,{"refuse":true}"#)
            try client.expect(#"44/room-2,{"message":"no"}"#)
            guard isWanted else {
                #expect(Set(server.allNamespaces.map(\.name)) == ["/", "/room-1", "/room-2"])
                return
            }
            try await eventually("they are gone") { server.allNamespaces.map(\.name) == ["/"] }
            try await eventually("they are freed") { children.living == 0 }
            try Self.join(client, "/room-1")
            server.of("/room-1").emit("again")
            try client.expect(#"42/room-1,["again"]"#)
            // A namespace that the application holds on to is not in the way of the next one.
            let old = server.of("/room-1")
            try client.send("41/room-1,")
            try Self.join(client, "/room-1")
            #expect(server.of("/room-1") !== old)
            client.close()
            try await eventually("it is gone") { server.allNamespaces.map(\.name) == ["/"] }
        }
    }

    /// Clients of several event loops come and go at the same time: each is in the namespace that the others are in.
    @Test func comingAndGoingAtOnce() async throws {
        try await withServer(loops: 4) {
            $0.cleanupEmptyChildNamespaces = true
        } setUp: {
            $0.of(matching: Self.isRoom).on("all") { (socket: Socket, number: Int) in
                socket.namespace.emit("all", number)
            }
        } _: { server, port in
            let clients = try (0..<4).map { _ in try Self.open(port) }
            try Self.join(clients[0], "/room-1")
            for round in 0..<50 {
                let leaving = clients[round % 4]
                let coming = clients[(round + 1) % 4]
                try leaving.send("41/room-1,")
                try coming.send("40/room-1,")
                while try !coming.readText().hasPrefix("40/room-1,") {}
                #expect(server.existingNamespace("/room-1") != nil)
                try coming.send(#"42/room-1,["all",\#(round)]"#)
                // What was sent in earlier rounds may still come, to those who have left and to those who came after it.
                while try coming.readText() != #"42/room-1,["all",\#(round)]"# {}
                server.of("/room-1").emit("server", round)
                while try coming.readText() != #"42/room-1,["server",\#(round)]"# {}
            }
            for client in clients { client.close() }
            try await eventually("it is gone") { server.allNamespaces.map(\.name) == ["/"] }
        }
    }

    @Test(arguments: [1, 3])
    func parentsSendToAllTheirChildren(loops: Int) async throws {
        let parents = Recorder<ParentNamespace>()
        try await withServer(loops: loops) { _ in
        } setUp: { server in
            parents.add(server.of(matching: Self.isRoom))
            parents.add(server.of(matching: { name, _ in name == "/other" }))
            for parent in parents.all {
                parent.on("join") { (socket: Socket, room: String) -> Bool in
                    socket.join(room)
                    return true
                }
            }
        } _: { _, port in
            parents.all[0].emit("nobody")
            let names = ["/room-1", "/room-1", "/room-2", "/other"]
            let clients = try names.map { name in
                let client = try Self.open(port)
                try Self.join(client, name)
                return client
            }
            for (index, room) in [(0, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a")] {
                try clients[index].send(#"42\#(names[index]),0["join","\#(room)"]"#)
                try clients[index].expect("43\(names[index]),0[true]")
            }
            let parent = parents.all[0]
            parent.emit("everyone", 1, "x")
            parent.to("a").emit("a")
            parent.to("a", "b").except("b").local.emit("a-b")
            parent.except("a").volatile.emit("passed", passing: Arguments([["n": 1]]))
            parent.emit("disconnect")  // reserved
            parent.everyone.emit("end")
            parents.all[1].emit("end")
            let expected = [
                [#"["everyone",1,"x"]"#, #"["a"]"#, #"["a-b"]"#, #"["end"]"#],
                [#"["everyone",1,"x"]"#, #"["passed",{"n":1}]"#, #"["end"]"#],
                [#"["everyone",1,"x"]"#, #"["a"]"#, #"["end"]"#], [#"["end"]"#],
            ]
            for (index, client) in clients.enumerated() {
                for event in expected[index] { try client.expect("42\(names[index]),\(event)") }
            }
        }
    }

    /// A client that came back as somebody else gets a fresh socket in the same namespace, which stays for it.
    @Test func freshSocketsOfOtherUsersCount() async throws {
        let registry = InMemoryUserRegistry(node: "n", policy: .reject)
        try await withServer {
            $0.cleanupEmptyChildNamespaces = true
            $0.connectionStateRecovery = ConnectionStateRecovery()
        } setUp: { server in
            let parent = server.of(matching: Self.isRoom, admission: Admission(registry: registry))
            parent.use { socket in
                socket.data.user = (socket.handshake.auth["user"]?.stringValue).map { User(id: $0) }
            }
        } _: { server, port in
            let other = try Self.open(port)
            try Self.join(other, "/room-1", #"{"user":"other"}"#)
            let lost = try Self.open(port)
            try lost.send(#"40/room-1,{"user":"one"}"#)
            let connect = try lost.readText().split(separator: "\"").map(String.init)
            guard connect.count == 9, connect[5] == "pid" else { throw TestFailure("no pid: \(connect)") }
            server.of("/room-1").to(connect[3]).emit("seen")
            let event = try lost.readText().split(separator: "\"").map(String.init)
            guard event.count == 5, event[1] == "seen" else { throw TestFailure("no event: \(event)") }
            lost.reset()
            try await eventually("it may come back") {
                server.existingNamespace("/room-1")?.recovery?.sizes.sessions == 1
            }
            let back = try Self.open(port)
            try Self.join(back, "/room-1", #"{"user":"two","pid":"\#(connect[7])","offset":"\#(event[3])"}"#)
            #expect(server.existingNamespace("/room-1")?.recovery?.sizes.sessions == 1)
            other.close()
            try await eventually("the other is gone") { server.engine.sessionCount == 1 }
            #expect(server.existingNamespace("/room-1") != nil)
            back.close()
            try await eventually("it is gone") { server.allNamespaces.map(\.name) == ["/"] }
        }
    }

    /// Clients of Socket.IO 2 name their query behind the namespace: it is the payload, and no part of the name.
    @Test func clientsOfSocketIO2() async throws {
        try await withServer {
            $0.allowEIO3 = true
        } setUp: { server in
            server.of(matching: { name, auth in name == "/room-1" && auth["token"] == "t" })
                .onConnection { $0.emit("hello") }
        } _: { _, port in
            let client = try TestClient(port: port)
            try client.openWebSocket("/socket.io/?EIO=3&transport=websocket")
            client.answersPings = false
            #expect(try client.readText().hasPrefix("0{"))
            try client.expect("40")
            try client.send("40/room-1?token=x,")
            try client.expect(#"44/room-1,{"message":"Invalid namespace"}"#)
            try client.send("40/room-1?token=t,")
            try client.expect("40/room-1,", #"42/room-1,["hello"]"#)
        }
    }
}
