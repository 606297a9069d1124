// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec
import Testing

@testable import RollcallRedis

/// The bytes of broadcasts, as captured from the reference.
@Suite struct BroadcastWireTests {
    private func event(_ text: String, _ attachments: [ByteBuffer] = []) -> EncodedEvent {
        EncodedEvent(payload: ByteBuffer(string: text), attachments: attachments)
    }

    private func written(
        _ event: EncodedEvent, _ options: BroadcastOptions = BroadcastOptions(), namespace: String = "/"
    ) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        try BroadcastWriter(uid: "4XGc8d", namespace: namespace).write(event, options, into: &buffer)
        return buffer
    }

    /// `io.emit("hello", 1, "2")` of socket.io 4.8.3 with redis-adapter 8.3.0.
    private static let captured = ByteBuffer(
        hex: """
            93 a6 345847633864 83 a474797065 02 a464617461 93 a568656c6c6f 01 a132 a36e7370 a12f
            83 a5726f6f6d73 90 a6657863657074 90 a5666c616773 80
            """)

    @Test func writesTheCapturedBytes() throws {
        #expect(try self.written(self.event(#"["hello",1,"2"]"#)).hex == Self.captured.hex)
    }

    @Test func readsTheCapturedBytes() throws {
        try Self.captured.withUnsafeReadableBytes { bytes in
            let broadcast = try ReceivedBroadcast(bytes)
            #expect(broadcast.packet.namespace == "/")
            #expect(broadcast.options == BroadcastOptions())
            var scratch = ByteBuffer()
            let event = try broadcast.packet.event(scratch: &scratch)
            #expect(String(buffer: event.payload) == #"["hello",1,"2"]"#)
            #expect(event.attachments.isEmpty)
        }
    }

    @Test func writesRoomsExceptionsAndTheVolatileFlag() throws {
        let options = BroadcastOptions(rooms: ["a", "b"], except: ["c", "d", "c"], isVolatile: true)
        let expected = ByteBuffer(
            hex: """
                93 a6 345847633864 83 a474797065 02 a464617461 91 a165 a36e7370 a52f63686174
                83 a5726f6f6d73 92 a161 a162 a6657863657074 92 a163 a164 a5666c616773 81 a8766f6c6174696c65 c3
                """)
        #expect(try self.written(self.event(#"["e"]"#), options, namespace: "/chat").hex == expected.hex)
    }

    @Test func writesAttachmentsAsBinary() throws {
        let text = #"["b",{"_placeholder":true,"num":1},{"x":{"_placeholder":true,"num":0}}]"#
        let written = try self.written(
            self.event(text, [ByteBuffer(bytes: [1]), ByteBuffer(bytes: [2, 3])]))
        let expected = ByteBuffer(
            hex: """
                93 a6 345847633864 83 a474797065 02 a464617461 93 a162 c4020203 81 a178 c40101 a36e7370 a12f
                83 a5726f6f6d73 90 a6657863657074 90 a5666c616773 80
                """)
        #expect(written.hex == expected.hex)
    }

    @Test func refusesAnEventWhoseAttachmentIsMissing() {
        let event = self.event(#"["b",{"_placeholder":true,"num":1}]"#, [ByteBuffer(bytes: [1])])
        #expect(throws: JSONError.placeholderOutOfRange) { try self.written(event) }
    }

    @Test(arguments: [
        #"["e",{"b":1,"a":[null,true,-1.5,"é\n\u0000"]}]"#, #"["e",{"_placeholder":true,"num":0}]"#,
        #"["e",9007199254740993,-9223372036854775808,1e300,""]"#, #"[1,"numbers may be names"]"#,
    ])
    func readsBackWhatItWrites(_ text: String) throws {
        let message = try self.written(self.event(text))
        try message.withUnsafeReadableBytes { bytes in
            var scratch = ByteBuffer()
            let event = try ReceivedBroadcast(bytes).packet.event(scratch: &scratch)
            #expect(try self.written(event) == message)
        }
    }

    @Test func readsBinaryOfBothForms() throws {
        // A Buffer is a bin, an ArrayBuffer an extension of type 0.
        let message = ByteBuffer(
            hex: "93 a165 82 a474797065 02 a464617461 93 a162 c4020203 c70300 040506 81 a5726f6f6d73 90")
        try message.withUnsafeReadableBytes { bytes in
            var scratch = ByteBuffer()
            let event = try ReceivedBroadcast(bytes).packet.event(scratch: &scratch)
            #expect(
                String(buffer: event.payload)
                    == #"["b",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#)
            #expect(event.attachments == [ByteBuffer(bytes: [2, 3]), ByteBuffer(bytes: [4, 5, 6])])
        }
    }

    @Test func toleratesWhatTheReferenceTolerates() throws {
        let messages: [(SocketValue, BroadcastOptions, String)] = [
            (["e", ["type": 2, "data": ["x"]], [:]], BroadcastOptions(), "/"),
            (["e", ["type": 2, "data": ["x"]], ["rooms": nil]], BroadcastOptions(), "/"),
            (
                ["e", ["nsp": "/chat", "data": ["x"], "type": 2, "id": 7], ["flags": nil, "rooms": [5, "a"]]],
                BroadcastOptions(rooms: ["5", "a"]), "/chat"
            ),
            (
                [nil, ["type": 5, "data": ["x"]], ["flags": ["volatile": true, "compress": false]], "more"],
                BroadcastOptions(isVolatile: true), "/"
            ),
        ]
        for (value, options, namespace) in messages {
            try ByteBuffer.messagePack(value).withUnsafeReadableBytes { bytes in
                let broadcast = try ReceivedBroadcast(bytes)
                #expect(broadcast.options == options)
                #expect(broadcast.packet.namespace == namespace)
                var scratch = ByteBuffer()
                #expect(String(buffer: try broadcast.packet.event(scratch: &scratch).payload) == #"["x"]"#)
            }
        }
    }

    static func read(_ message: ByteBuffer) -> RedisDropReason? {
        message.withUnsafeReadableBytes { bytes in
            do throws(ClusterMessageError) {
                var scratch = ByteBuffer()
                _ = try ReceivedBroadcast(bytes).packet.event(scratch: &scratch)
                return nil
            } catch {
                return error.reason
            }
        }
    }

    @Test func dropsGarbageForAReason() {
        let garbage: [(ByteBuffer, RedisDropReason)] = [
            (ByteBuffer(), .malformed),
            (ByteBuffer(bytes: [0xC1]), .unexpectedShape),
            (ByteBuffer(string: #"{"json":true}"#), .unexpectedShape),
            (.messagePack(["type": 2]), .unexpectedShape),
            (.messagePack(["e", ["type": 2, "data": ["x"]]]), .unexpectedShape),
            (.messagePack(["e", nil, [:]]), .unexpectedShape),
            (.messagePack(["e", ["type": 2, "data": ["x"]], nil]), .unexpectedShape),
            (.messagePack(["e", ["type": "2", "data": ["x"]], [:]]), .unexpectedShape),
            (.messagePack(["e", ["type": 3, "data": ["x"]], [:]]), .unexpectedShape),
            (.messagePack(["e", ["type": 2], [:]]), .unexpectedShape),
            (.messagePack(["e", ["type": 2, "data": "x"], [:]]), .unexpectedShape),
            (.messagePack(["e", ["type": 2, "data": ["x"], "nsp": 1], [:]]), .unexpectedShape),
            (.messagePack(["e", ["type": 2, "data": ["x"]], ["rooms": "a"]]), .unexpectedShape),
            (.messagePack(["e", ["type": 2, "data": ["x"]], ["rooms": [[]]]]), .unexpectedShape),
            (.messagePack(["e", ["type": 2, "data": ["x"]], ["flags": 1]]), .unexpectedShape),
            (.messagePack(["e", ["type": 2, "data": []], [:]]), .invalidEvent),
            (.messagePack(["e", ["type": 2, "data": [nil]], [:]]), .invalidEvent),
            (.messagePack(["e", ["type": 2, "data": ["disconnect"]], [:]]), .invalidEvent),
            (
                .messagePack([
                    "e",
                    [
                        "type": 2,
                        "data": ["x", .binary(ByteBuffer(bytes: [1])), ["_placeholder": true, "num": 7]],
                    ], [:],
                ]), .invalidEvent
            ),
            (ByteBuffer(hex: "dd ffffffff 01"), .malformed),
            (ByteBuffer(hex: "93 db ffffffff 41"), .malformed),
            (ByteBuffer(hex: "93 a165 df ffffffff"), .malformed),
            (ByteBuffer(hex: "93 a165 81 a464617461 c6 ffffffff"), .malformed),
        ]
        for (message, reason) in garbage { #expect(Self.read(message) == reason, "\(message.hex)") }
    }

    @Test func dropsWhatIsNestedTooDeep() {
        var message = ByteBuffer(hex: "93 a165 82 a474797065 02 a464617461")
        message.writeRepeatingByte(0x91, count: 100_000)
        #expect(Self.read(message) == .tooDeep)
    }

    @Test func dropsWhatIsCutOffAnywhere() {
        for length in 0..<Self.captured.readableBytes {
            let part = ByteBuffer(bytes: Self.captured.readableBytesView.prefix(length))
            #expect(Self.read(part) == .malformed, "\(length) bytes")
        }
        var longer = Self.captured
        longer.writeInteger(UInt8(0xC0))
        #expect(Self.read(longer) == .malformed)
    }

    @Test(arguments: 0..<20)
    func survivesAnyBytes(seed: UInt64) {
        var random = SeededGenerator(seed)
        for _ in 0..<500 {
            var bytes = Array(Self.captured.readableBytesView)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            let message = ByteBuffer(bytes: bytes)
            _ = Self.read(message)
            message.withUnsafeReadableBytes { _ = try? ClusterRequest($0) }
        }
    }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
