// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import TestSupport
import Testing

@testable import EngineIOServer

/// From polling to WebSocket: nothing is lost, doubled or overtaken, on one event loop and across two.
@Suite struct UpgradeTests {
    @Test(arguments: [1, 2])
    func nothingIsLostUnderTraffic(loops: Int) async throws {
        try await withEngine(loops: loops) { engine in
            for _ in 0..<4 {
                let poller = try TestClient(port: engine.port)
                let target = try poller.openPolling()
                let poster = try TestClient(port: engine.port)
                #expect(try poster.roundTrip("POST", target, body: "4flood300").body == "ok")
                var got: [String] = []
                func poll() throws -> Bool {
                    let packets = try poller.roundTrip("GET", target).body.split(separator: "\u{1E}").map(String.init)
                    got += packets.filter { $0 != "6" }
                    return packets.contains("6")
                }
                _ = try poll()
                let candidate = try TestClient(probing: target, port: engine.port)
                #expect(try poster.roundTrip("POST", target, body: "4up0\u{1E}4up1").body == "ok")
                while try !poll() {}
                // Messages that follow the upgrade packet at once must come after those that were posted.
                try candidate.send("5", "4up2", "4up3")
                while got.count < 304 { got.append(try candidate.readText()) }
                #expect(got.filter { $0.hasPrefix("4n") } == (0..<300).map { "4n\($0)" })
                #expect(got.filter { $0.hasPrefix("4up") } == (0..<4).map { "4up\($0)" })
                let late = try poller.roundTrip("GET", target)
                #expect(late.status == 400 && late.body == #"{"code":3,"message":"Bad request"}"#)
                candidate.close()
                try await eventually("closed") { engine.server.sessionCount == 0 }
            }
            #expect(engine.delegate.notes.all == (0..<4).flatMap { _ in ["upgraded", "transport close"] })
            #expect(await engine.counters().upgrades == 4)
        }
    }

    @Test(arguments: [1, 2])
    func queuedMessagesMoveOverWhenNoGetWaits(loops: Int) async throws {
        try await withEngine(loops: loops) { engine in
            let poller = try TestClient(port: engine.port)
            let target = try poller.openPolling()
            let candidate = try TestClient(probing: target, port: engine.port)
            #expect(try poller.roundTrip("POST", target, body: "4a\u{1E}bAQI=\u{1E}4b").body == "ok")
            try candidate.send("5", "4c")
            try candidate.expect("4a")
            #expect(try candidate.readFrame() == TestClient.Frame(first: 0x82, payload: [1, 2]))
            try candidate.expect("4b", "4c")
            try candidate.send("4close")
            #expect(try candidate.expectClose() == nil)
        }
    }

    @Test(arguments: [1, 2])
    func misbehavingCandidateEndsAlone(loops: Int) async throws {
        try await withEngine(loops: loops) { engine in
            let poller = try TestClient(port: engine.port)
            let target = try poller.openPolling()
            let webSocket = target.replacing("polling", with: "websocket")
            for bytes in [
                TestClient.texts(["5"]), TestClient.texts(["4x"]), TestClient.texts(["2probe", "4x"]),
                TestClient.frame(0x82, [1]), TestClient.frame(0x81, [0xFF]), TestClient.frame(0x88, []),
            ] {
                let candidate = try TestClient(port: engine.port)
                try candidate.openWebSocket(webSocket)
                try candidate.write(bytes)
                _ = try candidate.expectClose()
            }
            for drop in 0..<4 {
                let candidate = try TestClient(port: engine.port)
                try candidate.openWebSocket(webSocket)
                if drop & 1 == 1 {
                    try candidate.send("2probe")
                    #expect(try candidate.readText() == "3probe")
                }
                if drop & 2 == 2 { candidate.reset() } else { candidate.close() }
                try await engine.hasNoCandidate()
            }
            #expect(try poller.roundTrip("POST", target, body: "4still").body == "ok")
            #expect(try poller.roundTrip("GET", target).body == "4still")
            #expect(engine.delegate.notes.all.isEmpty)
        }
    }

