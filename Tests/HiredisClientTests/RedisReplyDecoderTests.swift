// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import HiredisClient

@Suite struct RedisReplyDecoderTests {
    typealias Outcome = Result<RedisReply, RedisError>

    private static let stream =
        "+OK\r\n:42\r\n:-9223372036854775808\r\n$5\r\nhe\r\nl\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n-LOADING not yet\r\n"
        + "*4\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n-ERR in it\r\n+s\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n"

    private static let replies: [Outcome] = [
        .success(.status("OK")), .success(.integer(42)), .success(.integer(.min)),
        .success(.string(ByteBuffer(string: "he\r\nl"))), .success(.string(ByteBuffer())), .success(.null),
        .success(.null), .success(.array([])), .failure(RedisError(.server("LOADING"), "LOADING not yet")),
        .success(
            .array([
                .string(ByteBuffer(string: "a")), .array([.integer(1), .null]), .error("ERR in it"), .status("s"),
            ])),
        .success(
            .array([
                .string(ByteBuffer(string: "message")), .string(ByteBuffer(string: "c")),
                .string(ByteBuffer(string: "hi")),
            ])),
    ]

    private func decode(
        _ pieces: [[UInt8]], maximumBytes: Int = 1_000_000, maximumElements: Int = 1000
    ) throws -> [Outcome] {
        let decoder = RedisReplyDecoder(maximumBytes: maximumBytes, maximumElements: maximumElements)
        var replies: [Outcome] = []
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                try decoder.decode(bytes) { reply in
                    replies.append(reply.copied())
                    return true
                }
            }
        }
        return replies
    }

    @Test func decodesEveryKind() throws {
        #expect(try self.decode([Array(Self.stream.utf8)]) == Self.replies)
    }

    @Test func decodesSplitAtEveryByte() throws {
        let bytes = Array(Self.stream.utf8)
        for split in 0...bytes.count {
            #expect(try self.decode([Array(bytes[..<split]), Array(bytes[split...])]) == Self.replies)
        }
        #expect(try self.decode(bytes.map { [$0] }) == Self.replies)
    }

    @Test func decodesManyRepliesOfOneRead() throws {
        let bytes = Array(repeating: Array(":7\r\n$3\r\nabc\r\n".utf8), count: 20_000).flatMap { $0 }
        let replies = try self.decode([bytes])
        #expect(replies.count == 40_000)
        #expect(replies.last == .success(.string(ByteBuffer(string: "abc"))))
    }

    @Test func decodesALargeString() throws {
        let payload = String(repeating: "x", count: 500_000)
        let bytes = Array("$500000\r\n\(payload)\r\n:1\r\n".utf8)
        #expect(try self.decode([bytes]) == [.success(.string(ByteBuffer(string: payload))), .success(.integer(1))])
    }

    @Test(arguments: [
        "hello\r\n", "\r\n", "\0", "$x\r\n", "$-2\r\n", ":1x\r\n", ":\r\n", "*x\r\n", "*-2\r\n", ">2\r\n", "%1\r\n",
        "_\r\n",
        "$9223372036854775807\r\n", "$99999999999999999999999\r\n", "$9000000000\r\n", "$1000001\r\n",
        "*1\r\n$1000001\r\n",
        "*2147483647\r\n", "*1001\r\n", "*4294967296\r\n", "*1\r\n*2147483647\r\n", "*600\r\n*600\r\n",
        "$00000000000000000000000000000000000000001", ":111111111111111111111111111111111111111111",
        "*111111111111111111111111111111111111111111",
        String(repeating: "*1\r\n", count: 20),
        "+" + String(repeating: "x", count: 70_000), "-" + String(repeating: "x", count: 70_000),
    ])
    func refusesGarbage(text: String) {
        let error = #expect(throws: RedisError.self) { try self.decode([Array(text.utf8)]) }
        #expect(error?.code == .protocolViolation)
        let bytewise = #expect(throws: RedisError.self) { try self.decode(Array(text.utf8).map { [$0] }) }
        #expect(bytewise?.code == .protocolViolation)
    }

    @Test func nothingIsAccepedAfterAnError() throws {
        let decoder = RedisReplyDecoder(maximumBytes: 1000, maximumElements: 10)
        for text in ["?", ":1\r\n"] {
            #expect(throws: RedisError.self) {
                try Array(text.utf8).withUnsafeBytes { try decoder.decode($0) { _ in true } }
            }
        }
    }

    @Test func boundsAReplyOfManyParts() {
        let part = "$400\r\n\(String(repeating: "x", count: 400))\r\n"
        let text = "*100\r\n" + String(repeating: part, count: 100)
        let error = #expect(throws: RedisError.self) { try self.decode([Array(text.utf8)], maximumBytes: 10_000) }
        #expect(error?.message.contains("larger than 10000 bytes") == true)
    }

    @Test func theBoundIsForEachReplyAlone() throws {
        let text = String(repeating: "$900\r\n\(String(repeating: "x", count: 900))\r\n", count: 500)
        #expect(try self.decode([Array(text.utf8)], maximumBytes: 1000).count == 500)
        let arrays = String(repeating: "*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n", count: 500)
        #expect(try self.decode([Array(arrays.utf8)], maximumElements: 6).count == 500)
    }

    @Test func stopsWhenToldTo() throws {
        let decoder = RedisReplyDecoder(maximumBytes: 1000, maximumElements: 10)
        var count = 0
        try Array(":1\r\n:2\r\n:3\r\n".utf8).withUnsafeBytes { bytes in
            try decoder.decode(bytes) { _ in
                count += 1
                decoder.close()
                return false
            }
        }
        #expect(count == 1)
        decoder.close()
        #expect(throws: RedisError.self) {
            try Array(":1\r\n".utf8).withUnsafeBytes { try decoder.decode($0) { _ in true } }
        }
    }

    /// Damaged streams end in an error or in other replies, never in a crash or an endless loop.
    @Test(arguments: 0..<8) func survivesDamage(seed: UInt64) {
        var random = SplitMix(state: seed)
        let original = Array(Self.stream.utf8)
        for _ in 0..<2_000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(Array("*$:+-\r\n0129".utf8).randomElement(using: &random) ?? 0, at: index)
                }
            }
            let split = Int.random(in: 0...bytes.count, using: &random)
            do {
                _ = try self.decode([Array(bytes[..<split]), Array(bytes[split...])])
            } catch {
                #expect((error as? RedisError)?.code == .protocolViolation)
            }
        }
    }
}

/// A small random generator, the same on every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
