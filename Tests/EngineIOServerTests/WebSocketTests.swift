// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import TestSupport
import Testing

@testable import EngineIOServer

@Suite struct WebSocketTests {
    @Test func handshakeOpensASession() async throws {
        try await withEngine {
            $0.sidPrefix = "n7"
        } _: { engine in
            let client = try TestClient(port: engine.port)
            try client.openWebSocket(TestClient.path + "websocket")
            let open = try client.readText()
            let sid = try TestClient.sessionID(in: open)
            #expect(sid.hasPrefix("n7-"))
            #expect(
                open == "0{\"sid\":\"\(sid)\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,"
                    + "\"maxPayload\":1000000}")
            try client.send("4hello")
            try client.expect("4hello")
            try client.write(TestClient.frame(0x82, [0, 255, 7]))
            #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: [0, 255, 7]))
        }
    }

    @Test func messagesOfAllLengthsComeBack() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            for length in [0, 1, 124, 125, 126, 65534, 65535, 65536, 200_000, 999_999] {
                let text = "4" + String(repeating: "x", count: length)
                try client.send(text)
                try client.expect(text)
            }
        }
    }

    @Test func headSplitAnywhereIsTheSame() async throws {
        try await withEngine { engine in
            let request = Array(
                try TestClient(port: engine.port).upgradeRequest(TestClient.path + "websocket").utf8)
            for cut in stride(from: 1, to: request.count, by: 7) {
                let client = try TestClient(port: engine.port)
                try client.write(request[..<cut])
                try await Task.sleep(for: .milliseconds(1))
                try client.write(request[cut...])
                _ = try client.readHead()
                try client.send("4x")
                _ = try client.readText()
                try client.expect("4x")
            }
        }
    }

    @Test func fragmentsAreJoinedAroundControlFrames() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            try client.write(
                TestClient.frame(0x01, Array("4f\u{E4}".utf8.dropLast())) + TestClient.frame(0x89, [1, 2])
                    + TestClient.frame(0x00, [0xA4]) + TestClient.frame(0x8A, []) + TestClient.frame(0x80, []))
            #expect(try client.readFrame() == TestClient.Frame(first: 0x8A, payload: [1, 2]))
            try client.expect("4fä")
            try client.write(TestClient.frame(0x02, [1]) + TestClient.frame(0x80, [2]))
            #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: [1, 2]))
        }
    }

    @Test(
        arguments: [
            ("unmasked", [0x81, 0x01, 0x34], 1002),
            ("reserved bit", TestClient.frame(0xC1, [0x34]), 1002),
            ("unknown opcode", TestClient.frame(0x83, [0x34]), 1002),
            ("unknown control opcode", TestClient.frame(0x8B, []), 1002),
            ("long ping", TestClient.frame(0x89, [UInt8](repeating: 1, count: 126)), 1002),
            ("fragmented ping", TestClient.frame(0x09, []), 1002),
            ("continuation of nothing", TestClient.frame(0x80, [0x34]), 1002),
            ("message within a message", TestClient.frame(0x01, [0x34]) + TestClient.frame(0x81, [0x34]), 1002),
            ("length with its top bit", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], 1002),
            ("length of 2^63 - 1", [0x82, 0xFF, 0x7F, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4], 1009),
            ("invalid UTF-8", TestClient.frame(0x81, [0x34, 0xC0, 0xAF]), 1007),
            (
                "invalid UTF-8 in fragments",
                TestClient.frame(0x01, [0x34, 0xED]) + TestClient.frame(0x80, [0xA0, 0x80]), 1007
            ),
            ("invalid UTF-8 at the end", TestClient.frame(0x81, [0x34, 0xE4, 0xBD]), 1007),
            ("length in more bytes than it needs", [0x82, 0xFE, 0, 125, 1, 2, 3, 4], 1002),
            ("length in many more", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4], 1002),
            ("compressed without asking", TestClient.frame(0xC1, [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 7, 0]), 1002),
            ("fragmented close", TestClient.frame(0x08, [3, 0xE8]), 1002),
            ("long close", TestClient.frame(0x88, [3, 0xE8] + [UInt8](repeating: 0x41, count: 124)), 1002),
            ("too large in fragments", TestClient.frame(0x02, big) + TestClient.frame(0x80, big), 1009),
            ("close of one byte", TestClient.frame(0x88, [3]), 1002),
            ("close with a code of nobody", TestClient.frame(0x88, [0x03, 0xED]), 1002),
            ("close with invalid UTF-8", TestClient.frame(0x88, [0x03, 0xE8, 0xFF]), 1007),
        ] as [(String, [UInt8], Int)]
            + [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map { code in
                ("close with code \(code)", TestClient.frame(0x88, [UInt8(code >> 8), UInt8(code & 255)]), 1002)
            })
    func violationsAreClosedWithTheirCode(_ name: String, _ bytes: [UInt8], _ code: Int) async throws {
        try await withEngine {
            // Behind a length that is none the server cannot find the client's close frame.
            $0.closeTimeout = .milliseconds(200)
        } _: { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            try client.send("4before")
            try client.write(bytes)
            try client.expect("4before")
            let frame = try client.readFrame()
            #expect(frame.first == 0x88 && frame.closeCode == code)
            try await eventually("closed") { engine.server.sessionCount == 0 }
            try await eventually("told") { engine.delegate.notes.all == ["transport error"] }
            #expect(await engine.counters().refused == ["websocket_\(code)": 1])
            // Our end of the connection closes when the other's close frame has come.
            try? client.write(TestClient.frame(0x88, [0x03, 0xE8]))
            try client.expectEnd()
        }
    }

    private static let big = [UInt8](repeating: 7, count: 600_000)

    /// Each of these is cut where no continuation can make it valid: the refusal must not wait for one.
    @Test(
        arguments: [
            (
                "in a fragment", TestClient.frame(0x01, [0x34, 0xCE, 0xBA]) + TestClient.frame(0x00, [0xED, 0xA0]), 1007
            ),
            ("in a frame", Array(TestClient.frame(0x81, [0x34, 0xF4, 0x90, 0x80, 0x80, 0x41]).dropLast(3)), 1007),
            (
                "in a cut fragment",
                TestClient.frame(0x01, [0x34, 0xE4]) + TestClient.frame(0x80, [0x41, 0x41]).dropLast(), 1007
            ),
            ("continuation of nothing", Array(TestClient.frame(0x80, [1, 2, 3]).dropLast()), 1002),
            (
                "message within a message",
                TestClient.frame(0x02, [1]) + TestClient.frame(0x82, [1, 2, 3]).dropLast(), 1002
            ),
        ] as [(String, [UInt8], Int)])
    func whatIsWrongIsRefusedAtOnce(_ name: String, _ bytes: [UInt8], _ code: Int) async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            try client.write(bytes)
            #expect(try client.readFrame().closeCode == code)
        }
    }

    /// The text of a cut frame is checked where it is cut, whatever the mask and the position.
    @Test func textInPiecesIsValidHoweverItIsCut() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            let text = "4aß水𝄞 \u{7FF}\u{800}\u{D7FF}\u{E000}\u{10FFFF}"
            let payload = Array(text.utf8)
            let middle = payload.count / 2
            let bytes =
                TestClient.frame(0x81, payload, mask: [1, 0x82, 3, 0xF4])
                + TestClient.frame(0x01, payload[..<middle], mask: [9, 0x82, 3, 0xF4])
                + TestClient.frame(0x80, payload[middle...], mask: [5, 0x82, 3, 0xF4])
            for step in 1...3 {
                for start in stride(from: 0, to: bytes.count, by: step) {
                    let before = await engine.counters().bytesReceived
                    let piece = bytes[start..<min(start + step, bytes.count)]
                    try client.write(piece)
                    try await eventually("read") { await engine.counters().bytesReceived == before + piece.count }
                }
                try client.expect(text, text)
            }
        }
    }

    @Test(
        arguments: [
            ("no Host", "Host: test", "X: y", "400"), ("no Connection", "Connection: Upgrade", "X: y", "400"),
            ("other Connection", "Connection: Upgrade", "Connection: keep-alive, upgraded", "400"),
            ("list of options", "Connection: Upgrade", "Connection: keep-alive, upgrade", "101"),
            ("short key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", "400"),
            ("no base64", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j!Q==", "400"),
            ("key of 17 bytes", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQA=", "400"),
            ("old version", "Version: 13", "Version: 8", "426"), ("no version", "Sec-WebSocket-Version", "X", "426"),
        ])
    func handshakesAreChecked(_ name: String, _ part: String, _ replacement: String, _ status: String) async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            let request = client.upgradeRequest(TestClient.path + "websocket")
            let start = try #require(request.firstRange(of: part))
            try client.write(request[..<start.lowerBound] + replacement + request[start.upperBound...])
            let (line, headers) = try client.readHead()
            #expect(line.hasPrefix("HTTP/1.1 " + status))
            #expect(headers["sec-websocket-version"] == (status == "426" ? "13" : nil))
            if status != "101" { try client.expectEnd() }
        }
    }

    /// The client of a message that is too large still writes when the refusal comes: it must be able to read it.
    @Test func tooLargeMessageIsRefusedWithACodeThatArrives() async throws {
        try await withEngine {
            $0.maxPayload = 1000
        } _: { engine in
            for _ in 0..<5 {
                let client = try TestClient(port: engine.port)
                try client.openSession()
                let frame = TestClient.frame(0x82, [UInt8](repeating: 0x5A, count: 200_000), mask: [0x91, 2, 3, 4])
                for start in stride(from: 0, to: 200_000, by: 40_000) {
                    // Fails where the server has reset the connection.
                    try client.write(frame[start..<(start + 40_000)])
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(try client.readFrame().closeCode == 1009)
            }
        }
    }

    @Test func closeHandshakeEchoesTheCode() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            try client.write(
                TestClient.texts(["4a"]) + TestClient.frame(0x88, [0x0F, 0xA0]) + TestClient.texts(["4b"]))
            try client.expect("4a")
            let frame = try client.readFrame()
            #expect(frame.first == 0x88 && frame.closeCode == 4000)
            try client.expectEnd()
            try await eventually("closed") { engine.server.sessionCount == 0 }
            #expect(engine.delegate.notes.all == ["transport close"])
        }
    }

    @Test func serverCloseSendsWhatWasSaidBefore() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            try client.send("4a", "4close", "4b")
            try client.expect("4a")
            #expect(try client.expectClose() == nil)
        }
    }

    @Test func missingPongEndsTheSession() async throws {
        try await withEngine { engine in
            let silent = try TestClient(port: engine.port)
            silent.answersPings = false
            try silent.openSession()
            try await engine.advance(by: .seconds(27))
            try silent.expect("2")
            try await engine.advance(by: .seconds(22))
            try silent.expectEnd()
            #expect(engine.delegate.notes.all == ["ping timeout"])
            let lively = try TestClient(port: engine.port)
            lively.answersPings = false
            try lively.openSession()
            for _ in 0..<5 {
                try await engine.advance(by: .seconds(27))
                try lively.expect("2")
                try lively.send("3", "4x")
                try lively.expect("4x")
            }
            // Pongs that nobody asked for are no sign of life.
            try lively.send("3", "3", "3", "3", "4y")
            try lively.expect("4y")
            try await engine.advance(by: .seconds(27))
            try lively.expect("2")
            try await engine.advance(by: .seconds(22))
            try lively.expectEnd()
        }
    }

    /// Each read ends within a frame: what was used of the bytes kept must not stay.
    @Test func keptInputDoesNotGrow() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            let frame = TestClient.texts(["4" + String(repeating: "x", count: 20000)])
            try client.write(frame[..<100])
            for _ in 0..<200 {
                try client.write(frame[100...] + frame[..<100])
                try client.expect("4" + String(repeating: "x", count: 20000))
            }
            let loop = engine.server.loops[0]
            let kept = try await loop.eventLoop.submit {
                loop.onLoop.session(in: 0)?.webSocket?.keptCapacity ?? -1
            }.get()
            #expect((0..<200_000).contains(kept))
        }
    }

    @Test func slowConsumerIsClosed() async throws {
        try await withEngine {
            $0.maxQueuedBytes = 100_000
        } _: { engine in
            let client = try TestClient(port: engine.port, receiveBuffer: 4096)
            try client.openSession()
            let frame = TestClient.texts(["4" + String(repeating: "x", count: 50000)])
            do {
                for _ in 0..<2000 where engine.delegate.notes.all.isEmpty { try client.write(frame) }
            } catch {}  // the server has closed
            try await eventually("closed") { engine.delegate.notes.all == ["slow consumer"] }
        }
    }

    /// A small write that waits must not keep the loop's whole buffer.
    @Test func waitingOutputKeepsNoMoreMemoryThanItsOwn() {
        var buffer = ByteBufferAllocator().buffer(capacity: 1 << 20)
        buffer.writeRepeatingByte(7, count: 100)
        let kept = WebSocketConnection.compact(buffer)
        #expect(kept == buffer && kept.storageCapacity <= 2048)
        buffer.writeRepeatingByte(7, count: 900_000)
        #expect(WebSocketConnection.compact(buffer).storageCapacity == buffer.storageCapacity)
    }

    /// Each waiting write costs memory beside its bytes: many tiny ones make a slow consumer, too.
    @Test func manyTinyWaitingWritesEndTheSession() async throws {
        try await withEngine { engine in
            let client = try TestClient(port: engine.port, receiveBuffer: 4096)
            try client.openSession()
            let loop = engine.server.loops[0]
            let isOver: @Sendable () async throws -> Bool = {
                try await loop.eventLoop.submit { () -> Bool in
                    guard let session = loop.onLoop.session(in: 0) else { return true }
                    for _ in 0..<100 { session.webSocket?.sendNow(ByteBuffer(bytes: [0x81, 1, 0x36])) }
                    return false
                }.get()
            }
            let big = TestClient.texts(["4" + String(repeating: "x", count: 60000)])
            for _ in 0..<100 {
                let drained = try await loop.eventLoop.submit { loop.onLoop.session(in: 0)?.isWritable ?? false }.get()
                if !drained { break }
                try client.write(big)
            }
            try await eventually("slow consumer") { try await isOver() }
            #expect(engine.delegate.notes.all == ["slow consumer"])
        }
    }

    @Test func eventRatePausesReadingAndLosesNothing() async throws {
        try await withEngine {
            $0.eventRate = 50
        } _: { engine in
            let client = try TestClient(port: engine.port)
            try client.openSession()
            let texts = (0..<170).map { "4\($0)" }
            try client.write(TestClient.texts(texts))
            for text in texts { try client.expect(text) }
            #expect(await engine.counters().readingPauses > 0)
        }
    }

    @Test func plainEchoEndpointHoldsBackAClientThatDoesNotRead() async throws {
        try await withEngine {
            $0.webSocketEndpoints["/echo"] = .echo(maxPayload: 1 << 20)
            $0.maxQueuedBytes = 100_000
        } _: { engine in
            let client = try TestClient(port: engine.port)
            try client.openWebSocket("/echo")
            let payload = [UInt8](repeating: 7, count: 300_000)
            let frame = TestClient.frame(0x82, payload)
            let writer = Task {
                try await blocking { for _ in 0..<100 { try client.write(frame) } }
            }
            var received = 0
            try await eventually("nothing more is read") {
                let before = received
                try await Task.sleep(for: .milliseconds(500))
                received = await engine.counters().bytesReceived
                return before > 0 && received == before
            }
            #expect(received < 24_000_000)  // of 30 MB: what the sockets and the limit hold, and no more
            for _ in 0..<100 { #expect(try client.readFrame() == TestClient.Frame(first: 0x82, payload: payload)) }
            try await writer.value
        }
    }
}
