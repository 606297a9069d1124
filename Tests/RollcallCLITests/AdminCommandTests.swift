// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import TestSupport
import Testing

@Suite final class AdminCommandTests {
    private let rollcall: RollcallProcess

    init() throws {
        self.rollcall = try RollcallProcess()
    }

    deinit {
        self.rollcall.remove()
    }

    private func run(_ stub: AdminStub, _ arguments: String..., token: String = "t0ken") throws
        -> RollcallProcess.Result
    {
        try self.rollcall.run(
            arguments, environment: ["ROLLCALL_ADMIN_PORT": "\(stub.port)", "ROLLCALL_ADMIN_TOKEN": token])
    }

    private static func item(_ user: String) -> String {
        #"{"user":"\#(user)","connections":[{"sid":"abc-1","node":"n1","namespace":"/","connectedAt":"2026-01-01T00:00:00Z","transport":"websocket","address":"127.0.0.1"}]}"#
    }

    @Test func healthIsTheReadiness() async throws {
        let ready = try await AdminStub(["GET /readyz": .init(status: 200, body: #"{"ready":true}"#)])
        let result = try self.run(ready, "health")
        #expect(result.exitCode == 0 && result.output == "ready\n")
        #expect(try self.run(ready, "health", "--json").output == "{\"ready\":true}\n")
        try await ready.close()
        let reserved = try ReservedPort()
        defer { withExtendedLifetime(reserved) {} }
        let port = reserved.number
        let refused = try self.rollcall.run(["health"], environment: ["ROLLCALL_ADMIN_PORT": "\(port)"])
        #expect(refused.exitCode == 1)
        #expect(
            refused.errorLines == [
                "rollcall: cannot talk to the admin endpoint at http://127.0.0.1:\(port): Connection refused"
            ])
        let draining = try await AdminStub(["GET /readyz": .init(status: 503, body: #"{"draining":true}"#)])
        let unready = try self.run(draining, "health")
        #expect(unready.exitCode == 1 && unready.errorLines == ["rollcall: not ready: /readyz answered 503"])
        try await draining.close()
    }

    @Test func presenceListWalksAllPages() async throws {
        let stub = try await AdminStub([
            "GET /v1/presence?limit=1000": .init(
                status: 200, body: #"{"total":2,"items":[\#(Self.item("a"))],"cursor":"x y/1"}"#),
            "GET /v1/presence?limit=1000&cursor=x%20y%2F1": .init(
                status: 200, body: #"{"total":2,"items":[],"cursor":"z"}"#),
            "GET /v1/presence?limit=1000&cursor=z": .init(
                status: 200,
                body: #"{"total":2,"items":[\#(Self.item("a")),\#(Self.item(#"b\u001b[2J"#))],"cursor":null}"#),
        ])
        let result = try self.run(stub, "presence", "list")
        #expect(result.exitCode == 0)
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 3 && lines[0].hasPrefix("USER") && lines[1].hasPrefix("a  "))
        #expect(lines[1].contains("n1") && lines[1].contains("abc-1") && !result.output.contains("\u{1B}"))
        let json = try self.run(stub, "presence", "list", "--json")
        let object = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(object["total"] as? Int == 2 && (object["items"] as? [Any])?.count == 2)
        #expect(stub.requests.allSatisfy { $0.authorization == "Bearer t0ken" })
        try await stub.close()
    }

    @Test func onlyUsersOfOneNode() async throws {
        let stub = try await AdminStub([
            "GET /v1/presence?limit=1000&node=n%261": .init(status: 200, body: #"{"total":0,"items":[],"cursor":null}"#)
        ])
        #expect(try self.run(stub, "presence", "list", "--node", "n&1").exitCode == 0)
        try await stub.close()
    }

    @Test func presenceOfOneUser() async throws {
        let stub = try await AdminStub([
            "GET /v1/presence/a%2Fb%20%EA%B0%80": .init(status: 200, body: Self.item("a/b 가")),
            "DELETE /v1/presence/a": .init(status: 200, body: #"{"disconnected":2}"#),
        ])
        #expect(try self.run(stub, "presence", "get", "a/b 가").output.contains("a/b 가"))
        let gone = try self.run(stub, "presence", "get", "b")
        #expect(gone.exitCode == 1 && gone.errorLines == ["rollcall: b is not connected"])
        #expect(try self.run(stub, "presence", "disconnect", "a").output == "disconnected 2\n")
        #expect(try self.run(stub, "presence", "disconnect", "a", "--json").output == "{\"disconnected\":2}\n")
        try await stub.close()
    }

    @Test func emitSendsArgumentsAsTheyWereWritten() async throws {
        let stub = try await AdminStub(["POST /v1/emit": .init(status: 202, body: "")])
        let result = try self.run(
            stub, "emit", "--room", "user:a", "--room", "b\"", "--except", "c", "news",
            #"{"n":12345678901234567890.50}"#, "null",
            #""text""#)
        #expect(result.exitCode == 0 && result.output == "sent\n")
        #expect(
            stub.requests.map(\.body) == [
                #"{"namespace":"\/","event":"news","rooms":["user:a","b\""],"except":["c"],"#
                    + #""args":[{"n":12345678901234567890.50},null,"text"]}"#
            ])
        try await stub.close()
    }

    @Test func refusalsOfTheNode() async throws {
        let stub = try await AdminStub([
            "POST /v1/emit": .init(
                status: 400, body: #"{"title":"Bad request","detail":"event is reserved","code":"X"}"#),
            "DELETE /v1/presence/a": .init(status: 401, body: "{}"),
            "DELETE /v1/presence/b": .init(status: 200, body: "not JSON"),
            "DELETE /v1/presence/c": .init(status: 302, body: ""),
        ])
        let base = "http://127.0.0.1:\(stub.port)"
        #expect(
            try self.run(stub, "emit", "connect").errorLines == ["rollcall: \(base) answered 400: event is reserved"])
        let unauthorized = try self.run(stub, "presence", "disconnect", "a", token: "hunter2")
        #expect(
            unauthorized.errorLines == ["rollcall: \(base) asks for a token: --admin-token or --admin-token-file"])
        #expect(unauthorized.exitCode == 1 && !unauthorized.errors.contains("hunter2"))
        #expect(
            try self.run(stub, "presence", "disconnect", "b").errorLines == [
                "rollcall: the answer of the admin endpoint was not understood"
            ])
        #expect(try self.run(stub, "presence", "disconnect", "c").exitCode == 1)
        try await stub.close()
    }
}
