// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport

@testable import EngineIOServer

/// What the layer above decides about requests.
struct RequestCheck: Sendable {
    let decide: @Sendable (EngineRequest, Bool) -> EngineCheck
}

/// Sends every message back, and notes how sessions end.
final class EchoDelegate: EngineServerDelegate {
    let notes = Notes()
    let refusal: EngineHTTPError?
    let check: RequestCheck?
    let sessions = WeakReferences()

    init(refusal: EngineHTTPError? = nil, check: RequestCheck? = nil) {
        self.refusal = refusal
        self.check = check
    }

    var engineChecksRequests: Bool { self.check != nil }
    func engineChecks(_ request: EngineRequest, opensSession: Bool) -> EngineCheck {
        self.check?.decide(request, opensSession) ?? .decided(.success([]))
    }

    func engineRefusal(of request: EngineRequest) -> EngineHTTPError? { self.refusal }

    func engineRefused(_ request: EngineRequest, _ error: EngineHTTPError) {}

    func engineOpens(_ session: EngineSession) -> any EngineSessionReceiver {
        self.sessions.add(session)
        return Receiver(session, self.notes)
    }

    var living: Int { self.sessions.living }

    private final class Receiver: EngineSessionReceiver {
        private let session: EngineSession
        private let notes: Notes
        private var ticker: RepeatedTask?
        private var said = 0

        init(_ session: EngineSession, _ notes: Notes) {
            self.session = session
            self.notes = notes
        }

        func engineReceived(text: UnsafeRawBufferPointer) {
            let text = String(decoding: text, as: UTF8.self)
            if text == "close" { return self.session.close(.forcedClose, .flush) }
            if text == "comeback" { return self.session.close(.forcedClose, .comeBack(code: "TEST")) }
            if text.hasPrefix("flood") { return self.flood(Int(text.dropFirst(5)) ?? 0) }
            self.say(text)
        }

        private func say(_ text: String) {
            var frame = "4" + text
            frame.withUTF8 { bytes in
                self.session.send { $0.writeFrame(WebSocketCodec.text, UnsafeRawBufferPointer(bytes)) }
            }
        }

        /// One message each millisecond, from outside of any read.
        private func flood(_ count: Int) {
            let bound = LoopBound(self, on: self.session.loop.eventLoop)
            self.ticker = self.session.loop.eventLoop.scheduleRepeatedTask(
                initialDelay: .zero, delay: .milliseconds(1)
            ) { _ in bound.onLoop.sayNext(of: count) }
        }

        private func sayNext(of count: Int) {
            self.say("n\(self.said)")
            self.said += 1
            if self.said == count { self.ticker?.cancel() }
        }

        func engineReceived(binary: UnsafeRawBufferPointer) {
            self.session.send { $0.writeFrame(WebSocketCodec.binary, binary) }
        }

        func engineOpened() {}
        func engineUpgraded() { self.notes.add("upgraded") }
        func engineConnectTimedOut() {}
        func engineExpired() {}
        func engineClosed(_ reason: CloseReason) {
            self.ticker?.cancel()
            self.notes.add(reason.rawValue)
        }
    }
}

/// An Engine.IO server on loopback, and its loops.
struct Engine: Sendable {
    let server: EngineServer
    let delegate: EchoDelegate
    let port: Int
    private let clock: TestClock

    init(server: EngineServer, delegate: EchoDelegate, port: Int, clock: TestClock) {
        self.server = server
        self.delegate = delegate
        self.port = port
        self.clock = clock
    }

    func counters() async -> EngineCounters { await self.server.counters() }

    /// Lets time pass, with everything that becomes due. By itself it stands still: no client is ever too slow.
    func advance(by amount: TimeAmount) async throws {
        self.clock.advance(by: amount)
        for loop in self.server.loops { try await loop.eventLoop.submit { loop.onLoop.tick() }.get() }
    }

    /// Whether `condition` holds on one of the loops.
    private func hasLoop(where condition: @escaping @Sendable (EngineLoop) -> Bool) async throws -> Bool {
        for loop in self.server.loops where try await loop.eventLoop.submit({ condition(loop.onLoop) }).get() {
            return true
        }
        return false
    }

    /// Whether one of the sessions is as `condition` says.
    func hasSession(where condition: @escaping @Sendable (EngineSession) -> Bool) async throws -> Bool {
        try await self.hasLoop { loop in
            var found = false
            loop.forEachSession { found = found || condition($0) }
            return found
        }
    }

    /// Waits until the server has read the beginning of a POST.
    func hasBegunPost() async throws {
        try await eventually("the POST has begun") { try await self.hasSession { $0.polling?.isPosting ?? false } }
    }

    /// Waits until the server has read the beginning of a connection's first request.
    func hasBegunRequest() async throws {
        try await eventually("the request has begun") {
            try await self.hasLoop { loop in
                !loop.httpHandlers.isEmpty
                    || loop.unidentified.contains { !$0.handler.isDone && $0.handler.head.readableBytes > 0 }
            }
        }
    }

    /// Waits until a GET waits.
    func hasPoll() async throws {
        try await eventually("the GET waits") { try await self.hasSession { $0.polling?.isPolled ?? false } }
    }

    /// Waits until no WebSocket is about to take a session over.
    func hasNoCandidate() async throws {
        try await eventually("no candidate") { try await !self.hasSession { $0.candidate != nil } }
    }
}

func withEngine(
    loops: Int = 1, refusal: EngineHTTPError? = nil,
    check: RequestCheck? = nil, _ change: (inout EngineConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (Engine) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
    var configuration = EngineConfiguration()
    configuration.eventRate = 0
    let clock = TestClock()
    configuration.now = { clock.now }
    // A client that is slow to write must not find its connection reset.
    configuration.closeTimeout = .minutes(5)
    change(&configuration)
    let delegate = EchoDelegate(refusal: refusal, check: check)
    let server = EngineServer(
        configuration: configuration, eventLoops: Array(group.makeIterator()), delegate: delegate,
        logger: .silent)
    let address = try await server.start(host: "127.0.0.1", port: 0, group: group)
    let engine = Engine(server: server, delegate: delegate, port: address.port ?? 0, clock: clock)
    let result: Result<Void, any Error>
    do {
        try await blocking { try await body(engine) }
        result = .success(())
    } catch {
        result = .failure(error)
    }
    await server.closeAll(.serverShuttingDown, .discard)
    await server.stopListening()
    await server.stopTicking()
    try await group.shutdownGracefully()
    try result.get()
}

extension TestClient {
    /// A WebSocket that is about to take the polling session of this request target over: its probe is answered.
    convenience init(probing target: String, port: Int) throws {
        try self.init(port: port)
        try self.openWebSocket(target.replacing("polling", with: "websocket"))
        try self.send("2probe")
        try self.expect("3probe")
    }

    /// Sends a POST of which only `4a` comes.
    func beginPost(_ target: String, length: Int) throws {
        try self.write("POST \(target) HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\r\n4a")
    }

    /// A polling session; returns its request target.
    func openPolling() throws -> String {
        let response = try self.roundTrip("GET", Self.path + "polling")
        try check(response.status, 200, "handshake")
        return Self.path + "polling&sid=" + (try Self.sessionID(in: response.body))
    }
}