    @Test func upgradeTakesNoLongerThanItMay() async throws {
        try await withEngine {
            $0.upgradeTimeout = .milliseconds(60)
        } _: { engine in
            let poller = try TestClient(port: engine.port)
            let target = try poller.openPolling()
            let candidate = try TestClient(port: engine.port)
            try candidate.openWebSocket(target.replacing("polling", with: "websocket"))
            #expect(try candidate.expectClose() == nil)
            #expect(try poller.roundTrip("POST", target, body: "4still").body == "ok")
        }
    }

    @Test(arguments: [1, 2])
    func secondWebSocketsOfASessionAreClosedAtOnce(loops: Int) async throws {
        try await withEngine(loops: loops) { engine in
            let poller = try TestClient(port: engine.port)
            let target = try poller.openPolling().replacing("polling", with: "websocket")
            let first = try TestClient(port: engine.port)
            try first.openWebSocket(target)
            try first.send("2probe")
            #expect(try first.readText() == "3probe")
            func refused() throws {
                let second = try TestClient(port: engine.port)
                try second.openWebSocket(target)
                #expect(try second.expectClose() == nil)
            }
            try refused()
            try first.send("5", "4x")
            try first.expect("4x")
            try refused()
            try first.send("4y")
            try first.expect("4y")
        }
    }

    @Test(arguments: [1, 2])
    func endOfTheSessionEndsItsCandidate(loops: Int) async throws {
        try await withEngine(loops: loops) { engine in
            let poller = try TestClient(port: engine.port)
            let target = try poller.openPolling()
            let candidate = try TestClient(probing: target, port: engine.port)
            #expect(try poller.roundTrip("POST", target, body: "1").body == "ok")
            #expect(try candidate.expectClose() == nil)
        }
    }

    /// A connection that was used for polling may become the WebSocket.
    @Test func usedConnectionIsUpgraded() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            #expect(try client.roundTrip("POST", target, body: "4a").body == "ok")
            #expect(try client.roundTrip("GET", target).body == "4a")
            try client.openWebSocket(target.replacing("polling", with: "websocket"))
            try client.send("2probe")
            try client.expect("3probe")
            try client.send("5", "4b")
            try client.expect("4b")
            let fresh = try TestClient(port: engine.port)
            _ = try fresh.openPolling()
            try fresh.openSession()
            try fresh.send("4c")
            try fresh.expect("4c")
        }
    }

    @Test func closedSessionsAndCandidatesAreFreed() async throws {
        try await withEngine(loops: 2) {
            $0.upgradeTimeout = .minutes(5)  // nobody waits for it
        } _: { engine in
            let candidates = WeakReferences()
            for round in 0..<24 {
                let poller = try TestClient(port: engine.port)
                let target = try poller.openPolling()
                let candidate = try TestClient(port: engine.port)
                try candidate.openWebSocket(target.replacing("polling", with: "websocket"))
                for loop in engine.server.loops {
                    try await loop.eventLoop.submit {
                        loop.onLoop.forEachSession { session in
                            if let candidate = session.candidate { candidates.add(candidate) }
                        }
                    }.get()
                }
                if round % 4 > 0 {
                    try candidate.send("2probe")
                    try candidate.expect("3probe")
                }
                if round % 4 == 2 { try candidate.send("5") }
                if round % 4 == 3 {
                    try candidate.send("4x")
                    _ = try candidate.expectClose()
                }
                if round % 2 == 0 { candidate.reset() }
                if round % 4 == 2 {
                    try await eventually("closed") { engine.server.sessionCount == 0 }
                } else {
                    _ = try poller.roundTrip("POST", target, body: "1")
                }
            }
            try await eventually("sessions end") { engine.server.sessionCount == 0 }
            try await eventually("sessions are freed") { engine.delegate.living == 0 }
            #expect(candidates.count >= 24)
            try await eventually("candidates are freed") { candidates.living == 0 }
        }
    }
}
