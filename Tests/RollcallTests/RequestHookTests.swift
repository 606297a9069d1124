// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@testable import Rollcall

/// Hooks on the requests of Engine.IO: refusals, headers, order.
@Suite struct RequestHookTests {
    private struct Unexpected: Error {}

    private static func decide(_ exchange: inout RequestExchange) throws {
        switch exchange.request.header("x-test") {
        case "forbidden": throw HandshakeRefusal("Not \"you\"")
        case "plain": throw HandshakeRefusal()
        case "away": throw TemporaryRefusal(code: "AWAY")
        case "broken": throw Unexpected()
        default: exchange.responseHeaders.append(("X-Initial", exchange.opensSession ? "yes" : "no"))
        }
    }

    @Test(arguments: [false, true])
    func refusalsAndHeaders(isAsynchronous: Bool) async throws {
        try await withServer(setUp: { server in
            server.onRequest { exchange in exchange.responseHeaders.append(("X-First", "1")) }
            if isAsynchronous {
                server.onRequest { exchange in
                    try await Task.sleep(for: .milliseconds(1))
                    try Self.decide(&exchange)
                }
            } else {
                server.onRequest { exchange in try Self.decide(&exchange) }
            }
            server.onRequest { exchange in
                exchange.responseHeaders.append(("X-Last", "\(exchange.responseHeaders.count)"))
                exchange.responseHeaders.append(("X-Bad", "a\r\nX-Injected: 1"))
            }
        }) { _, port in
            let client = try TestClient(port: port)
            let path = TestClient.path + "polling"
            let open = try client.roundTrip("GET", path)
            #expect(open.headers["x-first"] == "1" && open.headers["x-initial"] == "yes")
            #expect(open.headers["x-last"] == "2")
            #expect(open.headers["x-bad"] == nil && open.headers["x-injected"] == nil)
            let target = path + "&sid=" + (try TestClient.sessionID(in: open.body))
            #expect(try client.roundTrip("POST", target, body: "40").headers["x-initial"] == "no")
            #expect(try client.roundTrip("GET", target).body.hasPrefix("40{"))
            func refusal(_ name: String) throws -> (Int, String) {
                let answer = try client.roundTrip("GET", path, headers: ["X-Test: \(name)"])
                return (answer.status, answer.body)
            }
            #expect(try refusal("forbidden") == (403, #"{"code":4,"message":"Not \"you\""}"#))
            #expect(try refusal("plain") == (403, #"{"code":4,"message":"Forbidden"}"#))
            #expect(try refusal("broken") == (400, #"{"code":3,"message":"Bad request"}"#))
            #expect(try refusal("away").0 == 503)
            let socket = try TestClient(port: port)
            try socket.write(socket.upgradeRequest(TestClient.path + "websocket"))
            let head = try socket.readHead()
            #expect(head.line.contains("101") && head.headers["x-initial"] == "yes")
            let refused = try TestClient(port: port)
            try refused.write(refused.upgradeRequest(TestClient.path + "websocket", headers: ["X-Test: forbidden"]))
            let answer = try refused.readResponse()
            #expect(answer.status == 400 && answer.body == "Not \"you\"")
        }
    }
}
