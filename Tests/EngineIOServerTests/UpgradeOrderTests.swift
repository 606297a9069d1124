// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import EngineIOServer

/// Upgrades at random moments, under traffic in both directions, some of which fail half way: every message arrives once and in
/// order.
@Suite struct UpgradeOrderTests {
    private struct Shared {
        var fromServer: [String] = []
        var mayPoll = true
    }

    /// A generator whose seed a failure names.
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return self.state ^ self.state >> 29
        }
    }

    /// A client whose GETs run beside its POSTs, as a browser's.
    private final class Client: Sendable {
        let port: Int
        let target: String
        let shared = Mutex(Shared())

        init(port: Int) throws {
            self.port = port
            self.target = try TestClient(port: port).openPolling()
        }

        var webSocketTarget: String { self.target.replacing("polling", with: "websocket") }
        var received: [String] { self.shared.withLock { $0.fromServer } }
        func receive(_ text: String) {
            if text != "6", text != "2" { self.shared.withLock { $0.fromServer.append(text) } }
        }

        /// Polls until it may not any more; a poll that runs is waited for.
        func poll() throws {
            let connection = try TestClient(port: self.port)
            while self.shared.withLock({ $0.mayPoll }) {
                let answer = try connection.roundTrip("GET", self.target)
                try check(answer.status, 200, "poll")
                for packet in answer.body.split(separator: "\u{1E}") { self.receive(String(packet)) }
            }
        }

        /// A candidate that gives up at some point.
        func failHalfWay(_ random: inout Random) throws {
            let candidate = try TestClient(port: self.port)
            try candidate.openWebSocket(self.webSocketTarget)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: candidate.close()
            case 1: candidate.reset()
            case 2: try candidate.send("4x")
            case 3:
                try candidate.send("2probe")
                try candidate.expect("3probe")
                candidate.reset()
            default:
                try candidate.send("2probe")
                try candidate.expect("3probe")
                try candidate.send("4x")
                _ = try candidate.expectClose()
            }
        }
    }

    @Test(arguments: [1, 2], [UInt64](1...6))
    func everyMessageOnceAndInOrder(loops: Int, seed: UInt64) async throws {
        try await withEngine(loops: loops) { engine in
            let client = try Client(port: engine.port)
            async let polling: Void = client.poll()
            var random = Random(state: seed)
            let poster = try TestClient(port: engine.port)
            var sent = 0
            func next() -> String {
                sent += 1
                return "4u\(sent - 1)"
            }
            try check(try poster.roundTrip("POST", client.target, body: "4flood400").body, "ok")
            for _ in 0..<Int.random(in: 5..<40, using: &random) {
                let packets = (0..<Int.random(in: 1..<30, using: &random)).map { _ in next() }
                let answer = try poster.roundTrip("POST", client.target, body: packets.joined(separator: "\u{1E}"))
                try check(answer.body, "ok")
                if Int.random(in: 0..<6, using: &random) == 0 { try await self.fail(client, engine, &random) }
            }
            let candidate = try TestClient(probing: client.webSocketTarget, port: engine.port)
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                try check(try poster.roundTrip("POST", client.target, body: next()).body, "ok")
            }
            client.shared.withLock { $0.mayPoll = false }
            try await polling
            // Messages right behind the upgrade packet, in the same segment and in others.
            try candidate.send("5", next(), next())
            for _ in 0..<100 { try candidate.send(next()) }
            let expected = 400 + sent
            while client.received.count < expected { client.receive(try candidate.readText()) }
            let received = client.received
            #expect(received.filter { $0.hasPrefix("4n") } == (0..<400).map { "4n\($0)" })
            #expect(received.filter { $0.hasPrefix("4u") } == (0..<sent).map { "4u\($0)" })
            #expect(engine.delegate.notes.all == ["upgraded"])
        }
    }

    private func fail(_ client: Client, _ engine: Engine, _ random: inout Random) async throws {
        try client.failHalfWay(&random)
        try await engine.hasNoCandidate()
    }
}
