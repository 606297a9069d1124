// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HummingbirdTesting
import NIOCore
import PrometheusMetrics
import TestSupport
import Testing

@testable import RollcallAdmin

/// Over real sockets: what the router alone does not show.
@Suite struct AdminServerTests {
    @Test func listensOnAFreePortAndAnswers() async throws {
        try await AdminHarness(users: ["이미"]).withLiveServer { _, port in
            #expect(port > 0)
            let client = try RawConnection(port: port)
            try client.get("/v1/presence/%EC%9D%B4%EB%AF%B8")
            try await client.expect("HTTP/1.1 200 OK\r\n", "\"user\":\"이미\"")
        }
    }

    @Test func aPortInUseIsAClearError() async throws {
        try await AdminHarness().withLiveServer { _, port in
            var harness = AdminHarness()
            harness.configuration.port = port
            let second = harness.server()
            let error = await #expect(throws: AdminListenError.self) { try await second.run() }
            #expect(error?.description.hasPrefix("the admin endpoint cannot listen on 127.0.0.1:\(port): ") == true)
        }
    }

    @Test func doesNotBindAnOpenAddressWithoutToken() async throws {
        var harness = AdminHarness()
        harness.configuration.host = "0.0.0.0"
        let server = harness.server { _ in Issue.record("it listens") }
        await #expect(throws: AdminConfigurationError.self) { try await server.run() }
    }

