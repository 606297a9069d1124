// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import HiredisClient

@Suite struct RedisCommandTests {
    private func wire(_ command: RedisCommand) -> String {
        var buffer = ByteBuffer()
        buffer.write(command)
        #expect(buffer.readableBytes == command.byteCount)
        return String(buffer: buffer)
    }

    @Test func writesWords() {
        #expect(wire(RedisCommand("PING")) == "*1\r\n$4\r\nPING\r\n")
        #expect(wire(RedisCommand("SET", "k", "")) == "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n")
        #expect(wire(RedisCommand("한")) == "*1\r\n$3\r\n한\r\n")
    }

    @Test func writesEachKindOfWord() {
        let bytes: [UInt8] = [0x61, 0x0D, 0x0A, 0x62]
        let command = RedisCommand(capacity: 512) { writer in
            writer.append("STATIC")
            writer.append(String("string"))
            writer.append(ByteBuffer(string: "buffer"))
            writer.append(bytes)
            bytes.withUnsafeBytes { writer.append($0) }
            writer.append(0)
            writer.append(-7)
            writer.append(Int64.min)
            writer.append(Int64.max)
            writer.append(RedisArgument.text("t"))
            writer.append(RedisArgument.bytes(ByteBuffer(string: "b")))
            writer.append(RedisArgument.integer(10))
            writer.append(byteCount: 2) { $0.copyBytes(from: [0x78, 0x79]) }
        }
        let words = [
            "STATIC", "string", "buffer", "a\r\nb", "a\r\nb", "0", "-7", "-9223372036854775808", "9223372036854775807",
            "t", "b", "10", "xy",
        ]
        let expected = "*13\r\n" + words.map { "$\($0.utf8.count)\r\n\($0)\r\n" }.joined()
        #expect(wire(command) == expected)
        #expect(wire(RedisCommand(words)) == expected)
    }

    @Test(arguments: [0, 1, 24, 25, 40, 100, 1000])
    func growsWhenTheCapacityWasTooSmall(capacity: Int) {
        let words = (0..<40).map { String(repeating: "w", count: $0 * 3) }
        let command = RedisCommand(capacity: capacity) { writer in
            for word in words { writer.append(word) }
        }
        #expect(command.wordCount == 40)
        #expect(wire(command) == wire(RedisCommand(words)))
    }

    @Test func appendsAndIsFilledAnew() {
        var command = RedisCommand("PUBLISH")
        command.append(ByteBuffer(string: "channel"))
        [UInt8]("payload".utf8).withUnsafeBytes { command.append($0) }
        command.append(-12)
        #expect(wire(command) == wire(RedisCommand("PUBLISH", "channel", "payload", "-12")))
        command.fill { $0.append("GET") }
        command.append(String("k"))
        #expect(wire(command) == wire(RedisCommand("GET", "k")))
    }

    @Test(arguments: [1, 9, 10, 11, 99, 100, 250], [16, 100_000])
    func writesStraightIntoABuffer(count: Int, capacity: Int) {
        let words = (0..<count).map { "word\($0)" }
        var buffer = ByteBuffer(string: "before")
        let wrote = buffer.writeCommand(capacity: capacity) { writer in
            for word in words { writer.append(word) }
        }
        #expect(wrote)
        #expect(String(buffer: buffer) == "before" + wire(RedisCommand(words)))
    }

    @Test func writesNothingWithoutAWord() {
        var buffer = ByteBuffer(string: "before")
        #expect(!buffer.writeCommand(capacity: 10) { _ in })
        #expect(String(buffer: buffer) == "before")
    }
}
