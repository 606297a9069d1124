// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import EngineIOServer

/// Clients of protocol 3: framing, heartbeat, upgrade, and the sign of life for the registry.
@Suite struct Version3Tests {
    private func with(
        loops: Int = 1, _ change: (inout EngineConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Engine) async throws -> Void
    ) async throws {
        try await withEngine(loops: loops) {
            $0.allowEIO3 = true
            change(&$0)
        } _: {
            try await body($0)
        }
    }

    private static let path = "/socket.io/?EIO=3&transport="

    private func open(_ client: TestClient, _ extra: String = "") throws -> String {
        let answer = try client.roundTrip("GET", Self.path + "polling" + extra)
        try check(answer.status, 200)
        let parts = answer.body.split(separator: ":", maxSplits: 1)
        #expect(parts.first.flatMap { Int($0) } == parts.last?.utf16.count)
        return Self.path + "polling\(extra)&sid=" + (try TestClient.sessionID(in: String(parts.last ?? "")))
    }

    private func session(_ engine: Engine) async throws -> LoopBound<EngineSession>? {
        for loop in engine.server.loops {
            let found = try await loop.eventLoop.submit { () -> LoopBound<EngineSession>? in
                var found: LoopBound<EngineSession>?
                loop.onLoop.forEachSession { found = LoopBound($0, on: loop.eventLoop) }
                return found
            }.get()
            if let found { return found }
        }
        return nil
    }

