// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import TestSupport
import Testing

@testable import EngineIOServer

@Suite struct SmallPartsTests {
    private func parse(_ bytes: [UInt8], maximum: Int = 1 << 20) -> FrameParsing {
        bytes.withUnsafeBytes { WebSocketCodec.parseHeader($0, maximumPayload: maximum) }
    }

    @Test(
        arguments: [
            ([], CloseFrame.valid(nil)), ([0x03, 0xE8], .valid(1000)), ([0x0B, 0xB8, 0xC3, 0xA4], .valid(3000)),
            ([0x03], .violation(1002)), ([0x03, 0xED], .violation(1002)), ([0x03, 0xE8, 0xC3], .violation(1007)),
        ] as [([UInt8], CloseFrame)])
    func payloadsOfCloseFrames(_ payload: [UInt8], _ expected: CloseFrame) {
        #expect(payload.withUnsafeBytes { CloseFrame($0) } == expected)
    }

    @Test func headersOfAllLengths() {
        for length in [0, 1, 125, 126, 127, 65535, 65536, 1 << 20] {
            let frame = TestClient.frame(0x82, [UInt8](repeating: 9, count: length))
            for count in 0..<min(frame.count, 14) {
                if case .found(let header) = self.parse(Array(frame[..<count])) {
                    #expect(count >= header.headerLength)
                }
            }
            guard case .found(let header) = self.parse(frame) else {
                Issue.record("\(length) not found")
                continue
            }
            #expect(header.payloadLength == length && header.frameLength == frame.count && header.firstByte == 0x82)
            var out = ByteBuffer()
            [UInt8](repeating: 9, count: length).withUnsafeBytes { out.writeFrame(0x82, $0) }
            let own = out.withUnsafeReadableBytes { WebSocketCodec.readServerFrame($0) }
            #expect(own.length == length && own.header + length == out.readableBytes)
        }
        guard case .violation(1009) = self.parse(TestClient.frame(0x82, [1, 2, 3]), maximum: 2) else {
            Issue.record("not refused")
            return
        }
    }