    @Test func eventsAreStreamedAndResumed() async throws {
        let harness = AdminHarness(token: AdminHarness.token)
        let authorization = "Authorization: Bearer \(AdminHarness.token)"
        try await harness.withLiveServer { server, port in
            let first = try RawConnection(port: port)
            try first.get("/v1/presence/events", headers: [authorization])
            try await first.expect("Content-Type: text/event-stream", "event: reset\n", "retry: 2000\n")
            harness.backend.source.yield(harness.backend.join("이미"))
            harness.backend.source.yield(
                PresenceEvent(kind: .leave, user: "u2", node: nil, time: FakeBackend.start))
            try await first.expect(
                #"data: {"node":"n1","time":"2026-11-22T13:44:22.123Z","user":"이미"}"#, "event: leave\n",
                #"data: {"node":null,"time":"2026-11-22T13:44:22.123Z","user":"u2"}"#)
            let id = try #require(first.received.firstMatch(of: /event: join\nid: (\S+)\n/)?.1)

            let second = try RawConnection(port: port)
            try second.get("/v1/presence/events", headers: [authorization, "Last-Event-ID: \(id)"])
            try await second.expect("event: leave\n")
            #expect(!second.received.contains("event: reset"))
            #expect(!second.received.contains("event: join"))

            harness.backend.source.yield(.reset(time: FakeBackend.start))
            try await second.expect("event: reset\n")
        }
    }

    @Test func eventsAreCollectedOnlyForReaders() async throws {
        var harness = AdminHarness()
        harness.configuration.eventLinger = .milliseconds(20)
        let backend = harness.backend
        try await harness.withLiveServer { _, port in
            #expect(!backend.isFollowed)
            var client: RawConnection? = try RawConnection(port: port)
            try client?.get("/v1/presence/events")
            backend.source.yield(backend.join("first"))
            try await client?.expect("event: join\n")
            let id = try #require(client?.received.firstMatch(of: /event: join\nid: (\S+)\n/)?.1)
            client = nil
            try await eventually("nobody follows") { !backend.isFollowed }

            // What happened meanwhile is not known, so the old id means nothing.
            let second = try RawConnection(port: port)
            try second.get("/v1/presence/events", headers: ["Last-Event-ID: \(id)"])
            try await second.expect("event: reset\n")
            backend.source.yield(backend.join("second"))
            try await second.expect("\"user\":\"second\"")
            #expect(backend.isFollowed)
        }
    }

    @Test func aStreamIsGivenBackWhenItsClientGoes() async throws {
        try await AdminHarness().withLiveServer { server, port in
            var client: RawConnection? = try RawConnection(port: port)
            try client?.get("/v1/presence/events")
            try await client?.expect("event: reset\n")
            #expect(server.events.readerCount == 1)
            client = nil
            try await eventually("no reader") { server.events.readerCount == 0 }
        }
    }

    @Test func streamsBeyondTheBoundAreRefused() async throws {
        var harness = AdminHarness()
        harness.configuration.eventStreams = 1
        try await harness.withLiveServer { _, port in
            let first = try RawConnection(port: port)
            try first.get("/v1/presence/events")
            try await first.expect("event: reset\n")
            let second = try RawConnection(port: port)
            try second.get("/v1/presence/events")
            try await second.expect("HTTP/1.1 503 ", "TOO_MANY_STREAMS", "Retry-After: 5")
        }
    }

    @Test func idleStreamsCarryHeartbeats() async throws {
        var harness = AdminHarness()
        harness.configuration.eventHeartbeat = .milliseconds(20)
        try await harness.withLiveServer { _, port in
            let client = try RawConnection(port: port)
            try client.get("/v1/presence/events")
            try await client.expect("event: reset\n", "\r\n:\n\n\r\n")
        }
    }

    @Test func aClientThatDoesNotReadIsDisconnected() async throws {
        var harness = AdminHarness()
        harness.configuration.eventHistory = 50
        let backend = harness.backend
        try await harness.withLiveServer { server, port in
            let client = try RawConnection(port: port, receiveBuffer: 4_096)
            try client.get("/v1/presence/events")
            try await eventually("the reader") { server.events.readerCount == 1 }
            // More than both kernels' buffers take, so that the write blocks and the reader falls behind.
            let long = String(repeating: "x", count: 50_000)
            try await eventually("cut off") {
                for index in 0..<20 {
                    backend.source.yield(backend.join("\(index)\(long)"))
                }
                return server.events.readerCount == 0
            }
            try await client.expectEnd()
        }
        #expect(await harness.metrics.exposition().contains("\nrollcall_admin_event_streams_cut_off_total 1\n"))
    }

    @Test func aGracefulShutdownEndsTheStreams() async throws {
        let server = AdminHarness().server()
        // The live test shuts the server down gracefully at its end and waits for it.
        let raw = try await server.application().test(.live) { client in
            let port = try #require(client.port)
            let raw = try RawConnection(port: port)
            try raw.get("/v1/presence/events")
            try await raw.expect("event: reset\n")
            return raw
        }
        try await raw.expectEnd()
    }

    @Test func aChunkedBodyBeyondTheLimitIsRefused() async throws {
        let harness = AdminHarness()
        try await harness.withLiveServer { _, port in
            let client = try RawConnection(port: port)
            try client.send("POST /v1/emit HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n" + String(repeating: " ", count: 0x10000) + "\r\n"
            for _ in 0..<16 {
                try client.send(chunk)
            }
            try client.send("0\r\n\r\n")
            try await client.expect("HTTP/1.1 413 ", "PAYLOAD_TOO_LARGE")
            // The connection is still good for the next request.
            try client.get("/healthz")
            try await client.expect(#"{"status":"ok"}"#)
        }
        #expect(harness.backend.asked.isEmpty)
    }

    @Test func garbageIsRefused() async throws {
        try await AdminHarness().withLiveServer { _, port in
            for garbage in ["\u{16}\u{3}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\r\nx\r\n\r\n"] {
                let client = try RawConnection(port: port)
                try client.send(garbage)
                try await client.expectEnd()
            }
            let client = try RawConnection(port: port)
            try client.get("/healthz")
            try await client.expect("HTTP/1.1 200 OK\r\n")
        }
    }

    @Test func aForeignHostNameIsRefusedWithoutToken() async throws {
        try await AdminHarness().withLiveServer { _, port in
            let client = try RawConnection(port: port)
            try client.send("POST /v1/drain HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n")
            try await client.expect("HTTP/1.1 403 ", "ORIGIN_FORBIDDEN")
        }
    }
}
