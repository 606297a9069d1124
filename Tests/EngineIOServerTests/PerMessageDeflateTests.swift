// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import TestSupport
import Testing

@testable import EngineIOServer

@Suite struct PerMessageDeflateTests {
    private static let extensions = "Sec-WebSocket-Extensions: "
    private static let session = TestClient.path + "websocket"

    /// A server that offers compression, a plain echo at `/echo` among it.
    private func withDeflate(
        _ change: @escaping @Sendable (inout PerMessageDeflate) -> Void = { _ in },
        configure: (inout EngineConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (Engine) async throws -> Void
    ) async throws {
        try await withEngine {
            var options = PerMessageDeflate()
            change(&options)
            $0.perMessageDeflate = options
            $0.webSocketEndpoints["/echo"] = .echo(maxPayload: 100_000)
            configure(&$0)
        } _: { engine in
            try await body(engine)
        }
    }

    private func open(
        _ engine: Engine, _ path: String = "/echo", offer: String = "permessage-deflate"
    ) throws -> TestClient {
        let client = try TestClient(port: engine.port)
        try client.write(client.upgradeRequest(path, headers: [Self.extensions + offer]))
        let (line, headers) = try client.readHead()
        try check(line, "HTTP/1.1 101 Switching Protocols")
        try check(headers["sec-websocket-extensions"]?.hasPrefix("permessage-deflate"), true)
        if path == Self.session { _ = try client.readText() }
        return client
    }

    private func compress(_ deflater: Deflater, _ message: [UInt8]) throws -> [UInt8] {
        var out = ByteBuffer()
        try check(message.withUnsafeBytes { deflater.compress($0, into: &out) }, true)
        return Array(out.readableBytesView)
    }

    private func inflate(_ inflater: Inflater, _ payload: [UInt8]) throws -> [UInt8] {
        var out = ByteBuffer()
        try check(payload.withUnsafeBytes { inflater.inflate($0, into: &out, limit: 1 << 24) }, .done)
        try check(inflater.finishMessage(into: &out, limit: 1 << 24), .done)
        return Array(out.readableBytesView)
    }

    private func makeDeflater() throws -> Deflater {
        try #require(Deflater(level: 6, windowBits: 15, memoryLevel: 8))
    }

    /// Whether the connection of the only session holds memory of zlib's.
    private func holdsState(_ engine: Engine) async throws -> Bool? {
        let loop = engine.server.loops[0]
        return try await loop.eventLoop.submit { loop.onLoop.session(in: 0)?.webSocket?.holdsDeflateState }.get()
    }

    // MARK: negotiation

    @Test(
        arguments: [
            ("permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
            ("x-webkit-deflate-frame, permessage-deflate", "permessage-deflate"),
            (" ,, permessage-deflate ;\tserver_no_context_takeover", "permessage-deflate; server_no_context_takeover"),
            ("permessage-deflate;client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
            ("permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10"),
            ("permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"),
            (
                "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
                "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9"
            ),
            ("permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; unknown, permessage-deflate; client_max_window_bits=15", "permessage-deflate"),
            ("", nil), ("permessage-bzip2", nil), ("PERMESSAGE-DEFLATE", nil),
            ("permessage-deflate; unknown=1", nil), ("permessage-deflate; server_no_context_takeover=1", nil),
            ("permessage-deflate; server_max_window_bits", nil), ("permessage-deflate; server_max_window_bits=16", nil),
            ("permessage-deflate; server_max_window_bits=7", nil),
            ("permessage-deflate; client_max_window_bits=010", nil),
            ("permessage-deflate; client_max_window_bits=+9", nil),
            ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", nil),
        ] as [(String, String?)])
    func offersAreAnswered(_ offer: String, _ answer: String?) {
        guard case .accepted(let parameters) = PerMessageDeflate().negotiate(offer) else {
            #expect(PerMessageDeflate().negotiate(offer) == .declined && answer == nil)
            return
        }
        #expect(parameters.answer == answer)
    }

    @Test(
        arguments: [
            "permessage-deflate;", "permessage-deflate; =1", "permessage-deflate x", "permessage-deflate; a=", ";",
            "permessage-deflate; a=\"1", "permessage-deflate; a=\"\"", "permessage-deflate; a=\"1 2\"", "a=b",
            "a;b=\"c\\",
        ])
    func malformedOffersFailTheHandshake(_ offer: String) async throws {
        #expect(PerMessageDeflate().negotiate(offer) == .malformed)
        try await self.withDeflate { engine in
            let client = try TestClient(port: engine.port)
            try client.write(client.upgradeRequest("/echo", headers: [Self.extensions + offer]))
            #expect(try client.readHead().line == "HTTP/1.1 400 Bad Request")
            #expect(await engine.counters().refused == ["bad_request": 1])
        }
    }

    @Test func ownLimitsAreAsked() {
        var options = PerMessageDeflate()
        options.serverNoContextTakeover = true
        options.clientNoContextTakeover = true
        options.serverMaxWindowBits = 11
        options.clientMaxWindowBits = 10
        #expect(options.negotiate("permessage-deflate") == .declined)  // its window cannot be limited
        guard case .accepted(let parameters) = options.negotiate("permessage-deflate; client_max_window_bits") else {
            Issue.record("declined")
            return
        }
        #expect(
            parameters.answer == "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                + "server_max_window_bits=11; client_max_window_bits=10")
    }

    @Test func nothingIsOfferedByDefault() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.write(
                client.upgradeRequest(Self.session, headers: [Self.extensions + "permessage-deflate, ;"]))
            let (line, headers) = try client.readHead()
            #expect(line == "HTTP/1.1 101 Switching Protocols" && headers["sec-websocket-extensions"] == nil)
        }
    }

    // MARK: messages

    /// RFC 7692, 7.2.3: the examples, in one frame and in fragments.
    @Test(
        arguments: [
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],  // ends with the last block itself
        ] as [[UInt8]])
    func examplesOfTheSpecification(_ payload: [UInt8]) async throws {
        try await self.withDeflate { engine in
            let client = try self.open(engine)
            try client.write(TestClient.frame(0xC1, payload))
            try client.expect("Hello")
            for cut in 0...payload.count {
                try client.write(
                    TestClient.frame(0x41, payload[..<cut]) + TestClient.frame(0x89, [])
                        + TestClient.frame(0x00, []) + TestClient.frame(0x80, payload[cut...]))
                #expect(try client.readFrame().first == 0x8A)
                try client.expect("Hello")
            }
            try client.write(TestClient.frame(0xC1, [0xF2, 0x00, 0x11, 0x00, 0x00]))  // from the context
            try client.expect("Hello")
            try client.write(TestClient.frame(0xC2, [0x00]))
            #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: []))
            try client.write(TestClient.frame(0x81, [0x48, 0x69]))  // uncompressed ones may come in between
            try client.expect("Hi")
        }
    }