    @Test func unmaskingOfAllAlignments() {
        for length in 0..<70 {
            let plain = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) & 0x7F }
            for flaw in [nil, length / 2, length - 1] where flaw.map({ $0 >= 0 && $0 < length }) ?? true {
                var payload = plain
                if let flaw { payload[flaw] |= 0x80 }
                let frame = TestClient.frame(0x82, payload)
                var target = [UInt8](repeating: 0, count: length)
                let isASCII = frame.withUnsafeBytes { bytes in
                    target.withUnsafeMutableBytes { room in
                        guard let source = bytes.baseAddress, let target = room.baseAddress else { return true }
                        let mask = bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self)
                        return WebSocketCodec.unmask(source + 6, into: target, count: length, mask: mask)
                    }
                }
                if length > 0 { #expect(target == payload && isASCII == (flaw == nil)) }
            }
        }
    }

    @Test func validationAgreesWithTheStandardLibrary() {
        var generator = SystemRandomNumberGenerator()
        let pieces: [[UInt8]] = [
            [0x41], [0xC3, 0xA4], [0xE2, 0x82, 0xAC], [0xF0, 0x9F, 0x98, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80],
            [0xF4, 0x8F, 0xBF, 0xBF], [0xC0], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xF5],
            [0xF0, 0x8F, 0xBF, 0xBF], [0x80], [0xE2, 0x82], [0xF0, 0x9F],
        ]
        var valid = 0
        for _ in 0..<20000 {
            var bytes = (0..<Int.random(in: 0..<5)).flatMap { _ in pieces.randomElement(using: &generator) ?? [] }
            if Bool.random(), let index = bytes.indices.randomElement() { bytes[index] = UInt8.random(in: 0...255) }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            valid += isValid ? 1 : 0
            #expect(bytes.withUnsafeBytes { isValidUTF8($0) } == isValid, "\(bytes)")
        }
        #expect(valid > 1000 && valid < 19000)
    }

    @Test func acceptKeyOfTheRFC() {
        var out = [UInt8](repeating: 0, count: 28)
        Array("dGhlIHNhbXBsZSBub25jZQ==".utf8).withUnsafeBytes { key in
            out.withUnsafeMutableBytes { room in
                if let base = room.baseAddress { AcceptKey.write(for: key, at: base) }
            }
        }
        #expect(String(decoding: out, as: UTF8.self) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test func sessionIDs() {
        for text in ["", "short", "a/aaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaa"] { #expect(SessionID(text) == nil) }
        #expect(SessionID("n7-AAAAAAAAAAAAAAA_-")?.description == "n7-AAAAAAAAAAAAAAA_-")
        for prefix in ["", "n1", "abcd", "abcdefgh"] {
            var source = IDSource(prefix: prefix)
            let all = (0..<3000).map { _ in source.next().description }
            #expect(Set(all).count == 3000)
            #expect(all.allSatisfy { $0.utf8.count == 20 && SessionID($0) != nil })
            if !prefix.isEmpty { #expect(all.allSatisfy { $0.hasPrefix(prefix.prefix(4) + "-") }) }
        }
    }

    // MARK: WebSocket

    @Test func utf8InAnyTwoPiecesIsTheSame() {
        let texts: [[UInt8]] = [
            Array("aß水𝄞\u{7FF}\u{800}\u{D7FF}\u{E000}\u{10FFFF}".utf8), [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80], [0x80], [0xFF],
            [0xE4, 0xBD], [0xC2, 0x41], [0xF0, 0x9D, 0x84], [0xF0, 0x9D, 0xC4, 0x9E], [],
        ]
        for text in texts {
            let isValid = String(validating: text, as: UTF8.self) != nil
            #expect(text.withUnsafeBytes { isValidUTF8($0) } == isValid, "\(text)")
            for cut in 0...text.count {
                var validator = UTF8Validator()
                let accepted = [text[..<cut], text[cut...]].allSatisfy { part in
                    Array(part).withUnsafeBytes { validator.accepts($0) }
                }
                #expect((accepted && validator.isComplete) == isValid, "\(text) cut at \(cut)")
            }
        }
    }

    /// Only the peer's own close frame counts, wherever the reads end and whatever the frames before it are.
    @Test func closeFrameIsFoundBehindAnything() {
        let close = TestClient.frame(0x88, [3, 0xE8, 0x41])
        let others: [[UInt8]] = [
            TestClient.frame(0xF3, [0x88, 0x80]), TestClient.frame(0x82, [UInt8](repeating: 0x88, count: 300)),
            TestClient.frame(0x02, [UInt8](repeating: 0x88, count: 70000)), [0x81, 0x02, 0x88, 0x80], [0x81, 0x00],
            TestClient.frame(0x89, []), [],
        ]
        for other in others {
            let bytes = other + close
            for step in [1, 2, 7, 1000, bytes.count] {
                let skipper = FrameSkipper()
                var found: [Int] = []
                for start in stride(from: 0, to: bytes.count, by: step) {
                    let piece = Array(bytes[start..<min(start + step, bytes.count)])
                    if piece.withUnsafeBytes({ skipper.skip($0) }) { found.append(start + piece.count) }
                }
                #expect(found == [bytes.count], "\(other.prefix(20)), \(step)")
            }
        }
        let endless = FrameSkipper()
        let bytes: [UInt8] = [0x82, 0xFF] + [UInt8](repeating: 0xFF, count: 8) + [1, 2, 3, 4] + close
        #expect(!bytes.withUnsafeBytes { endless.skip($0) })
    }

    // MARK: HTTP

    private func kind(_ text: String) -> String {
        Array(text.utf8).withUnsafeBytes { bytes in
            switch RequestHeadParser.parse(bytes) {
            case .needsMore: "more"
            case .other: "other"
            case .webSocket(let request):
                "\(String(decoding: request.target, as: UTF8.self)) \(String(decoding: request.key, as: UTF8.self)) "
                    + "\(request.isVersion13) \(request.length)"
            }
        }
    }

    @Test func requestHeads() {
        let head =
            "GET /a?b=c HTTP/1.1\r\nUPGRADE: WebSocket\r\nsec-websocket-KEY:\t key \r\nSec-WebSocket-Version: 13\r\n\r\n"
        for cut in 0..<head.utf8.count {
            #expect(self.kind(String(decoding: head.utf8.prefix(cut), as: UTF8.self)) == "more")
        }
        #expect(self.kind(head + "rest") == "/a?b=c key true \(head.utf8.count)")
        for other in [
            "POST / HTTP/1.1\r\n", "GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n\r\n",
            "GET  HTTP/1.1\r\nUpgrade: websocket\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\nX\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n", "GET /\r\n\r\n",
            "GET / HTTP/1.1\r\nA: " + String(repeating: "x", count: 16384),
        ] { #expect(self.kind(other) == "other", "\(other.prefix(60))") }
        #expect(self.kind("GET / HTTP/1.1\r\nA: " + String(repeating: "x", count: 16000)) == "more")
        func headers(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\n" + String(repeating: "A: b\r\n", count: count - 1) + "\r\n"
        }
        #expect(self.kind(headers(RequestHeadParser.maximumHeaderCount)) != "other")
        #expect(self.kind(headers(RequestHeadParser.maximumHeaderCount + 1)) == "other")
    }

    @Test func queries() {
        #expect(Query.parameters(of: "/a") == [:])
        #expect(Query.parameters(of: "/?a=1&b&c=%41+%zz%&a=2&=x") == ["a": "2", "b": "", "c": "A %zz%", "": "x"])
        let target = Array("/?xa=0&a=1&b=&a=2".utf8)
        func raw(_ name: StaticString) -> String? {
            target.withUnsafeBytes { Query.rawValue(of: name, in: $0).map { String(decoding: $0, as: UTF8.self) } }
        }
        #expect(raw("a") == "1" && raw("b") == "" && raw("xa") == "0" && raw("x") == nil && raw("c") == nil)
    }

    private func request(_ headers: [String]) -> EngineRequest {
        EngineRequest(
            head: ByteBuffer(string: "GET / HTTP/1.1\r\n" + headers.joined(separator: "\r\n") + "\r\n\r\n"),
            target: "/",
            address: "", isSecure: false)
    }

    @Test func cookiesAndHeaders() {
        let request = self.request(["Cookie: a=1; token=\"x=y\" ;b=\"; atoken=no; c", "X: 1", "x: 2"])
        #expect(request.cookie("a") == "1" && request.cookie("token") == "x=y" && request.cookie("b") == "\"")
        #expect(request.cookie("c") == nil && request.cookie("oken") == nil && self.request([]).cookie("a") == nil)
        #expect(request.header("x") == "1" && request.joinedHeader("x") == "1,2" && request.joinedHeader("y") == nil)
        #expect(request.headers.count == 3)
    }

    @Test func addresses() throws {
        let ten = try #require(AddressRange("10.1.2.3/15"))
        #expect(ten.contains("10.0.9.9") && ten.contains("10.1.0.0") && !ten.contains("10.2.0.0"))
        #expect(ten.contains("::ffff:10.1.1.1") && !ten.contains("fe80::1") && !ten.contains("nonsense"))
        let six = try #require(AddressRange("fe80::/10"))
        #expect(six.contains("febf::1") && !six.contains("fec0::1"))
        #expect(try #require(AddressRange("0.0.0.0/0")).contains("255.1.1.1"))
        for bad in ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0", "::1/129", "x/8"] {
            #expect(AddressRange(bad) == nil, "\(bad)")
        }
        #expect(AddressRange.isLoopback("127.9.9.9") && AddressRange.isLoopback("::1"))
        #expect(!AddressRange.isLoopback("128.0.0.1") && !AddressRange.isLoopback("::") && !AddressRange.isLoopback(""))
        let trusted = ["10.0.0.0/8"].compactMap { AddressRange($0) }
        func client(_ peer: String, _ forwarded: String?) -> String {
            EngineRequest.clientAddress(peer: peer, forwardedFor: forwarded, trusted: trusted)
        }
        #expect(client("1.1.1.1", "2.2.2.2") == "1.1.1.1" && client("10.1.1.1", nil) == "10.1.1.1")
        #expect(client("10.1.1.1", "3.3.3.3, 2.2.2.2,10.9.9.9") == "2.2.2.2")
        #expect(client("10.1.1.1", "10.9.9.9") == "10.9.9.9" && client("10.1.1.1", "") == "10.1.1.1")
    }

    // MARK: timers

    @Test func timerWheelWakesOnceAndNeverEarly() {
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var wheel = TimerWheel(tick: .milliseconds(10), start: start)
        let delays = [0, 1, 9, 10, 11, 5119, 5120, 5121, 10000, 100_000]
        for (index, delay) in delays.enumerated() {
            wheel.add(
                after: .milliseconds(Int64(delay)), slot: Int32(index), generation: 0, serial: 0, kind: .heartbeat)
        }
        var woken: [Int: Int] = [:]
        for step in stride(from: 0, through: 101_000, by: 7) {
            for entry in wheel.advance(to: start + .milliseconds(Int64(step))) {
                #expect(woken[Int(entry.slot)] == nil)
                woken[Int(entry.slot)] = step
            }
        }
        for (index, delay) in delays.enumerated() {
            #expect((woken[index].map { $0 >= delay && $0 <= delay + 40 }) ?? false, "\(delay): \(woken[index] ?? -1)")
        }
        // A loop that stood still for longer than a turn of the wheel.
        for index in 0..<1000 {
            wheel.add(
                after: .milliseconds(Int64(index * 20)), slot: Int32(index), generation: 0, serial: 0, kind: .expiry)
        }
        #expect(wheel.advance(to: start + .seconds(300)).count == 1000)
        #expect(wheel.advance(to: start + .seconds(600)).isEmpty)
    }
}
