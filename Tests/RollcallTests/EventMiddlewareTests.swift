// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import SocketIOCodec
import Synchronization
import TestSupport
import Testing
import UserRegistryCore

@testable import Rollcall

/// Middleware of a socket's events that may wait.
@Suite struct EventMiddlewareTests {
    private static func pipelines(_ server: SocketIOServer) async -> [(waiting: Int, isReadingPaused: Bool)] {
        await server.main.mapLocalSockets(BroadcastOptions()) { socket in
            let pipeline = socket.state.extras?.pipeline
            return (pipeline?.waiting.count ?? 0, pipeline?.isReadingPaused ?? false)
        }
    }

    @Test func eventsKeepTheirOrderWhileOneWaits() async throws {
        let latch = Latch()
        let notes = Notes()
        try await withServer(setUp: { server in
            server.onConnection { socket in
                socket.use { event, _ in notes.add("first \(event)") }
                socket.use { event, arguments in
                    if event == "slow" { try await latch.wait() }
                    if event == "short" { try await Task.sleep(for: .milliseconds(1)) }
                    notes.add("second \(event)")
                    if arguments.values.last == "bad" { throw EventError("refused", code: "BAD") }
                }
                socket.use { event, _ in notes.add("third \(event)") }
                socket.onAny { event, _ in notes.add("any \(event)") }
                for event in ["slow", "short", "quick"] {
                    socket.on(event) { (value: SocketValue) in value }
                }
            }
        }) { server, port in
            let client = try TestClient(connectedTo: port)
            let other = try TestClient(connectedTo: port)
            try client.send(
                #"421["slow",1]"#, #"422["quick",2]"#, #"423["short",3]"#, #"424["quick","bad"]"#, #"425["slow",5]"#)
            try await eventually("they wait") { await Self.pipelines(server).contains { $0.waiting == 4 } }
            #expect(notes.all == ["first slow"])
            try other.send(#"421["quick",1]"#)
            try other.expect("431[1]")
            notes.clear()
            latch.open()
            try client.expect("431[1]", "432[2]", "433[3]")
            let refused = try client.readText()
            #expect(refused.hasPrefix("434[{") && refused.contains("refused") && refused.contains("BAD"))
            try client.expect("435[5]")
            let passed = { (event: String) in ["first", "second", "third", "any"].map { "\($0) \(event)" } }
            #expect(
                notes.all
                    == passed("slow").dropFirst() + passed("quick") + passed("short")
                    + ["first quick", "second quick"] + passed("slow"))
            try client.send(#"42["quick","bad"]"#, #"426["quick",6]"#)
            #expect(try client.readText().hasPrefix(#"42["exception",{"#))
            try client.expect("436[6]")
        }
    }

    @Test func whatWaitsIsDroppedWithTheSocket() async throws {
        let latch = Latch()
        let notes = Notes()
        try await withServer(setUp: { server in
            server.onConnection { socket in
                socket.use { _, _ in
                    do { try await latch.wait() } catch { notes.add("cancelled") }
                }
                socket.on("e") { (number: Int) -> Int in
                    notes.add("\(number)")
                    return number
                }
            }
        }) { server, port in
            let client = try TestClient(connectedTo: port)
            try client.send(#"42["e",1]"#, #"42["e",2]"#, "41", "40")
            #expect(try client.readText().hasPrefix("40{"))
            try await eventually("cancelled") { notes.count("cancelled") == 1 }
            latch.open()
            try client.send(#"427["e",3]"#)
            try client.expect("437[3]")
            #expect(notes.all == ["cancelled", "3"])
        }
    }

    @Test func clientIsNotReadWhileTooMuchWaits() async throws {
        let latch = Latch()
        try await withServer {
            $0.pingInterval = .seconds(60)
        } setUp: { server in
            server.onConnection { socket in
                socket.use { _, _ in try await latch.wait() }
                socket.on("e") { (number: Int, _: String) in number }
            }
        } _: { server, port in
            let client = try TestClient(connectedTo: port)
            let pad = String(repeating: "p", count: 1000)
            let count = 5000
            async let sent: Void = {
                for number in 0..<count { try client.send(#"42\#(number)["e",\#(number),"\#(pad)"]"#) }
            }()
            try await eventually("paused") { await Self.pipelines(server).contains { $0.isReadingPaused } }
            let received = await server.engine.counters().messagesReceived
            #expect(received < 1000)
            let waiting = await Self.pipelines(server).map(\.waiting)
            #expect(waiting.allSatisfy { $0 <= 70 })
            latch.open()
            for number in 0..<count { try client.expect("43\(number)[\(number)]") }
            try await sent
        }
    }

    @Test func otherNamespacesAreReadAgainWhenTheirNeighbourLeaves() async throws {
        try await withServer(setUp: { server in
            server.main.on("echo") { (_: Socket, number: Int) in number }
            let slow = server.of("/slow")
            slow.onConnection { socket in
                socket.use { _, _ in try await Task.sleep(for: .seconds(600)) }
            }
        }) { server, port in
            let client = try TestClient(connectedTo: port)
            try client.send("40/slow,")
            _ = try client.readText()
            for _ in 0..<100 { try client.send(#"42/slow,["e"]"#) }
            try client.send(#"421["echo",7]"#)
            try await eventually("paused") {
                await server.of("/slow").mapLocalSockets(BroadcastOptions()) {
                    $0.state.extras?.pipeline.isReadingPaused ?? false
                } == [true]
            }
            server.of("/slow").everyone.disconnectSockets()
            try client.expect("41/slow,")
            // What it had sent to the namespace that it has left ends the connection: it could not know yet.
            #expect(try client.readFrame().first == 0x88)
        }
    }

    @Test func pollingClientThatPostsTooMuchIsClosed() async throws {
        try await withServer(setUp: { server in
            server.onConnection { socket in
                socket.use { _, _ in try await Task.sleep(for: .seconds(600)) }
            }
        }) { server, port in
            let client = try TestClient(port: port)
            let open = try client.roundTrip("GET", TestClient.path + "polling").body
            let path = TestClient.path + "polling&sid=" + (try TestClient.sessionID(in: open))
            #expect(try client.roundTrip("POST", path, body: "40").body == "ok")
            #expect(try client.roundTrip("GET", path).body.hasPrefix("40{"))
            let events = [String](repeating: #"42["e"]"#, count: 1100).joined(separator: "\u{1E}")
            #expect(try client.roundTrip("POST", path, body: events).body == "ok")
            try await eventually("closed") { server.engine.sessionCount == 0 }
            #expect(await server.engine.counters().refused["closed_events_waiting"] == 1)
        }
    }

    @Test func gateThatShutsWhileOneWaitsKeepsTheOrder() async throws {
        let latch = Latch()
        let registry = FakeRegistry(grantsAtOnce: true)
        let admission = Admission(registry: registry, user: { _ in "u" })
        try await withServer(
            admission: admission,
            setUp: { server in
                server.onConnection { socket in
                    socket.use { event, _ in if event == "slow" { try await latch.wait() } }
                    for event in ["slow", "quick"] { socket.on(event) { (number: Int) in number } }
                }
            }
        ) { server, port in
            let client = try TestClient(connectedTo: port)
            try client.send(#"421["slow",1]"#, #"422["quick",2]"#)
            try await eventually("one waits") { await Self.pipelines(server).contains { $0.waiting == 1 } }
            registry.gate.extend(0, to: 0)
            try client.send(#"423["quick",3]"#)
            try await eventually("one is held") {
                await server.main.mapLocalSockets(BroadcastOptions()) { $0.state.extras?.heldPackets.count } == [1]
            }
            latch.open()
            try await eventually("decided") {
                await server.main.mapLocalSockets(BroadcastOptions()) { socket in
                    if case .decided? = socket.state.extras?.pipeline.stage { true } else { false }
                } == [true]
            }
            registry.gate.extend(0, to: LeaseGate.never)
            registry.connection(of: "u")?.registryResumed()
            try client.expect("431[1]", "432[2]", "433[3]")
            try client.send(#"424["quick",4]"#)
            try client.expect("434[4]")
        }
    }
}
