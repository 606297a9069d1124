// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import EngineIOServer

/// Bodies of long-polling requests in both protocols, and JSONP's.
@Suite struct PayloadTests {
    private func frames(_ packets: [Any]) -> ByteBuffer {
        var frames = ByteBuffer()
        for packet in packets {
            if let text = packet as? String {
                Array(text.utf8).withUnsafeBytes { frames.writeFrame(0x81, $0) }
            } else if let bytes = packet as? [UInt8] {
                bytes.withUnsafeBytes { frames.writeFrame(0x82, $0) }
            }
        }
        return frames
    }

    private func encode(_ format: PollingFormat, _ packets: [Any]) -> PollingPayload {
        var frames = self.frames(packets)
        let payload = format.takePayload(from: &frames)
        #expect(frames.readableBytes == 0)
        return payload
    }

    /// What a reader finds: texts as they are, bytes in brackets, at the end what went wrong.
    private func read(_ body: ByteBuffer, _ framing: PayloadReader.Framing) -> [String] {
        var reader = PayloadReader(body, framing)
        var found: [String] = []
        while true {
            let progress = reader.next { packet in
                switch packet {
                case .text(let text): found.append(String(decoding: text, as: UTF8.self))
                case .binary(let bytes): found.append("\(Array(bytes))")
                }
            }
            switch progress {
            case .packet: continue
            case .end: return found
            case .malformed: return found + ["malformed"]
            }
        }
    }

    // MARK: answers

    @Test func separatedPackets() {
        let packets: [Any] = (0..<8).map { [UInt8](repeating: 0xFB, count: $0) } + ["4ä"]
        let payload = self.encode(PollingFormat(version: .v4), packets)
        let expected = ["b", "b+w==", "b+/s=", "b+/v7", "b+/v7+w==", "b+/v7+/s=", "b+/v7+/v7", "b+/v7+/v7+w==", "4ä"]
        #expect(String(buffer: payload.body) == expected.joined(separator: "\u{1E}") && !payload.isBinary)
        #expect(self.read(payload.body, .separated) == expected)
    }

    /// Lengths are those of JavaScript's strings, also in base64.
    @Test func countedPackets() {
        let format = PollingFormat(version: .v3, isTextOnly: true)
        let packets: [Any] = ["4hello", "4€ä", "4😀😀", [1, 2, 3, 4] as [UInt8], String(repeating: "4", count: 200)]
        let payload = self.encode(format, packets)
        let long = String(repeating: "4", count: 200)
        #expect(String(buffer: payload.body) == "6:4hello3:4€ä5:4😀😀10:b4AQIDBA==200:\(long)" && !payload.isBinary)
        #expect(payload.contentType == "text/plain; charset=UTF-8")
        #expect(self.read(payload.body, .counted) == ["4hello", "4€ä", "4😀😀", "b4AQIDBA==", long])
        #expect(String(buffer: format.payload("6").body) == "1:6")
        let texts = self.encode(PollingFormat(version: .v3), ["4a", "4b"])
        #expect(String(buffer: texts.body) == "2:4a2:4b" && !texts.isBinary)
    }

