// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import TestSupport
import Testing

@testable import EngineIOServer

@Suite struct PollingTests {
    @Test(arguments: [1, 2])
    func messagesGoBothWaysAndAreJoined(loops: Int) async throws {
        try await withEngine(loops: loops) { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let other = try TestClient(port: engine.port)
            for round in 0..<20 {
                let answer = try other.roundTrip("POST", target, body: "4a\(round)\u{1E}4b\u{1E}bAQID")
                #expect(answer.status == 200 && answer.body == "ok" && answer.headers["content-type"] == "text/html")
                var got = ""
                while !got.hasSuffix("bAQID") {
                    let poll = try client.roundTrip("GET", target)
                    #expect(poll.status == 200 && poll.headers["content-type"] == "text/plain; charset=UTF-8")
                    #expect(poll.headers["cache-control"] == "no-store")
                    got += (got.isEmpty ? "" : "\u{1E}") + poll.body
                }
                #expect(got == "4a\(round)\u{1E}4b\u{1E}bAQID")
            }
        }
    }

    @Test func waitingGetIsAnsweredWhenThereIsSomething() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            try client.request("GET", target)
            let other = try TestClient(port: engine.port)
            #expect(try other.roundTrip("POST", target, body: "4x").body == "ok")
            #expect(try client.readResponse().body == "4x")
        }
    }

    struct Refusal: Sendable {
        var method: String
        var target: String
        var status: Int
        var body: String
    }

    @Test(arguments: [
        Refusal(method: "GET", target: "", status: 400, body: #"{"code":0,"message":"Transport unknown"}"#),
        Refusal(
            method: "GET", target: "?EIO=4&transport=tin", status: 400,
            body: #"{"code":0,"message":"Transport unknown"}"#),
        Refusal(
            method: "GET", target: "?EIO=4&transport=polling&sid=nobody", status: 400,
            body: #"{"code":1,"message":"Session ID unknown"}"#),
        Refusal(
            method: "POST", target: "?EIO=4&transport=polling&sid=aaaaaaaaaaaaaaaaaaaa", status: 400,
            body: #"{"code":1,"message":"Session ID unknown"}"#),
        Refusal(
            method: "POST", target: "?EIO=4&transport=polling", status: 400,
            body: #"{"code":2,"message":"Bad handshake method"}"#),
        Refusal(
            method: "GET", target: "?EIO=4&transport=websocket", status: 400,
            body: #"{"code":3,"message":"Bad request"}"#),
        Refusal(
            method: "GET", target: "?EIO=3&transport=polling", status: 400,
            body: #"{"code":5,"message":"Unsupported protocol version"}"#),
        Refusal(
            method: "GET", target: "?transport=polling", status: 400,
            body: #"{"code":5,"message":"Unsupported protocol version"}"#),
    ])
    func refusalsAreTheReferences(_ refusal: Refusal) async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            for _ in 0..<2 {  // the connection lives on
                let answer = try client.roundTrip(refusal.method, "/socket.io/" + refusal.target)
                #expect(answer.status == refusal.status && answer.body == refusal.body)
                #expect(answer.headers["content-type"] == "application/json")
            }
        }
    }

    @Test func refusedUpgradesAreTexts() async throws {
        try await withEngine { engine in
            for (target, text) in [
                ("/socket.io/?EIO=4", "Transport unknown"),
                ("/socket.io/?EIO=4&transport=polling", "Bad request"),
                ("/socket.io/?EIO=3&transport=websocket", "Unsupported protocol version"),
                ("/socket.io/?EIO=4&transport=websocket&sid=aaaaaaaaaaaaaaaaaaaa", "Session ID unknown"),
            ] {
                let client = try TestClient(port: engine.port)
                try client.write(client.upgradeRequest(target))
                let answer = try client.readResponse()
                #expect(answer.status == 400 && answer.body == text)
                #expect(answer.headers["connection"] == "close" && answer.headers["content-type"] == "text/html")
                try client.expectEnd()
            }
        }
    }

    @Test func refusalsOfTheApplicationAreForbidden() async throws {
        try await withEngine(refusal: .forbidden("No \"entry\"")) { engine in
            let client = try TestClient(port: engine.port)
            let answer = try client.roundTrip("GET", TestClient.path + "polling")
            #expect(answer.status == 403 && answer.body == #"{"code":4,"message":"No \"entry\""}"#)
            let socket = try TestClient(port: engine.port)
            try socket.write(socket.upgradeRequest(TestClient.path + "websocket"))
            let refused = try socket.readResponse()
            #expect(refused.status == 400 && refused.body == "No \"entry\"")
        }
    }

    @Test func drainingAndFullAreRetriedLater() async throws {
        try await withEngine {
            $0.maxConnections = 1
        } _: { engine in
            let first = try TestClient(port: engine.port)
            _ = try first.openPolling()
            func both(_ code: String, _ seconds: String) throws {
                let client = try TestClient(port: engine.port)
                let answer = try client.roundTrip("GET", TestClient.path + "polling")
                #expect(answer.status == 503 && answer.body.contains(code))
                #expect(answer.headers["retry-after"] == seconds)
                try client.write(client.upgradeRequest(TestClient.path + "websocket"))
                let refused = try client.readResponse()
                #expect(refused.status == 503 && refused.body.contains(code))
                #expect(refused.headers["retry-after"] == seconds)
            }
            try both("SERVER_FULL", "2")
            engine.server.refuseNewSessions()
            try both("NODE_DRAINING", "1")
        }
    }

    @Test func handshakesOfOneAddressAreLimited() async throws {
        try await withEngine {
            $0.connectRate = 2
            $0.trustedProxies = ["127.0.0.0/8"].compactMap { AddressRange($0) }
        } _: { engine in
            func shake(_ headers: [String]) throws -> Int {
                try TestClient(port: engine.port).roundTrip("GET", TestClient.path + "polling", headers: headers).status
            }
            let many = try (0..<4).map { _ in try shake(["X-Forwarded-For: 203.0.113.9"]) }
            #expect(many == [200, 200, 429, 429])
            #expect(try shake(["X-Forwarded-For: 203.0.113.10"]) == 200)
            // What the client wrote itself does not count: the proxy adds its own header behind it.
            let spoofed = try (0..<4).map {
                try shake(["X-Forwarded-For: 198.51.100.\($0)", "X-Forwarded-For: 203.0.113.11"])
            }
            #expect(spoofed == [200, 200, 429, 429])
            let sockets = try (0..<4).map { number in
                let client = try TestClient(port: engine.port)
                try client.write(
                    client.upgradeRequest(
                        TestClient.path + "websocket",
                        headers: ["X-Forwarded-For: 198.51.100.\(number)", "X-Forwarded-For: 203.0.113.12"]))
                return try client.readHead().line
            }
            #expect(sockets.map { $0.contains("429") } == [false, false, true, true])
            try await engine.advance(by: .seconds(1))
            #expect(try shake(["X-Forwarded-For: 203.0.113.9"]) == 200)
        }
    }

    // MARK: rules

    @Test func secondGetEndsTheSession() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            try client.request("GET", target)
            let second = try TestClient(port: engine.port)
            try await engine.hasPoll()
            let refused = try second.roundTrip("GET", target)
            #expect(refused.status == 400 && refused.body.isEmpty)
            let first = try client.readResponse()
            #expect(first.status == 200 && first.body == "1")
            #expect(try client.roundTrip("GET", target).body.contains("Session ID unknown"))
            #expect(engine.delegate.notes.all == ["transport error"])
        }
    }

    @Test(arguments: [1, 2])
    func secondPostEndsTheSession(loops: Int) async throws {
        try await withEngine(loops: loops) { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            try client.beginPost(target, length: 4)
            try await engine.hasBegunPost()
            let second = try TestClient(port: engine.port)
            let refused = try second.roundTrip("POST", target, body: "4b")
            #expect(refused.status == 400 && refused.body.isEmpty)
            try await eventually("closed") { engine.delegate.notes.all == ["transport error"] }
            try client.write("aa")
            #expect(try client.readResponse().status == 400)
            #expect(try second.roundTrip("GET", target).body.contains("Session ID unknown"))
        }
    }

    @Test func octetStreamIsRefused() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let answer = try client.roundTrip(
                "POST", target, headers: ["Content-Type: application/octet-stream"], body: "4a")
            #expect(answer.status == 400 && answer.body.isEmpty)
            #expect(try client.roundTrip("GET", target).body.contains("Session ID unknown"))
        }
    }

    @Test func tooLargePostIsRefusedAndTheSessionLives() async throws {
        try await withEngine {
            $0.maxPayload = 1000
        } _: { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let body = "4" + String(repeating: "x", count: 1000)
            #expect(try client.roundTrip("POST", target, body: body).status == 413)
            try client.write(
                "POST \(target) HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n\(body)\r\n0\r\n\r\n")
            #expect(try client.readResponse().status == 413)
            #expect(try client.roundTrip("POST", target, body: "4x").body == "ok")
            #expect(try client.roundTrip("GET", target).body == "4x")
        }
    }

    @Test(arguments: ["", "4a\u{1E}", "9", "b!", "4a\u{1E}\u{1E}4b"])
    func malformedPayloadEndsTheSession(_ payload: String) async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let answer = try client.roundTrip("POST", target, body: payload)
            #expect(answer.status == 200 && answer.body == "ok")
            try await eventually("closed") { engine.delegate.notes.all == ["parse error"] }
        }
    }

    @Test func closePacketAnswersTheWaitingGet() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            try client.request("GET", target)
            try await engine.hasPoll()
            #expect(try TestClient(port: engine.port).roundTrip("POST", target, body: "1").body == "ok")
            #expect(try client.readResponse().body == "6")
            #expect(try client.roundTrip("GET", target).body.contains("Session ID unknown"))
            #expect(engine.delegate.notes.all == ["transport close"])
        }
    }

    @Test func otherMethodsFail() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let answer = try client.roundTrip("PUT", target, body: "4a")
            #expect(answer.status == 500 && answer.body.isEmpty)
            #expect(try client.roundTrip("GET", "/elsewhere").status == 404)
            #expect(engine.delegate.notes.all.isEmpty)
        }
    }

    @Test func lostGetEndsTheSession() async throws {
        try await withEngine(loops: 2) { engine in
            for _ in 0..<4 {
                let client = try TestClient(port: engine.port)
                let target = try client.openPolling()
                let other = try TestClient(port: engine.port)
                try other.request("GET", target)
                try await engine.hasPoll()
                other.reset()
                try await eventually("closed") { engine.server.sessionCount == 0 }
            }
            #expect(Set(engine.delegate.notes.all) == ["transport error"])
        }
    }

    /// What was said before the end waits for the next GET; afterwards the session is unknown.
    @Test func whatWasSaidBeforeTheEndIsFetched() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            #expect(try client.roundTrip("POST", target, body: "4last\u{1E}4close\u{1E}4not").body == "ok")
            #expect(engine.delegate.notes.all == ["forced close"])
            #expect(engine.server.sessionCount == 1)
            #expect(try client.roundTrip("GET", target).body == "4last")
            try await eventually("forgotten") { engine.server.sessionCount == 0 }
            #expect(try client.roundTrip("GET", target).body.contains("Session ID unknown"))
        }
    }

    @Test func clientToComeBackIsToldSo() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            try client.request("GET", target)
            try await engine.hasPoll()
            _ = try TestClient(port: engine.port).roundTrip("POST", target, body: "4comeback")
            let answer = try client.readResponse()
            #expect(answer.status == 503 && answer.body.contains(#""code":"TEST""#))
            #expect(answer.headers["retry-after"] == "1")
        }
    }

    @Test func refusedPostDoesNotKeepItsConnectionForEver() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            let first = try TestClient(port: engine.port)
            try first.beginPost(target, length: 4)
            try await engine.hasBegunPost()
            let second = try TestClient(port: engine.port)
            #expect(try second.roundTrip("POST", target, body: "4b").status == 400)
            try await engine.advance(by: .seconds(66))
            try second.expectEnd()
        }
    }

    @Test func slowHeadsAndBodiesAreCutOff() async throws {
        try await withEngine { engine in
            var accepted = 0
            for start in ["", "GET /socket.io/", "POST /socket.io/ HTTP/1.1\r\nHost", "GET / HTTP/1.1\r\nA: b\r\n"] {
                let client = try TestClient(port: engine.port)
                try client.write(start)
                accepted += 1
                let wanted = accepted
                try await eventually("accepted") { await engine.counters().accepted == wanted }
                if !start.isEmpty { try await engine.hasBegunRequest() }
                try await engine.advance(by: .seconds(11))
                try client.expectEnd()
            }
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            try client.beginPost(target, length: 10)
            try await engine.hasBegunPost()
            try await engine.advance(by: .seconds(11))
            try client.expectEnd()
        }
    }

    @Test func crossOriginHeaders() async throws {
        try await withEngine {
            $0.cors = CORSConfiguration(origins: .list(["https://a.example"]), credentials: true)
            $0.cookie = CookieConfiguration(name: "io")
        } _: { engine in
            let client = try TestClient(port: engine.port)
            let open = try client.roundTrip(
                "GET", TestClient.path + "polling", headers: ["Origin: https://a.example"])
            #expect(open.headers["access-control-allow-origin"] == "https://a.example")
            #expect(open.headers["access-control-allow-credentials"] == "true")
            #expect(open.headers["vary"] == "Origin")
            let sid = try TestClient.sessionID(in: open.body)
            #expect(open.headers["set-cookie"] == "io=\(sid); Path=/; HttpOnly; SameSite=Lax")
            let other = try client.roundTrip(
                "GET", TestClient.path + "polling", headers: ["Origin: https://b.example"])
            #expect(other.headers["access-control-allow-origin"] == nil)
            let preflight = try client.roundTrip(
                "OPTIONS", TestClient.path + "polling",
                headers: [
                    "Origin: https://a.example", "Access-Control-Request-Method: POST",
                    "Access-Control-Request-Headers: content-type",
                ])
            #expect(preflight.status == 204)
            #expect(preflight.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE")
            #expect(preflight.headers["access-control-allow-headers"] == "content-type")
        }
    }

    /// As in the reference: 101 answers have what polling answers have, but no cookie.
    @Test func crossOriginHeadersOfWebSockets() async throws {
        try await withEngine(check: RequestCheck { _, _ in .decided(.success([("X-Added", "7")])) }) {
            $0.cors = CORSConfiguration(origins: .list(["https://a.example"]), credentials: true)
            $0.cookie = CookieConfiguration(name: "io")
            $0.webSocketEndpoints = ["/echo": .echo(maxPayload: 100)]
        } _: { engine in
            let polling = try TestClient(port: engine.port)
            let used = try polling.openPolling()
            let upgrade = used.replacing("transport=polling", with: "transport=websocket")
            let fresh = TestClient.path + "websocket"
            for (client, target) in [(try TestClient(port: engine.port), fresh), (polling, upgrade)] {
                try client.write(client.upgradeRequest(target, headers: ["Origin: https://a.example"]))
                let head = try client.readHead()
                #expect(head.line.contains("101"))
                #expect(head.headers["access-control-allow-origin"] == "https://a.example")
                #expect(head.headers["access-control-allow-credentials"] == "true")
                #expect(head.headers["vary"] == "Origin")
                #expect(head.headers["access-control-allow-methods"] == nil)
                #expect(head.headers["x-added"] == "7")
                #expect(head.headers["set-cookie"] == nil)
            }
            let foreign = try TestClient(port: engine.port)
            try foreign.write(foreign.upgradeRequest(fresh, headers: ["Origin: https://b.example"]))
            let head = try foreign.readHead()
            #expect(head.line.contains("101") && head.headers["vary"] == "Origin")
            #expect(head.headers["access-control-allow-origin"] == nil)
            let plain = try TestClient(port: engine.port)
            try plain.write(plain.upgradeRequest("/echo", headers: ["Origin: https://a.example"]))
            let echo = try plain.readHead()
            #expect(echo.line.contains("101") && echo.headers["vary"] == nil)
        }
    }

    @Test func anyOriginOfWebSockets() async throws {
        try await withEngine {
            $0.cors = CORSConfiguration(origins: .any, credentials: false)
        } _: { engine in
            let client = try TestClient(port: engine.port)
            try client.write(client.upgradeRequest(TestClient.path + "websocket"))
            let head = try client.readHead()
            #expect(head.headers["access-control-allow-origin"] == "*" && head.headers["vary"] == nil)
        }
    }

    @Test func missingPongEndsTheSession() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let target = try client.openPolling()
            try client.request("GET", target)
            try await engine.hasPoll()
            try await engine.advance(by: .seconds(27))
            #expect(try client.readResponse().body == "2")
            try await engine.advance(by: .seconds(22))
            #expect(engine.delegate.notes.all == ["ping timeout"])
            #expect(try client.roundTrip("GET", target).body.contains("Session ID unknown"))
        }
    }
}
