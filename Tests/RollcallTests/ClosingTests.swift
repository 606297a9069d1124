// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import Synchronization
import TestSupport
import Testing
import UserRegistryCore

@testable import Rollcall

/// Ways out of a namespace and of a connection: what is on the wire, and what is let go of.
@Suite struct ClosingTests {
    private static func admission(_ registry: FakeRegistry) -> Admission {
        Admission(registry: registry) { $0.handshake.auth["user"]?.stringValue }
    }

    private static func close(_ event: String, _ server: SocketIOServer) {
        server.main.on("leave") { (socket: Socket) in
            socket.emit("last", "words")
            socket.disconnect()
        }
        server.main.on("both") { (socket: Socket) in
            socket.disconnect()
            socket.disconnect(close: true)
        }
        server.main.on("all") { (socket: Socket) in socket.disconnect(close: true) }
        server.main.on("transport") { (socket: Socket) in
            socket.state.connection?.closeTransport(code: "TEST", .forcedClose)
        }
    }

    @Test func disconnectIsOnTheWireBeforeTheClose() async throws {
        try await withServer(setUp: { Self.close("leave", $0) }) { _, port in
            for (event, texts) in [
                ("leave", [#"42["last","words"]"#, "41"]), ("both", ["41"]), ("all", ["41"]), ("transport", []),
            ] {
                let client = try TestClient(connectedTo: port)
                try client.send(#"42["\#(event)"]"#)
                for text in texts { try client.expect(text) }
                #expect(try client.expectClose() == (event == "transport" ? 1001 : nil), "\(event)")
            }
        }
    }

    @Test func releaseComesBeforeDisconnectAndClose() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(admission: Self.admission(registry), setUp: { Self.close("", $0) }) { _, port in
            for (event, texts) in [
                ("leave", [#"42["last","words"]"#, "41"]), ("both", ["41"]), ("all", ["41"]), ("transport", []),
            ] {
                let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
                registry.holdReleases()
                let before = registry.released
                try client.send(#"42["\#(event)"]"#)
                try await eventually("released") { registry.released == before + 1 }
                try await Task.sleep(for: .milliseconds(20))
                registry.completeReleases()
                for text in texts { try client.expect(text) }
                #expect(try client.expectClose() == (event == "transport" ? 1001 : nil), "\(event)")
            }
            #expect(registry.isEachReleasedOnce)
        }
    }

    @Test func nothingJoinsWhileTheTransportCloses() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(
            admission: Self.admission(registry),
            setUp: {
                Self.close("", $0)
                $0.of("/other")
            }
        ) { server, port in
            let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
            registry.holdReleases()
            try client.send(#"42["transport"]"#, "40/other,")
            try await eventually("released") { registry.released == 1 }
            try client.send("40/other,")
            try await Task.sleep(for: .milliseconds(20))
            registry.completeReleases()
            #expect(try client.expectClose() == 1001)
            try await eventually("closed") { server.engine.sessionCount == 0 }
        }
    }

    @Test func clientMayLeaveAndJoinAgainAtOnce() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(admission: Self.admission(registry)) { _, port in
            let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
            registry.holdReleases()
            try client.send("41", #"40{"user":"u"}"#)
            try await eventually("released") { registry.released == 1 }
            registry.completeReleases()
            #expect(try client.readText().hasPrefix("40{"))
            #expect(registry.open == 1)
        }
    }

    @Test func handlerOfAConnectionGrantedAtOnceMayDisconnect() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(
            admission: Self.admission(registry), setUp: { $0.onConnection { $0.disconnect() } }
        ) { _, port in
            let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
            try client.expect("41")
            #expect(try client.expectClose() == nil)
            try await eventually("released") { registry.open == 0 && registry.released == 1 }
        }
    }

    @Test func violationsReleaseBeforeTheClose() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(admission: Self.admission(registry)) { server, port in
            let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
            registry.holdReleases()
            try client.send(#"40{"user":"u"}"#, "40/other,")
            try await eventually("released") { registry.released == 1 }
            #expect(server.engine.sessionCount == 1)
            registry.completeReleases()
            #expect(try client.expectClose() == nil)
        }
    }

    /// A client that goes away in each phase of its handshake leaves no claim behind.
    @Test func dropInEachPhaseReleasesOnce() async throws {
        for kind in ["close frame", "reset", "end"] {
            let registry = FakeRegistry()
            let entered = Notes()
            try await withServer(
                admission: Self.admission(registry),
                setUp: { server in
                    server.use { socket in
                        if socket.handshake.auth["slow"] != nil {
                            entered.add("middleware")
                            do { try await Task.sleep(for: .seconds(60)) } catch {
                                entered.add("cancelled")
                                throw error
                            }
                        }
                    }
                    server.main.onDisconnect { _, _ in entered.add("disconnect") }
                }
            ) { server, port in
                func drop(_ client: TestClient) throws {
                    switch kind {
                    case "close frame": try client.write(TestClient.frame(0x88, [0x03, 0xE8]))
                    case "reset": client.reset()
                    default: client.close()
                    }
                }
                let early = try TestClient(port: port)
                try early.openSession()
                try drop(early)
                let slow = try TestClient(port: port)
                try slow.openSession()
                try slow.send(#"40{"user":"a","slow":true}"#)
                try await eventually("middleware") { entered.count("middleware") == 1 }
                try drop(slow)
                try await eventually("cancelled") { entered.count("cancelled") == 1 }
                #expect(registry.made == 0)
                let claiming = try TestClient(port: port)
                try claiming.openSession()
                try claiming.send(#"40{"user":"b"}"#)
                try await eventually("claimed") { registry.made == 1 }
                let late = registry.connection(of: "b")
                try drop(claiming)
                try await eventually("released") { registry.released == 1 }
                late?.registryGranted(LeaseGrant(partition: 0, incarnation: 1, token: 2))
                late?.registryRefused(.unavailable)
                let connected = try TestClient(port: port)
                try connected.openSession()
                try connected.send(#"40{"user":"c"}"#)
                try await eventually("claimed") { registry.made == 2 }
                registry.grant("c")
                #expect(try connected.readText().hasPrefix("40{"))
                try drop(connected)
                try await eventually("released") { registry.released == 2 && server.engine.sessionCount == 0 }
                #expect(registry.isEachReleasedOnce)
                #expect(entered.count("disconnect") == 1)
            }
        }
    }

    @Test func reasonsAreTheReferencesTexts() async throws {
        let notes = Notes()
        let clock = TestClock()
        try await withServer(clock: clock) { _ in
        } setUp: { server in
            Self.close("", server)
            server.main.onDisconnect { _, reason in notes.add(reason.rawValue) }
            server.main.onDisconnecting { socket, _ in notes.add(socket.currentRooms.count == 1 ? "in room" : "out") }
        } _: { server, port in
            func one(_ reason: String, _ act: (TestClient) async throws -> Void) async throws {
                let client = try TestClient(connectedTo: port)
                try await act(client)
                try await eventually(reason) { notes.all.last == reason }
                #expect(notes.all == ["in room", reason])
                client.close()
                notes.clear()
            }
            try await one("transport close") { $0.close() }
            try await one("transport close") { try $0.write(TestClient.frame(0x88, [])) }
            try await one("client namespace disconnect") { try $0.send("41") }
            try await one("server namespace disconnect") { try $0.send(#"42["leave"]"#) }
            try await one("server namespace disconnect") { try $0.send(#"42["all"]"#) }
            try await one("forced close") { try $0.send("40") }
            try await one("forced close") { try $0.send("42[]") }
            try await one("forced close") { try $0.send(#"42["disconnect"]"#) }
            try await one("transport error") { try $0.send("2") }
            try await one("transport error") { try $0.write(TestClient.frame(0xC1, [0x34])) }
            try await one("parse error") { try $0.send("9") }
            try await one("ping timeout") { _ in
                for _ in 0..<2 { try await server.advance(clock, by: .seconds(27)) }
            }
        }
    }

    @Test func objectsOfClosedConnectionsAreFreed() async throws {
        let weak = WeakReferences()
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(
            loops: 2, admission: Self.admission(registry),
            setUp: { server in
                Self.close("", server)
                server.use { socket in
                    weak.add(socket, "socket")
                    if let connection = socket.state.connection {
                        weak.add(connection, "connection")
                        weak.add(connection.session, "session")
                    }
                }
                server.onConnection { socket in
                    socket.use { _, _ in _ = socket.id }
                    socket.onAny { _, _ in _ = socket.id }
                    socket.on("self") { socket.emit("self") }
                    socket.on("wait") { () async throws -> String in
                        try await socket.emitWithAck("question", timeout: .seconds(600), as: String.self)
                    }
                }
            }
        ) { server, port in
            for round in 0..<40 {
                let client = try TestClient(connectedTo: port, auth: #"{"user":"u\#(round)"}"#)
                try client.send(#"42["self"]"#, #"421["wait"]"#)
                try client.expect(#"42["self"]"#, #"420["question"]"#)
                switch round % 4 {
                case 0: client.reset()
                case 1: try client.send(#"42["leave"]"#)
                case 2: try client.send(#"42["transport"]"#)
                default: try client.write(TestClient.frame(0x88, []))
                }
            }
            try await eventually("sessions closed") { server.engine.sessionCount == 0 }
            try await eventually("freed: \(weak.alive.count) of \(weak.count)") { weak.alive.isEmpty }
            #expect(weak.count == 120)
            #expect(registry.open == 0 && registry.isEachReleasedOnce)
            for loop in server.engine.loops {
                let count = try await loop.eventLoop.submit { loop.onLoop.sessionCount }.get()
                #expect(count == 0)
            }
            let rooms = await server.main.localRooms()
            #expect(rooms.isEmpty)
        }
    }
}