    @Test(arguments: ["EIO=3", "x=1"])
    func onlyWhereAllowed(_ eio: String) async throws {
        let path = "/socket.io/?\(eio)&transport="
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            #expect(try client.roundTrip("GET", path + "polling").body.contains("Unsupported protocol version"))
            try client.write(client.upgradeRequest(path + "websocket"))
            #expect(try client.readResponse().body == "Unsupported protocol version")
        }
        try await self.with { engine in
            let client = try TestClient(port: engine.port)
            #expect(try client.roundTrip("GET", path + "polling").body.contains(#":0{"sid":"#))
            try client.openWebSocket(path + "websocket")
            #expect(try client.readText().hasPrefix(#"0{"sid":"#))
            let other = try TestClient(port: engine.port)
            #expect(try other.roundTrip("GET", "/socket.io/?EIO=5&transport=polling").status == 400)
        }
    }

    @Test(arguments: [1, 2])
    func pollingBothWays(loops: Int) async throws {
        try await self.with(loops: loops) { engine in
            for extra in ["", "&b64=1"] {
                let client = try TestClient(port: engine.port)
                let target = try self.open(client, extra)
                #expect(try client.roundTrip("POST", target, body: "3:4€ä4:4😀a").body == "ok")
                #expect(try client.roundTrip("GET", target).body == "3:4€ä4:4😀a")
                #expect(try client.roundTrip("POST", target, body: "2:4x10:b4AQIDBA==").body == "ok")
                let answer = try client.roundTrip("GET", target)
                if extra.isEmpty {
                    #expect(
                        Array(answer.body.utf8) == [0, 2] + Array("\u{FFFD}4x".utf8) + [1, 5] + Array("\u{FFFD}".utf8)
                            + [4, 1, 2, 3, 4])
                    #expect(answer.headers["content-type"] == "application/octet-stream")
                } else {
                    #expect(answer.body == "2:4x10:b4AQIDBA==")
                }
            }
        }
    }

    @Test func bodiesOfBytes() async throws {
        try await self.with { engine in
            let client = try TestClient(port: engine.port)
            let target = try self.open(client, "&b64=1")
            let body: [UInt8] = [0, 3, 255, 52, 0xC3, 0xA4, 1, 3, 255, 4, 1, 2]
            try client.write(
                "POST \(target) HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
                    + "Content-Length: \(body.count)\r\n\r\n")
            try client.write(body)
            #expect(try client.readResponse().body == "ok")
            #expect(try client.roundTrip("GET", target).body == "2:4ä6:b4AQI=")
        }
    }

    @Test(arguments: ["abc", "1:3", "6:b5AQI=", "3:b4$", ""])
    func violationsEndTheSession(_ body: String) async throws {
        try await self.with { engine in
            let client = try TestClient(port: engine.port)
            let target = try self.open(client)
            #expect(try client.roundTrip("POST", target, body: body).body == "ok")
            try await eventually("closed") { engine.delegate.notes.all.count == 1 }
            #expect(try client.roundTrip("GET", target).body.contains("Session ID unknown"))
        }
    }

    @Test func webSocketsCarryTheTypeByte() async throws {
        try await self.with { engine in
            let client = try TestClient(port: engine.port)
            try client.openWebSocket(Self.path + "websocket")
            _ = try client.readText()
            try client.write(TestClient.frame(0x82, [4, 1, 2]) + TestClient.texts(["4a", "b4AwQ=", "2"]))
            #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: [4, 1, 2]))
            #expect(try client.readFrame().text == "4a")
            #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: [4, 3, 4]))
            #expect(try client.readFrame().text == "3")
            let textOnly = try TestClient(port: engine.port)
            try textOnly.openWebSocket(Self.path + "websocket&b64=1")
            _ = try textOnly.readText()
            try textOnly.write(TestClient.frame(0x82, [4, 1, 2]))
            #expect(try textOnly.readFrame().text == "b4AQI=")
            try textOnly.write(TestClient.frame(0x82, [1]))
            #expect(try textOnly.expectClose() == nil)
            try client.send("3")
            #expect(try client.expectClose() == nil)
            #expect(engine.delegate.notes.all.sorted() == ["parse error", "transport error"])
        }
    }

    /// What protocol 4 says of clients that want no binary frames.
    @Test func textOnlyWebSocketOfProtocol4() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openWebSocket(TestClient.path + "websocket&b64=1")
            _ = try client.readText()
            try client.write(TestClient.frame(0x82, [1, 2]) + TestClient.texts(["bAwQ="]))
            try client.expect("bAQI=", "bAwQ=")
        }
    }

    @Test(arguments: [1, 2])
    func upgrade(loops: Int) async throws {
        try await self.with(loops: loops) { engine in
            for extra in ["", "&b64=1"] {
                let poller = try TestClient(port: engine.port)
                let target = try self.open(poller, extra)
                let candidate = try TestClient(probing: target, port: engine.port)
                #expect(try poller.roundTrip("GET", target).body == "1:6")
                #expect(try poller.roundTrip("POST", target, body: "2:4a6:b4AQI=").body == "ok")
                try candidate.send("5", "4b")
                #expect(try candidate.readFrame().text == "4a")
                let binary = try candidate.readFrame()
                #expect(extra.isEmpty ? binary.payload == [4, 1, 2] : binary.text == "b4AQI=")
                #expect(try candidate.readFrame().text == "4b")
            }
        }
    }

    @Test func clientsPing() async throws {
        try await self.with { engine in
            let silent = try TestClient(port: engine.port)
            let target = try self.open(silent)
            let talking = try TestClient(port: engine.port)
            try talking.openWebSocket(Self.path + "websocket")
            talking.answersPings = false
            #expect(try talking.readText().hasPrefix("0"))
            for _ in 0..<3 {
                #expect(engine.delegate.notes.all.isEmpty)
                try await engine.advance(by: .seconds(20))
                try talking.send("2")
                try talking.expect("3")  // and no ping of the server's
            }
            #expect(engine.delegate.notes.all == ["ping timeout"])
            #expect(try silent.roundTrip("POST", target, body: "1:2").status == 400)
            try await engine.advance(by: .seconds(47))
            try talking.expectEnd()
            #expect(engine.delegate.notes.all == ["ping timeout", "ping timeout"])
        }
    }

    // MARK: sign of life

    private final class Answer: Sendable {
        private let value = Mutex<Bool?>(nil)
        func set(_ isAlive: Bool) { self.value.withLock { $0 = isAlive } }
        var isAlive: Bool? { self.value.withLock { $0 } }
    }

    private func probe(_ engine: Engine, _ timeout: TimeAmount) async throws -> Answer {
        let answer = Answer()
        let session = try #require(try await self.session(engine))
        session.execute { $0.probe(timeout: timeout) { answer.set($0) } }
        return answer
    }

    @Test func probeOfAWebSocket() async throws {
        try await self.with { engine in
            let client = try TestClient(port: engine.port)
            try client.openWebSocket(Self.path + "websocket")
            _ = try client.readText()
            let deaf = try await self.probe(engine, .milliseconds(60))
            let ping = try client.readFrame()
            #expect(ping.first == 0x89)
            try client.send("2", "4a")  // no answer to the probe
            try client.expect("3", "4a")
            try await eventually("answered") { deaf.isAlive != nil }
            #expect(deaf.isAlive == false)
            let alive = try await self.probe(engine, .minutes(5))
            try client.write(TestClient.frame(0x8A, ping.payload))  // too old
            let second = try client.readFrame()
            try client.send("4b")
            try client.expect("4b")
            #expect(alive.isAlive == nil)
            try client.write(TestClient.frame(0x8A, second.payload))
            try await eventually("answered") { alive.isAlive == true }
        }
    }

    @Test func probeWhilePolling() async throws {
        try await self.with { engine in
            let client = try TestClient(port: engine.port)
            let target = try self.open(client)
            // A GET that was on its way is no sign of life; the one behind its answer is.
            let first = try await self.probe(engine, .minutes(5))
            #expect(try client.roundTrip("GET", target).body == "1:6")
            #expect(first.isAlive == nil)
            try client.request("GET", target)
            try await eventually("answered") { first.isAlive == true }
            // A GET that waits is answered.
            let second = try await self.probe(engine, .milliseconds(200))
            #expect(try client.readResponse().body == "1:6")
            try await eventually("answered") { second.isAlive != nil }
            #expect(second.isAlive == false)
        }
    }

    @Test func probeDuringAnUpgrade() async throws {
        try await self.with { engine in
            let poller = try TestClient(port: engine.port)
            let target = try self.open(poller)
            let candidate = try TestClient(probing: target, port: engine.port)
            let answer = try await self.probe(engine, .minutes(5))
            try candidate.send("5")
            let ping = try candidate.readFrame()
            #expect(ping.first == 0x89 && answer.isAlive == nil)
            try candidate.write(TestClient.frame(0x8A, ping.payload))
            try await eventually("answered") { answer.isAlive == true }
        }
    }
}
