// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

@testable import HiredisClient

/// Replies of a Redis server: the same however they are cut, within the bounds, and the same again when written again.
enum RedisProperties {
    static let maximumBytes = 4096
    static let maximumElements = 64

    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let cuts = Segments.cuts(of: bytes).map(self.decode)
        let whole = cuts[0]
        for cut in cuts.dropFirst() {
            // Where a bound is exceeded is seen earlier in small pieces.
            let count = whole.failed || cut.failed ? min(whole.replies.count, cut.replies.count) : whole.replies.count
            if !whole.failed, !cut.failed { try requireEqual(cut.replies.count, count, "the number of replies") }
            try require(
                cut.replies.prefix(count).elementsEqual(whole.replies.prefix(count)),
                "replies are the same however they are cut")
        }
        for reply in whole.replies { try self.checkWriting(reply) }
    }

    /// The replies in these bytes.
    static func replies(in bytes: UnsafeRawBufferPointer) -> [Result<RedisReply, RedisError>] {
        self.decode([bytes]).replies
    }

    private static func decode(
        _ pieces: [UnsafeRawBufferPointer]
    ) -> (replies: [Result<RedisReply, RedisError>], failed: Bool) {
        let decoder = RedisReplyDecoder(maximumBytes: self.maximumBytes, maximumElements: self.maximumElements)
        var replies: [Result<RedisReply, RedisError>] = []
        for piece in pieces {
            do throws(RedisError) {
                try decoder.decode(piece) { reply in
                    replies.append(reply.copied())
                    return true
                }
            } catch {
                return (replies, true)
            }
        }
        return (replies, false)
    }

    private static func checkWriting(_ reply: Result<RedisReply, RedisError>) throws {
        guard case .success(let reply) = reply else { return }
        try require(self.elements(reply) <= self.maximumElements, "the number of elements is bounded")
        var bytes = ByteBuffer()
        self.write(reply, into: &bytes)
        // Repairing UTF-8 makes text longer.
        guard bytes.readableBytes <= self.maximumBytes else { return }
        let again = bytes.withUnsafeReadableBytes { self.decode([$0]) }
        try require(!again.failed && again.replies.count == 1, "a reply that is written again is one")
        try requireEqual(try again.replies[0].get(), reply, "a reply that is written again is the same")
    }

    private static func elements(_ reply: RedisReply) -> Int {
        guard case .array(let items) = reply else { return 0 }
        return items.reduce(items.count) { $0 + self.elements($1) }
    }

    private static func write(_ reply: RedisReply, into bytes: inout ByteBuffer) {
        switch reply {
        case .string(let text):
            bytes.writeString("$\(text.readableBytes)\r\n")
            bytes.writeImmutableBuffer(text)
            bytes.writeString("\r\n")
        case .status(let text): bytes.writeString("+\(text)\r\n")
        case .error(let text): bytes.writeString("-\(text)\r\n")
        case .integer(let value): bytes.writeString(":\(value)\r\n")
        case .null: bytes.writeString("$-1\r\n")
        case .array(let items):
            bytes.writeString("*\(items.count)\r\n")
            for item in items { self.write(item, into: &bytes) }
        }
    }
}