    /// As the test suite of protocol 3 has it; the length of a text is that of its bytes here.
    @Test func packetsOfBytes() {
        let payload = self.encode(PollingFormat(version: .v3), ["4hello", [1, 2, 3, 4] as [UInt8], "4€"])
        #expect(
            Array(payload.body.readableBytesView) == [
                0, 6, 255, 52, 104, 101, 108, 108, 111, 1, 5, 255, 4, 1, 2, 3, 4, 0, 4, 255, 52, 0xE2, 0x82, 0xAC,
            ])
        #expect(payload.isBinary && payload.contentType == "application/octet-stream")
        #expect(self.read(payload.body, .bytes) == ["4hello", "[4, 1, 2, 3, 4]", "4€"])
        let long = self.encode(PollingFormat(version: .v3), [[UInt8](repeating: 9, count: 1234)])
        #expect(Array(long.body.readableBytesView.prefix(7)) == [1, 1, 2, 3, 5, 255, 4])
    }

    @Test(arguments: [EngineVersion.v3, .v4])
    func oneAnswerHoldsSixteenPackets(version: EngineVersion) {
        let format = PollingFormat(version: version)
        var frames = self.frames((0..<40).map { "4\($0)" })
        var sizes: [Int] = []
        var all: [String] = []
        while frames.readableBytes > 0 {
            let packets = self.read(format.takePayload(from: &frames).body, version == .v4 ? .separated : .counted)
            sizes.append(packets.count)
            all += packets
        }
        #expect(sizes == [16, 16, 8] && all == (0..<40).map { "4\($0)" })
    }

    @Test func callbacksOfJSONP() {
        let format = PollingFormat(version: .v4, query: ["j": "1x2)"])
        #expect(format.callback == "12" && format.isTextOnly)
        let payload = self.encode(format, ["4\"\\\u{8}\t\n\u{C}\r\u{1}\u{1F}/é\u{2028}\u{2029}\u{2030}</script>"])
        #expect(
            String(buffer: payload.body)
                == #"___eio[12]("4\"\\\b\t\n\f\r\u0001\u001f/é\u2028\u2029\#u{2030}</script>");"#)
        #expect(payload.contentType == "text/plain; charset=UTF-8")
        #expect(String(buffer: PollingFormat(version: .v4, query: ["j": ""]).payload("6").body) == "___eio[](\"6\");")
        let old = PollingFormat(version: .v3, query: ["j": "0"])
        #expect(String(buffer: self.encode(old, [[1] as [UInt8]]).body) == #"___eio[0]("6:b4AQ==");"#)
        #expect(PollingFormat(version: .v3, query: ["b64": "1"]).isTextOnly)
        #expect(!PollingFormat(version: .v3, query: ["b64": ""]).isTextOnly)
    }

    // MARK: bodies of POSTs

    @Test(arguments: ["", "\u{1E}", "4\u{1E}"])
    func malformedSeparatedPackets(_ text: String) {
        #expect(self.read(ByteBuffer(string: text), .separated).last == "malformed")
    }

    @Test(arguments: [
        "", "4", "4hello", ":4", "6:4hell", "-1:4", "+2:4a", "2.0:4a", "1:4 2:4a", "99999999999999999999:4", "2:4😀",
        "2:4a3",
    ])
    func malformedCountedPackets(_ text: String) {
        #expect(self.read(ByteBuffer(string: text), .counted).last == "malformed")
    }

    @Test func emptyPacketsAndLeadingZerosAreTaken() {
        #expect(self.read(ByteBuffer(string: "0:02:4a0:"), .counted) == ["4a"])
        #expect(self.read(ByteBuffer(), .bytes).isEmpty)
    }

    @Test(arguments: [
        [0], [0, 1], [0, 1, 255], [0, 255, 52], [0, 2, 255, 52], [2, 1, 255, 52], [0, 10, 255, 52], [0, 0, 255],
        [0, 1, 255, 0xFF], [1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 255, 4], [0, 1, 255, 52, 0],
    ])
    func malformedPacketsOfBytes(_ bytes: [UInt8]) {
        #expect(self.read(ByteBuffer(bytes: bytes), .bytes).last == "malformed")
    }

    @Test func textMustBeUTF8() {
        for framing in [PayloadReader.Framing.separated, .counted] {
            #expect(self.read(ByteBuffer(bytes: [0x32, 0x3A, 0x34, 0xFF]), framing) == ["malformed"])
        }
    }

    @Test(arguments: [
        ("d=2%3A4a", "2:4a"), ("d=a+b%20c", "a b c"), ("x=1&d=%22&y", "\""), ("d=a%5Cnb", "a\nb"),
        ("d=a%5C%5Cnb", "a\\nb"),
        ("d=%5C%5C%5Cn", "\\\\n"), ("d=%5C", "\\"), ("d=%5C%5C", "\\\\"), ("d=", ""), ("d", ""), ("%64=x", "x"),
        ("d=%F0%9F%98%80", "😀"),
    ])
    func formBodies(_ form: String, _ data: String) {
        #expect(FormBody.data(in: ByteBuffer(string: form)).map { String(buffer: $0) } == data)
    }

    @Test(arguments: ["", "e=1", "d=1&d=2"])
    func formBodiesWithoutData(_ form: String) {
        #expect(FormBody.data(in: ByteBuffer(string: form)) == nil)
    }

    // MARK: WebSocket

    @Test func binaryFormsOnWebSockets() {
        let frames = self.frames(["4a", [1, 2] as [UInt8], [] as [UInt8]])
        #expect(BinaryForm.plain.convert(frames) == frames)
        #expect(BinaryForm.typed.convert(frames) == self.frames(["4a", [4, 1, 2] as [UInt8], [4] as [UInt8]]))
        #expect(BinaryForm.base64.convert(frames) == self.frames(["4a", "bAQI=", "b"]))
        #expect(BinaryForm(.v3, isTextOnly: true).convert(frames) == self.frames(["4a", "b4AQI=", "b4"]))
    }

    /// The Java client ends each line and the whole with a line break, as Android's encoder does.
    @Test(arguments: ["AAH+/w==", "AAH+/w", "AAH-_w", "AAH+\n/w==\n", " A A\tH + / w =\r\n=\n"])
    func base64AsClientsWriteIt(text: String) {
        let decoded = ByteBuffer(string: text).withUnsafeReadableBytes { Base64.decode($0) }
        #expect(decoded == ByteBuffer(bytes: [0, 1, 254, 255]))
    }

    @Test(arguments: ["A", "AAH+/", "AA=A", "=AA", "AAE===", "AA*=", "AA\n\u{1E}"])
    func noBase64(text: String) {
        #expect(ByteBuffer(string: text).withUnsafeReadableBytes { Base64.decode($0) } == nil)
    }
}
