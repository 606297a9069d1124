// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import UserRegistryCore

@testable import UserRegistryRedis

/// Answers of the registry's scripts and messages of its control channels.
enum RegistryProperties {
    private static var scripts: [PartitionCommand.Script] {
        [
            .renew(isFresh: true), .release(user: "u", connection: 1, claim: nil),
            .reassert(from: 1, claims: [], purpose: .check), .mine(cursor: "0", purpose: .resync), .synced,
            .reap(incarnation: "i"), .count, .leave,
        ]
    }

    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        let scripts = self.scripts
        for reply in RedisProperties.replies(in: bytes) {
            for script in scripts { try self.check(ScriptReplyDecoder.decode(reply, of: script), reply) }
        }
        try self.checkMessage(bytes)
    }

    private static func check(_ answer: ScriptReply, _ reply: Result<RedisReply, RedisError>) throws {
        switch answer {
        case .count(let count): try require(count >= 0, "a count is not negative")
        case .notExecuted:
            guard case .failure(let error) = reply else { throw Finding(description: "a value is an answer") }
            try require(error.certainlyNotExecuted, "what may have been executed is unknown")
        case .renewed(_, let waiters, let expired):
            let room = (try? reply.get()).map(self.texts) ?? 0
            try require(5 * waiters.count + expired.count <= room, "no more notices than there are words")
        case .page(_, let held):
            let room = (try? reply.get()).map(self.texts) ?? 0
            try require(2 * held.count + 2 <= room, "no more users than there are words")
        default: break
        }
    }

    private static func texts(_ reply: RedisReply) -> Int {
        reply.elements.map { $0.reduce(0) { $0 + self.texts($1) } } ?? 1
    }

    /// A message that is understood is the same when it is written again.
    private static func checkMessage(_ bytes: UnsafeRawBufferPointer) throws {
        guard let message = ControlMessage(bytes) else { return }
        let words: [String]
        switch message {
        case .notice(let notice):
            if let waiter = notice.waiter {
                words = ["w", "\(notice.owner)", waiter.incarnation, "\(waiter.connection)", notice.user]
            } else {
                words = ["k", "\(notice.owner)", "k=\(notice.kick ?? "")", notice.user]
            }
        case .granted(let connection, let user): words = ["g", "\(connection)", user]
        case .denied(let connection, let since): words = ["d", "\(connection)", "\(since ?? 0)", ""]
        }
        var text = words.joined(separator: "\u{1F}")
        let again = text.withUTF8 { ControlMessage(UnsafeRawBufferPointer($0)) }
        try requireEqual(again, message, "a message that is written again")
    }
}