    /// With context, the second of two equal messages of random bytes is nearly nothing; without, it is as long as the first.
    @Test(arguments: [true, false], [true, false])
    func sessionsCompressBothWays(_ serverKeeps: Bool, _ clientKeeps: Bool) async throws {
        try await self.withDeflate {
            $0.serverNoContextTakeover = !serverKeeps
            $0.clientNoContextTakeover = !clientKeeps
        } _: { engine in
            let client = try self.open(engine, Self.session)
            #expect(try await self.holdsState(engine) == false)
            let deflater = try self.makeDeflater()
            let inflater = try #require(Inflater(windowBits: 15))
            var message = Array("4".utf8)
            for _ in 0..<5000 { message.append(UInt8.random(in: 0x20...0x7E)) }
            var lengths: [Int] = []
            for _ in 0..<2 {
                try client.write(TestClient.frame(0xC1, try self.compress(deflater, message)))
                let answer = try client.readFrame()
                #expect(answer.first == 0xC1)
                #expect(try self.inflate(inflater, answer.payload) == message)
                lengths.append(answer.payload.count)
                if !clientKeeps { deflater.reset() }
                if !serverKeeps { inflater.reset() }
            }
            #expect(lengths[1] < 100 ? serverKeeps : !serverKeeps)
            #expect(try await self.holdsState(engine) == (serverKeeps || clientKeeps))
        }
    }

    /// What one connection's message is inflated with must not be another's, however their fragments come.
    @Test func messagesInPiecesDoNotMix() async throws {
        try await self.withDeflate {
            $0.clientNoContextTakeover = true
            $0.threshold = 1 << 20
        } _: { engine in
            let clients = try (0..<3).map { _ in try self.open(engine) }
            for round in 0..<3 {
                let messages = (0..<3).map { Array(repeating: UInt8(ascii: "a") + UInt8($0 + round), count: 3000) }
                let parts = try messages.map { try self.compress(self.makeDeflater(), $0) }
                for (client, part) in zip(clients, parts) { try client.write(TestClient.frame(0x42, part.prefix(3))) }
                for (client, part) in zip(clients, parts) {
                    try client.write(TestClient.frame(0x80, part.dropFirst(3)))
                }
                for (client, message) in zip(clients, messages) {
                    #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: message))
                }
            }
        }
    }

