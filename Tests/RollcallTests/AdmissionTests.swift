// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import TestSupport
import Testing
import UserRegistryCore

@testable import Rollcall

/// The registry's gate: what is held while it is shut, and what follows when it opens again.
@Suite struct AdmissionTests {
    private static func admission(_ registry: FakeRegistry) -> Admission {
        Admission(registry: registry) { $0.handshake.auth["user"]?.stringValue }
    }

    private static func serve(_ server: SocketIOServer) {
        server.main.on("echo") { (_: Socket, text: String) in text }
        server.main.on("all") { (socket: Socket, text: String) in socket.namespace.emit("all", text) }
    }

    @Test func refusalIsAConnectErrorWithMessageAndData() async throws {
        let registry = FakeRegistry()
        try await withServer(admission: Self.admission(registry)) { _, port in
            let client = try TestClient(port: port)
            try client.openSession()
            try client.send(#"40{"user":"u"}"#)
            try await eventually("claimed") { registry.made == 1 }
            registry.connection(of: "u")?.registryRefused(
                .duplicate(since: 1_700_000_000_000, retryAfterMilliseconds: 1500))
            let text = try client.readText()
            #expect(text.hasPrefix(#"44{"message":"User is already connected.","data":{"#))
            #expect(text.contains(#""code":"USER_ALREADY_CONNECTED""#) && text.contains(#""retryAfterMs":1500"#))
            #expect(text.contains(#""since":"2023-11-14T22:13:20.000Z""#))
            #expect(registry.open == 0 && registry.released == 1)
            // Without a decision in time the transport is closed instead.
            try client.send(#"40{"user":"v"}"#)
            try await eventually("claimed") { registry.made == 2 }
            registry.connection(of: "v")?.registryRefused(.unavailable)
            #expect(try client.expectClose() == 1001)
            #expect(registry.released == 2 && registry.isEachReleasedOnce)
        }
    }

    @Test func suspendedConnectionHoldsInputAndOutputAndGoesOnInOrder() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(admission: Self.admission(registry), setUp: Self.serve) { server, port in
            let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
            registry.gate.extend(0, to: 0)
            try client.send(#"421["echo","held 1"]"#, #"42["all","held 2"]"#, #"422["echo","held 3"]"#)
            server.emit("all", "out 1")
            server.main.everyone.volatile.emit("all", "never")
            try await eventually("held") {
                await server.main.mapLocalSockets(BroadcastOptions()) {
                    $0.state.extras?.heldPackets.count == 3 && ($0.state.extras?.heldOutput.readableBytes ?? 0) > 0
                } == [true]
            }
            // The gate opens; before the registry tells, more comes: it must not overtake.
            registry.gate.extend(0, to: LeaseGate.never)
            try client.send(#"423["echo","late"]"#)
            try client.expect(
                #"42["all","out 1"]"#, #"431["held 1"]"#, #"42["all","held 2"]"#, #"432["held 3"]"#, #"433["late"]"#)
            registry.connection(of: "u")?.registryResumed()
            try client.send(#"424["echo","end"]"#)
            try client.expect(#"434["end"]"#)
        }
    }

    @Test func grantUnderANewIncarnationGoesOn() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(loops: 2, admission: Self.admission(registry), setUp: Self.serve) { server, port in
            let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
            registry.gate.abandon(0, incarnation: 2)
            registry.gate.extend(0, to: LeaseGate.never)
            try client.send(#"421["echo","old"]"#)
            server.emit("all", "out")
            try await eventually("held") {
                await server.main.mapLocalSockets(BroadcastOptions()) {
                    $0.state.extras?.heldPackets.count == 1 && ($0.state.extras?.heldOutput.readableBytes ?? 0) > 0
                } == [true]
            }
            registry.grant("u", incarnation: 2)
            try client.expect(#"42["all","out"]"#, #"431["old"]"#)
            server.emit("all", "next")
            try client.expect(#"42["all","next"]"#)
        }
    }

    @Test func gateThatWasShutUnnoticedLosesNothing() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(admission: Self.admission(registry)) { server, port in
            let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
            registry.gate.extend(0, to: 0)
            server.emit("all", "1")
            try await eventually("held") {
                await server.main.mapLocalSockets(BroadcastOptions()) { $0.state.isSuspended } == [true]
            }
            registry.gate.extend(0, to: LeaseGate.never)
            server.emit("all", "2")
            try client.expect(#"42["all","1"]"#, #"42["all","2"]"#)
        }
    }

    @Test func whatIsHeldHasABound() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        let notes = Notes()
        try await withServer(admission: Self.admission(registry)) {
            $0.limits.maxQueuedBytes = 20000
        } setUp: { server in
            Self.serve(server)
            server.main.onDisconnect { socket, reason in
                notes.add(reason.rawValue)
                // A handler that disturbs the fan-out: it throws out everybody else of the room.
                socket.to("room").disconnectSockets()
                socket.to("room").emit("gone")
            }
            server.onConnection { $0.join("room") }
        } _: { server, port in
            let packets = try TestClient(connectedTo: port, auth: #"{"user":"a"}"#)
            registry.gate.extend(0, to: 0)
            for _ in 0...100 { try packets.send(#"42["echo","x"]"#) }
            #expect(try packets.expectClose() == 1001)
            registry.gate.extend(0, to: LeaseGate.never)
            let users = ["a", "b", "c@1", "d@1", "e"]  // the gate of partition 1 stays open
            let output = try users.map { try TestClient(connectedTo: port, auth: #"{"user":"\#($0)"}"#) }
            registry.gate.extend(0, to: 0)
            let pad = String(repeating: "p", count: 3000)
            for _ in 0..<10 { server.main.to("room").emit("all", pad) }
            // 1001: more was held for it than may be; none: thrown out by the handler.
            for client in output { #expect(try [nil, 1001].contains(client.expectClose())) }
            try await eventually("all gone") { server.engine.sessionCount == 0 && registry.open == 0 }
            #expect(registry.isEachReleasedOnce)
            #expect(notes.count("registry unavailable") >= 2 && notes.all.count == 6)
        }
    }

    @Test func registryClosesAsItsReasonSays() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        try await withServer(admission: Self.admission(registry)) { _, port in
            for (reason, hasPacket) in [
                (RegistryCloseReason.replaced, true), (.kicked("x"), true), (.leaseLost, true),
                (.probeTimeout, false), (.suspendedTooLong, false),
            ] {
                let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
                registry.connection(of: "u")?.registryCloses(reason)
                if hasPacket { try client.expect("41") }
                let frame = try client.readFrame()
                #expect(frame.first == 0x88)
                #expect(registry.open == 0 && registry.isEachReleasedOnce)
            }
        }
    }

    @Test func probeIsAnsweredByAPongAndByTheEnd() async throws {
        let registry = FakeRegistry(grantsAtOnce: true)
        let answers = Notes()
        try await withServer(admission: Self.admission(registry)) { _, port in
            let client = try TestClient(connectedTo: port, auth: #"{"user":"u"}"#)
            client.answersPings = false
            let connection = registry.connection(of: "u")
            connection?.registryProbes(timeout: .seconds(600)) { answers.add("\($0)") }
            try client.expect("2")
            try client.send("3")
            try await eventually("alive") { answers.all == ["true"] }
            connection?.registryProbes(timeout: .milliseconds(30)) { answers.add("\($0)") }
            try client.expect("2")
            try await eventually("silent") { answers.all == ["true", "false"] }
            connection?.registryProbes(timeout: .seconds(600)) { answers.add("\($0)") }
            try client.expect("2")
            client.close()
            try await eventually("gone") { answers.all == ["true", "false", "false"] }
            connection?.registryProbes(timeout: .seconds(600)) { answers.add("\($0)") }
            try await eventually("closed") { answers.all.count == 4 && answers.all.last == "false" }
        }
    }
}
