// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import TestSupport
import Testing

@testable import EngineIOServer

/// Requests before they reach a session: what is no request, what the layer above decides, what takes too long.
@Suite struct RequestTests {
    private func counted(_ engine: Engine, _ reason: String, _ times: Int = 1) async throws {
        try await eventually("\(reason) is counted") { await engine.counters().refused[reason] == times }
    }

    private static let longHeader = "X: " + String(repeating: "x", count: 40000)

    // MARK: bad input

    @Test(arguments: [
        "\u{1}\u{2}\u{3}\r\n\r\n", "GET\r\n\r\n", "GET /socket.io/ HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /socket.io/ HTTP/1.1\r\nNo colon\r\n\r\n", "GET /socket.io/ HTTP/1.1\r\nBad name: x\r\n\r\n",
        "GET /socket.io/ HTTP/1.1\r\nContent-Length: x\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /socket.io/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func whatIsNoRequest(_ text: String) async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.write(text)
            let answer = try client.readResponse()
            #expect(answer.status == 400 && answer.headers["connection"] == "close", "\(answer)")
            try client.expectEnd()
            try await self.counted(engine, "malformed_request")
        }
    }

    @Test func originsWithControlCharacters() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.write(
                client.upgradeRequest(TestClient.path + "websocket", headers: ["Origin: a\u{1}b"]))
            #expect(try client.readResponse().status == 400)
            let polling = try TestClient(port: engine.port)
            let answer = try polling.roundTrip("GET", TestClient.path + "polling", headers: ["Origin: a\u{1}b"])
            #expect(answer.status == 400)
        }
    }

    @Test(arguments: [
        "GET /socket.io/ HTTP/1.1\r\n", "POST / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n",
    ])
    func headersThatAreTooLarge(_ start: String) async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.write(start + Self.longHeader)
            #expect(try client.readResponse().status == 431)
            let many = try TestClient(port: engine.port)
            try many.write(start + (0..<200).map { "X\($0): \(String(repeating: "x", count: 180))\r\n" }.joined())
            #expect(try many.readResponse().status == 431)
            try await self.counted(engine, "headers_too_large", 2)
        }
    }

    @Test func whatComesTooSlowly() async throws {
        try await withEngine { engine in
            for start in ["GET /socket.io/", "POST /socket.io/ HTTP/1.1\r\nHost"] {
                let client = try TestClient(port: engine.port)
                try client.write(start)
                try await engine.hasBegunRequest()
                try await engine.advance(by: .seconds(11))
                let answer = try client.readResponse()
                #expect(answer.status == 408 && answer.headers["connection"] == "close")
                try client.expectEnd()
            }
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let poster = try TestClient(port: engine.port)
            try poster.beginPost(target, length: 10)
            try await engine.hasBegunPost()
            try await engine.advance(by: .seconds(11))
            #expect(try poster.readResponse().status == 408)
            try poster.expectEnd()
            try await self.counted(engine, "request_timeout", 3)
            // As in the reference, a POST that breaks off ends its session.
            try await eventually("closed") { engine.delegate.notes.all == ["transport error"] }
        }
    }

    @Test(arguments: [1, 2])
    func postsThatBreakOff(loops: Int) async throws {
        try await withEngine(loops: loops) { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let poster = try TestClient(port: engine.port)
            try poster.beginPost(target, length: 10)
            try await engine.hasBegunPost()
            poster.reset()
            try await eventually("closed") { engine.delegate.notes.all == ["transport error"] }
        }
    }

    @Test func refusalsAreCounted() async throws {
        try await withEngine {
            $0.maxPayload = 100
        } _: { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let large = String(repeating: "4", count: 101)
            #expect(try client.roundTrip("POST", target, body: large).status == 413)
            try client.write("POST \(target) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n\(large)\r\n0\r\n\r\n")
            #expect(try client.readResponse().status == 413)
            #expect(try client.roundTrip("DELETE", target).status == 500)
            #expect(try client.roundTrip("GET", "/elsewhere").status == 404)
            #expect(try client.roundTrip("POST", target, body: "4still").body == "ok")
            #expect(try client.roundTrip("GET", target).body == "4still")
            let bytes = ["Content-Type: application/octet-stream"]
            #expect(try client.roundTrip("POST", target, headers: bytes, body: "4a").status == 400)
            let refused = await engine.counters().refused
            #expect(
                refused == ["payload_too_large": 2, "bad_method": 1, "unknown_path": 1, "bad_content_type": 1])
        }
    }

    @Test func transportsThatAreNotOffered() async throws {
        let unknown = #"{"code":0,"message":"Transport unknown"}"#
        try await withEngine {
            $0.allowsWebSocket = false
        } _: { engine in
            let client = try TestClient(port: engine.port)
            #expect(try client.roundTrip("GET", TestClient.path + "websocket").body == unknown)
            #expect(try client.roundTrip("GET", TestClient.path + "polling").body.contains(#""upgrades":[]"#))
            try client.write(client.upgradeRequest(TestClient.path + "websocket"))
            #expect(try client.readResponse().body == "Transport unknown")
        }
        try await withEngine {
            $0.allowsPolling = false
        } _: { engine in
            let client = try TestClient(port: engine.port)
            #expect(try client.roundTrip("GET", TestClient.path + "polling").body == unknown)
            try client.openSession()
        }
        try await withEngine {
            $0.allowUpgrades = false
        } _: { engine in
            let client = try TestClient(port: engine.port)
            #expect(try client.roundTrip("GET", TestClient.path + "polling").body.contains(#""upgrades":[]"#))
        }
    }

    // MARK: what the layer above decides

    @Test func checkedRequests() async throws {
        let seen = Notes()
        let decide: @Sendable (EngineRequest, Bool) -> EngineCheck = { request, opensSession in
            seen.add("\(opensSession)")
            let verdict: EngineCheck.Verdict
            switch request.query["x"] {
            case "forbidden": verdict = .failure(.forbidden("No entry"))
            case "away": verdict = .failure(.unavailable(code: "AWAY"))
            default: verdict = .success([("X-Added", request.query["t"] ?? "none")])
            }
            guard request.query["wait"] != nil else { return .decided(verdict) }
            return .waiting {
                try? await Task.sleep(for: .milliseconds(30))
                return verdict
            }
        }
        try await withEngine(loops: 2, check: RequestCheck(decide: decide)) { engine in
            for wait in ["", "&wait=1"] {
                let client = try TestClient(port: engine.port)
                let path = "/socket.io/?EIO=4\(wait)&t=7&transport="
                let open = try client.roundTrip("GET", path + "polling")
                #expect(open.headers["x-added"] == "7")
                let target = path + "polling&sid=" + (try TestClient.sessionID(in: open.body))
                for round in 0..<3 {
                    let posted = try client.roundTrip("POST", target, body: "4a\(round)")
                    #expect(posted.body == "ok" && posted.headers["x-added"] == "7")
                    #expect(try client.roundTrip("GET", target).body == "4a\(round)")
                }
                let socket = try TestClient(port: engine.port)
                // Frames that come while the decision waits are kept.
                try socket.write(
                    Array(socket.upgradeRequest(path + "websocket").utf8) + TestClient.texts(["4early"]))
                try await Task.sleep(for: .milliseconds(5))
                try socket.write(TestClient.texts(["4later"]))
                let head = try socket.readHead()
                #expect(head.line.contains("101") && head.headers["x-added"] == "7")
                #expect(try socket.readText().hasPrefix("0{"))
                try socket.expect("4early", "4later")
                // On a connection that was used before.
                try client.write(client.upgradeRequest(path + "websocket"))
                #expect(try client.readHead().headers["x-added"] == "7")
                #expect(try client.readText().hasPrefix("0{"))
                let refused = try TestClient(port: engine.port)
                let answer = try refused.roundTrip("GET", path + "polling&x=forbidden")
                #expect(answer.status == 403 && answer.body == #"{"code":4,"message":"No entry"}"#)
                let away = try refused.roundTrip("GET", path + "polling&x=away")
                #expect(away.status == 503 && away.headers["retry-after"] == "1" && away.body.contains("AWAY"))
                try refused.write(refused.upgradeRequest(path + "websocket&x=forbidden"))
                #expect(try refused.readResponse().body == "No entry")
                let fresh = try TestClient(port: engine.port)
                try fresh.write(fresh.upgradeRequest(path + "websocket&x=forbidden"))
                #expect(try fresh.readResponse().body == "No entry")
            }
            #expect(seen.all.contains("false") && seen.all.contains("true"))
            // Another path is not asked about.
            let count = seen.all.count
            let client = try TestClient(port: engine.port)
            #expect(try client.roundTrip("GET", "/elsewhere").status == 404)
            #expect(seen.all.count == count)
        }
    }

    @Test func bodiesThatWaitAreLimited() async throws {
        let (posted, over) = (Latch(), Latch())
        defer { over.open() }
        let check = RequestCheck { request, opensSession in
            guard !opensSession else { return .decided(.success([])) }
            let latch = request.query["transport"] == "polling" ? posted : over
            return .waiting {
                try? await latch.wait()
                return .success([])
            }
        }
        try await withEngine(check: check) {
            $0.maxPayload = 100
        } _: { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let large = String(repeating: "4", count: 200)
            try client.write("POST \(target) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nc8\r\n\(large)\r\n0\r\n\r\n")
            posted.open()
            #expect(try client.readResponse().status == 413)
            let eager = try TestClient(port: engine.port)
            try eager.write(eager.upgradeRequest(target.replacing("polling", with: "websocket")))
            try? eager.write([UInt8](repeating: 0x82, count: 200_000))
            try eager.expectEnd()
            try await self.counted(engine, "early_frames")
        }
    }

    /// A delay holds for both transports, and only for handshakes.
    @Test func handshakesMayBeDelayed() async throws {
        try await withEngine {
            $0.handshakeDelay = .milliseconds(150)
        } _: { engine in
            let client = try TestClient(port: engine.port)
            let start = ContinuousClock.now
            let target = try client.openPolling()
            #expect(ContinuousClock.now - start >= .milliseconds(150))
            #expect(try client.roundTrip("POST", target, body: "4a").body == "ok")
            let socket = try TestClient(port: engine.port)
            let second = ContinuousClock.now
            try socket.openSession()
            #expect(ContinuousClock.now - second >= .milliseconds(150))
            try socket.send("4x")
            try socket.expect("4x")
        }
    }

    // MARK: rate

    /// Messages of a POST above the rate wait, and its answer with them: none is lost, the order stays.
    @Test func postsAboveTheRateAreAnsweredLater() async throws {
        try await withEngine {
            $0.eventRate = 50
        } _: { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let poster = try TestClient(port: engine.port)
            let start = ContinuousClock.now
            let body = (0..<180).map { "4\($0)" }.joined(separator: "\u{1E}")
            try poster.request("POST", target, body: body)
            var got: [Substring] = []
            while got.count < 180 { got += try client.roundTrip("GET", target).body.split(separator: "\u{1E}") }
            #expect(got.filter { $0 != "2" }.map(String.init) == (0..<180).map { "4\($0)" })
            #expect(try poster.readResponse().body == "ok")
            #expect(ContinuousClock.now - start >= .seconds(1))
            #expect(await engine.counters().readingPauses >= 1)
        }
    }
}
