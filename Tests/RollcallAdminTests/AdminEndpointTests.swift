// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HTTPTypes
import HummingbirdTesting
import NIOCore
import PrometheusMetrics
import RollcallAdmin
import Synchronization
import Testing

@Suite struct AdminEndpointTests {
    // MARK: Health

    @Test func healthIsAlwaysThere() async throws {
        let response = try await AdminHarness(token: AdminHarness.token).send("/healthz")
        #expect(response.status == .ok)
        #expect(response.text == #"{"status":"ok"}"#)
    }

    @Test func readinessListsItsChecks() async throws {
        let harness = AdminHarness(token: AdminHarness.token)
        let ready = try await harness.send("/readyz")
        #expect(ready.status == .ok)
        #expect(
            ready.text
                == #"{"checks":[{"ageMs":12,"detail":"connected","name":"redis","ok":true}],"ready":true,"recovering":false}"#
        )

        let report = ReadinessReport(
            ready: false, recovering: false,
            checks: [ReadinessCheck(name: "redis", ok: false, detail: "never reached", ageMs: 3_000)])
        harness.backend.state.withLock { $0.readiness = report }
        let unready = try await harness.send("/readyz")
        #expect(unready.status == .serviceUnavailable)
        #expect(try unready.decoded(ReadinessReport.self) == report)
    }

    @Test func recoveringIsReady() async throws {
        let harness = AdminHarness()
        harness.backend.state.withLock { $0.readiness.recovering = true }
        let response = try await harness.send("/readyz")
        #expect(response.status == .ok)
        #expect(response.text.contains(#""recovering":true"#))
    }

    @Test func metricsAreExposedWithTheServersOwn() async throws {
        let harness = AdminHarness()
        harness.metrics.gauge("presence_users", help: "Users.").set(Int64(7))
        _ = try await harness.send("/nothing")
        let response = try await harness.send("/metrics")
        #expect(response.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(response.text.contains("\npresence_users 7\n"))
        #expect(response.text.contains("rollcall_admin_requests_total{endpoint=\"unknown\",status=\"404\"} 1\n"))
        #expect(response.text.contains("\nrollcall_admin_event_streams 0\n"))
    }

    // MARK: Presence

    @Test func presenceIsAPage() async throws {
        let harness = AdminHarness(users: ["u1"])
        let response = try await harness.send("/v1/presence")
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "application/json")
        let expected = """
            {"cursor":null,"items":[{"connections":[{"address":"192.0.2.1","connectedAt":"2026-11-22T13:44:22.123Z",\
            "namespace":"/","node":"n1","sid":"ab3-4f6H8k0LmNpQrStU","transport":"websocket"}],"user":"u1"}],\
            "recovering":false,"total":1}
            """
        #expect(response.text == expected)
        #expect(harness.backend.asked == ["presence 100 - -"])
    }

    @Test(arguments: [
        ("limit=1", "presence 1 - -"), ("limit=1000&node=n1", "presence 1000 - n1"),
        ("cursor=3.17%2Babc", "presence 100 3.17+abc -"), ("cursor=&node=", "presence 100 - -"),
        ("unknown=1", "presence 100 - -"), ("node=%EC%9D%B4+x", "presence 100 - 이 x"),
    ])
    func presenceTakesItsParameters(query: String, asked: String) async throws {
        let harness = AdminHarness()
        let response = try await harness.send("/v1/presence?" + query)
        #expect(response.status == .ok)
        #expect(harness.backend.asked == [asked])
    }

    @Test(arguments: [
        ("limit=0", "INVALID_LIMIT"), ("limit=1001", "INVALID_LIMIT"), ("limit=-1", "INVALID_LIMIT"),
        ("limit=ten", "INVALID_LIMIT"), ("limit=", "INVALID_LIMIT"), ("limit=99999999999999999999", "INVALID_LIMIT"),
        ("limit=1&limit=2", "INVALID_QUERY"), ("cursor=%zz", "INVALID_QUERY"), ("cursor=%ff", "INVALID_QUERY"),
        ("cursor=%4", "INVALID_QUERY"), ("cursor=bad", "INVALID_CURSOR"),
        ("cursor=" + String(repeating: "x", count: 513), "INVALID_CURSOR"),
    ])
    func presenceRefusesWrongParameters(query: String, code: String) async throws {
        try await AdminHarness().send("/v1/presence?" + query).expectProblem(400, code)
    }

    @Test func aPageCarriesCursorAndRecovery() async throws {
        let harness = AdminHarness()
        harness.backend.state.withLock {
            $0.page = PresencePage(total: 500, items: [], cursor: "7.1280", recovering: true)
        }
        let response = try await harness.send("/v1/presence?limit=2")
        #expect(response.text == #"{"cursor":"7.1280","items":[],"recovering":true,"total":500}"#)
    }

    @Test(arguments: [
        ("u1", "u1"), ("%EC%9D%B4%EB%AF%B8", "이미"), ("이미", "이미"), ("a%2Fb", "a/b"), ("%F0%9F%A6%8A", "🦊"),
        ("%65vents", "events"), ("a+b", "a+b"), ("a%25b", "a%b"), ("%00", "\0"),
        ("user%40example.org", "user@example.org"),
    ])
    func oneUserIsFoundByItsDecodedId(path: String, user: String) async throws {
        let harness = AdminHarness(users: [user])
        let response = try await harness.send("/v1/presence/" + path)
        #expect(response.status == .ok)
        #expect(try response.decoded(PresenceItem.self) == FakeBackend.item(user))
        #expect(harness.backend.asked == ["user \(user)"])
    }

    @Test(arguments: ["%ff", "%C3", "%2", "%", "%gg", "%ED%A0%80"])
    func idsThatAreNotUTF8AreRefused(path: String) async throws {
        let harness = AdminHarness()
        try await harness.send("/v1/presence/" + path).expectProblem(400, "INVALID_USER")
        try await harness.send("/v1/presence/" + path, .delete).expectProblem(400, "INVALID_USER")
        #expect(harness.backend.asked.isEmpty)
    }

    @Test func anOfflineUserIsNotFound() async throws {
        try await AdminHarness().send("/v1/presence/nobody").expectProblem(404, "NOT_FOUND")
    }

    @Test func deleteDisconnects() async throws {
        let harness = AdminHarness(users: ["이미"])
        let first = try await harness.send("/v1/presence/%EC%9D%B4%EB%AF%B8", .delete)
        #expect(first.status == .ok)
        #expect(first.text == #"{"disconnected":1}"#)
        let second = try await harness.send("/v1/presence/%EC%9D%B4%EB%AF%B8", .delete)
        #expect(second.text == #"{"disconnected":0}"#)
    }

    // MARK: Cluster

    @Test func nodesAreAWholeList() async throws {
        let response = try await AdminHarness().send("/v1/nodes")
        let expected = """
            {"cursor":null,"items":[{"address":"10.0.0.1:3000","connections":3,"draining":false,"id":"n1","leaseLeftMs":8400,\
            "local":true,"sidPrefix":"ab3","started":"2026-11-22T13:44:22.123Z","users":2,"version":"0.1.0"},\
            {"address":"10.0.0.2:3000","connections":0,"draining":true,"id":"n2","leaseLeftMs":null,"local":false,\
            "sidPrefix":"x9Z","started":"2026-11-22T13:44:22.123Z","users":0,"version":"0.1.0"}],"total":2}
            """
        #expect(response.text == expected)
    }

    @Test func namespacesAndRoomsHaveCounts() async throws {
        let harness = AdminHarness()
        let namespaces = try await harness.send("/v1/namespaces")
        #expect(namespaces.text == #"{"cursor":null,"items":[{"connections":3,"name":"/","rooms":4}],"total":1}"#)
        let rooms = try await harness.send("/v1/rooms?namespace=/&cursor=a&limit=5")
        #expect(rooms.text == #"{"cursor":"next","items":[{"connections":1,"name":"user:u1"}],"total":2}"#)
        try await harness.send("/v1/rooms?namespace=%2Fother").expectProblem(404, "NOT_FOUND")
        #expect(harness.backend.asked == ["namespaces", "rooms / 5 a", "rooms /other 100 -"])
        _ = try await harness.send("/v1/rooms")
        #expect(harness.backend.asked.last == "rooms / 100 -")
    }

    // MARK: Control

    @Test func emitKeepsTheArgumentsAsWritten() async throws {
        let harness = AdminHarness()
        let body =
            #"{"rooms":["a","b"],"except":["c"],"event":"news","args":[ 1.50, {"k":"\u00e9"} ],"namespace":"/n"}"#
        let response = try await harness.send("/v1/emit", .post, body: body)
        #expect(response.status == .accepted)
        #expect(response.text == #"{"status":"accepted"}"#)
        #expect(
            harness.backend.state.withLock { $0.emitted } == [
                EmitRequest(
                    namespace: "/n", rooms: ["a", "b"], except: ["c"], event: "news", args: #"[ 1.50, {"k":"\u00e9"} ]"#
                )
            ])
    }

    @Test func emitToEveryoneNeedsOnlyTheEvent() async throws {
        let harness = AdminHarness()
        let response = try await harness.send("/v1/emit", .post, body: #"{"event":"이벤트"}"#)
        #expect(response.status == .accepted)
        #expect(
            harness.backend.state.withLock { $0.emitted } == [
                EmitRequest(namespace: "/", rooms: [], except: [], event: "이벤트", args: "[]")
            ])
    }

    @Test func malformedBodiesEmitNothing() async throws {
        let harness = AdminHarness()
        try await harness.send("/v1/emit", .post).expectProblem(400, "INVALID_JSON")
        try await harness.send("/v1/emit", .post, body: "{").expectProblem(400, "INVALID_JSON")
        try await harness.send("/v1/emit", .post, body: #"{"event":"connect"}"#).expectProblem(400, "INVALID_REQUEST")
        let large = #"{"event":"e","args":[""# + String(repeating: "x", count: 1_000_000) + #""]}"#
        try await harness.send("/v1/emit", .post, body: large).expectProblem(413, "PAYLOAD_TOO_LARGE")
        #expect(harness.backend.asked.isEmpty)
    }

    @Test func aBodyOfExactlyTheLimitIsTaken() async throws {
        let harness = AdminHarness()
        let frame = #"{"event":"e","args":[""]}"#
        let body = #"{"event":"e","args":[""# + String(repeating: "x", count: 1_000_000 - frame.utf8.count) + #""]}"#
        #expect(body.utf8.count == 1_000_000)
        #expect(try await harness.send("/v1/emit", .post, body: body).status == .accepted)
    }

    @Test func drainIsAccepted() async throws {
        let harness = AdminHarness()
        let response = try await harness.send("/v1/drain", .post)
        #expect(response.status == .accepted)
        #expect(harness.backend.state.withLock { $0.drains } == 1)
    }

    // MARK: Errors

    @Test(arguments: [
        "/v1", "/v1/", "/nothing", "/v1/presence/", "/v1/presence/a/b", "/v1/nodes/", "//", "/admin.js/x", "/HEALTHZ",
    ])
    func unknownPathsAreNotFound(path: String) async throws {
        try await AdminHarness().send(path).expectProblem(404, "NOT_FOUND")
    }

    @Test(arguments: [
        ("/healthz", HTTPRequest.Method.post, "GET, HEAD"), ("/v1/emit", .get, "POST"), ("/v1/drain", .get, "POST"),
        ("/v1/presence/u1", .put, "GET, HEAD, DELETE"), ("/v1/presence", .delete, "GET, HEAD"),
        ("/v1/presence/events", .delete, "GET"), ("/v1/presence/events", .head, "GET"), ("/", .options, "GET, HEAD"),
    ])
    func otherMethodsAreNotAllowed(path: String, method: HTTPRequest.Method, allow: String) async throws {
        let response = try await AdminHarness().send(path, method)
        #expect(response.status == .methodNotAllowed)
        #expect(response.headers[.allow] == allow)
        #expect(response.headers[.accessControlAllowOrigin] == nil)
    }

    @Test(arguments: ["/v1/presence", "/v1/presence/u1", "/v1/nodes", "/v1/namespaces", "/v1/rooms"])
    func backendErrorsAreProblems(path: String) async throws {
        let harness = AdminHarness()
        harness.backend.fail(AdminError.registryUnavailable(retryAfter: 3))
        let away = try await harness.send(path)
        try away.expectProblem(503, "REGISTRY_UNAVAILABLE")
        #expect(away.headers[.retryAfter] == "3")

        harness.backend.fail(FakeBackend.Unexpected())
        let broken = try await harness.send(path)
        try broken.expectProblem(500, "INTERNAL")
        #expect(!broken.text.contains("password"))
    }

    @Test func headAnswersWithoutABody() async throws {
        let harness = AdminHarness()
        let response = try await harness.send("/v1/nodes", .head)
        #expect(response.status == .ok)
        #expect(response.body.readableBytes == 0)
        let length = try await harness.send("/v1/nodes").body.readableBytes
        #expect(response.headers[.contentLength] == String(length))
    }
}