    @Test func smallMessagesAndControlFramesGoAsTheyAre() async throws {
        try await self.withDeflate { engine in
            let client = try self.open(engine)
            let small = [UInt8](repeating: 7, count: 1023)
            try client.write(TestClient.frame(0x82, small) + TestClient.frame(0x89, [1]))
            try client.write(TestClient.frame(0x82, small + [7]))
            #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: small))
            #expect(try client.readFrame() == TestClient.Frame(first: 0x8A, payload: [1]))
            let large = try client.readFrame()
            #expect(large.first == 0xC2)
            #expect(try self.inflate(try #require(Inflater(windowBits: 15)), large.payload) == small + [7])
        }
    }

    /// A frame of the loop's log goes to each as that one can take it, in order with what is its own.
    @Test func sharedFramesAreCompressedForThoseWhoCan() async throws {
        try await self.withDeflate { engine in
            let plain = try TestClient(port: engine.port)
            try plain.openSession()
            let other = try self.open(engine, Self.session)
            let loop = engine.server.loops[0]
            try await loop.eventLoop.submit {
                for (text, count) in [("4small", 1), ("4large", 1000), ("4end", 1)] {
                    let payload = Array(String(repeating: text, count: count).utf8)
                    let range = loop.onLoop.logFrames { out in
                        payload.withUnsafeBytes { out.writeFrame(WebSocketCodec.text, $0) }
                    }
                    for slot in 0..<2 { loop.onLoop.deliver(range, to: Int32(slot)) }
                }
            }.get()
            try plain.expect("4small", String(repeating: "4large", count: 1000), "4end")
            try other.expect("4small")
            let large = try other.readFrame()
            #expect(large.first == 0xC1 && large.payload.count < 100)
            #expect(
                try self.inflate(try #require(Inflater(windowBits: 15)), large.payload)
                    == Array(String(repeating: "4large", count: 1000).utf8))
            try other.expect("4end")
            #expect(await engine.counters().bytesSent < 13_000)  // handshakes and all: what left, not what was said
        }
    }

    @Test func upgradedSessionsCompress() async throws {
        try await self.withDeflate { engine in
            let target = try TestClient(port: engine.port).openPolling()
            let path = target.replacing("transport=polling", with: "transport=websocket")
            let client = try self.open(engine, path)
            try client.send("2probe")
            try client.expect("3probe")
            try client.send("5")
            let message = Array(("4" + String(repeating: "x", count: 3000)).utf8)
            try client.write(TestClient.frame(0xC1, try self.compress(try self.makeDeflater(), message)))
            let answer = try client.readFrame()
            #expect(answer.first == 0xC1)
            #expect(try self.inflate(try #require(Inflater(windowBits: 15)), answer.payload) == message)
        }
    }

    @Test func windowsAreKept() async throws {
        try await self.withDeflate { engine in
            let client = try self.open(engine, offer: "permessage-deflate; server_max_window_bits=9")
            let noise = (0..<2000).map { _ in UInt8.random(in: 0...255) }
            try client.write(TestClient.frame(0x82, noise + noise))
            let answer = try client.readFrame()
            #expect(answer.payload.count > 3900)  // what is 2000 bytes back lies outside of 512
            #expect(try self.inflate(try #require(Inflater(windowBits: 9)), answer.payload) == noise + noise)
        }
    }

    // MARK: violations

    @Test(
        arguments: [
            ("no deflate", TestClient.frame(0xC1, [0x07, 1, 2, 3]), 1007, "websocket_invalid_deflate"),
            ("block that does not end", TestClient.frame(0xC1, [0xF2, 0x48]), 1007, "websocket_invalid_deflate"),
            (
                "distance of nowhere", TestClient.frame(0xC1, [0xF2, 0x00, 0x11, 0, 0]), 1007,
                "websocket_invalid_deflate"
            ),
            ("no text", TestClient.frame(0xC1, [0x00, 1, 0, 0xFE, 0xFF, 0xC0, 0]), 1007, "websocket_1007"),
            (
                "no text in the first frame", TestClient.frame(0x41, [0x00, 1, 0, 0xFE, 0xFF, 0xC0]), 1007,
                "websocket_1007"
            ),
            ("RSV1 of a ping", TestClient.frame(0xC9, []), 1002, "websocket_1002"),
            ("RSV1 of a close", TestClient.frame(0xC8, []), 1002, "websocket_1002"),
            (
                "RSV1 of a continuation", TestClient.frame(0x41, [0x00]) + TestClient.frame(0xC0, [0x00]), 1002,
                "websocket_1002"
            ),
            (
                "RSV1 of a continuation that is cut", [0x41, 0x80, 1, 2, 3, 4, 0xC0, 0x85, 0, 0, 0, 0, 7], 1002,
                "websocket_1002"
            ),
            ("RSV1 of nothing's continuation", TestClient.frame(0xC0, [0x00]), 1002, "websocket_1002"),
            ("RSV2", TestClient.frame(0xA1, []), 1002, "websocket_1002"),
            ("RSV1 and RSV3", TestClient.frame(0xD1, []), 1002, "websocket_1002"),
            (
                "compressed message within a message", TestClient.frame(0x01, [0x34]) + TestClient.frame(0xC1, [0]),
                1002,
                "websocket_1002"
            ),
        ] as [(String, [UInt8], Int, String)])
    func violationsAreClosedAndCounted(_ name: String, _ bytes: [UInt8], _ code: Int, _ reason: String) async throws {
        try await self.withDeflate { engine in
            let client = try self.open(engine, Self.session)
            try client.write(bytes)
            #expect(try client.readFrame().closeCode == code)
            try await eventually("closed") { engine.server.sessionCount == 0 }
            #expect(await engine.counters().refused == [reason: 1])
        }
    }

    /// A thousand times what came in may come out: no more than the limit is ever held.
    @Test(arguments: [true, false])
    func messagesThatInflateBeyondTheLimitAreRefused(_ isFragmented: Bool) async throws {
        let limit = 100_000
        try await self.withDeflate { engine in
            let deflater = try self.makeDeflater()
            let client = try self.open(engine)
            let most = [UInt8](repeating: 0, count: limit)
            try client.write(TestClient.frame(0xC2, try self.compress(deflater, most)))
            #expect(
                try self.inflate(try #require(Inflater(windowBits: 15)), try client.readFrame().payload) == most)
            let bomb = try self.compress(
                deflater, isFragmented ? [UInt8](repeating: 0, count: 5_000_000) : most + [0])
            if isFragmented {
                try client.write(
                    TestClient.frame(0x42, bomb.prefix(50)) + TestClient.frame(0x00, bomb.dropFirst(50)))
            } else {
                try client.write(TestClient.frame(0xC2, bomb))
            }
            #expect(try client.readFrame().closeCode == 1009)
            #expect(await engine.counters().refused == ["websocket_inflated_too_large": 1])
        }
    }

    @Test func inflatingIsBounded() throws {
        let deflater = try self.makeDeflater()
        let bomb = try self.compress(deflater, [UInt8](repeating: 0, count: 5_000_000))
        var out = ByteBuffer()
        let inflater = try #require(Inflater(windowBits: 15))
        #expect(bomb.withUnsafeBytes { inflater.inflate($0, into: &out, limit: 50_000) } == .tooLarge)
        #expect(out.capacity < 200_000)
    }

    @Test func randomMessagesSurvive() throws {
        let pool = DeflatePool(PerMessageDeflate())
        for parameters in [
            DeflateParameters(), DeflateParameters(serverNoContextTakeover: true, clientNoContextTakeover: true),
            DeflateParameters(serverWindowBits: 9, clientWindowBits: 9),
        ] {
            let (sender, receiver) = (MessageDeflate(parameters, pool: pool), MessageDeflate(parameters, pool: pool))
            for _ in 0..<30 {
                let alphabet = UInt8.random(in: 1...255)
                let message = (0..<Int.random(in: 1024...4000)).map { _ in UInt8.random(in: 0...alphabet) }
                var frame = ByteBuffer()
                message.withUnsafeBytes { frame.writeFrame(WebSocketCodec.binary, $0) }
                let sent = sender.compress(frame)
                let payload = sent.withUnsafeReadableBytes { bytes in
                    Array(bytes[WebSocketCodec.readServerFrame(bytes).header...])
                }
                let cut = Int.random(in: 0...payload.count)
                var got = ByteBuffer()
                for (part, isLast) in [(payload[..<cut], false), (payload[cut...], true)] {
                    let outcome = Array(part).withUnsafeBytes {
                        receiver.inflate($0, into: &got, limit: message.count, isLast: isLast)
                    }
                    #expect(outcome == .done)
                }
                #expect(Array(got.readableBytesView) == message)
            }
        }
    }
}
