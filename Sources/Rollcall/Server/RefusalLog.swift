// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Logging
import NIOCore
import Synchronization

/// One line of the log for each client that is refused or sent away: `info` where another connection of its user or an
/// administrator is the cause, `debug` otherwise. A flood of clients is no flood of lines: of each level at most
/// ``linesPerSecond`` are written, and the next line after that tells how many were not.
final class RefusalLog: Sendable {
    /// Who was refused, and why. Never holds what the client sent as its proof.
    struct Entry {
        /// What happened.
        var message: Logger.Message
        /// The word for programs, as the client or the metrics have it.
        var code: String
        /// The text for people.
        var reason: String
        /// The user, where a token or a registry told it.
        var user: String?
        /// The client's address.
        var address: String
    }

    static let linesPerSecond = 100

    private struct Window {
        var second: UInt64 = 0
        var lines = 0
        var unwritten = 0

        /// How many lines before this one were not written; nil: neither is this one.
        mutating func admit(at second: UInt64) -> Int? {
            if second != self.second { (self.second, self.lines) = (second, 0) }
            guard self.lines < RefusalLog.linesPerSecond else {
                self.unwritten += 1
                return nil
            }
            self.lines += 1
            defer { self.unwritten = 0 }
            return self.unwritten
        }
    }

    private let logger: Logger
    private let windows = Mutex((info: Window(), debug: Window()))

    init(_ logger: Logger) { self.logger = logger }

    /// Another connection of the same user, or an administrator, is the cause.
    func note(notable entry: @autoclosure () -> Entry, now: UInt64 = NIODeadline.now().uptimeNanoseconds) {
        guard self.logger.logLevel <= .info else { return }
        let unwritten = self.windows.withLock { $0.info.admit(at: now / 1_000_000_000) }
        if let unwritten { self.write(entry(), .info, unwritten) }
    }

    /// What clients do wrong by themselves, and what passes by itself.
    func note(_ entry: @autoclosure () -> Entry, now: UInt64 = NIODeadline.now().uptimeNanoseconds) {
        guard self.logger.logLevel <= .debug else { return }
        let unwritten = self.windows.withLock { $0.debug.admit(at: now / 1_000_000_000) }
        if let unwritten { self.write(entry(), .debug, unwritten) }
    }

    private func write(_ entry: Entry, _ level: Logger.Level, _ unwritten: Int) {
        var metadata: Logger.Metadata = [
            "code": "\(entry.code)", "reason": "\(entry.reason)", "address": "\(entry.address)",
        ]
        if let user = entry.user { metadata["user"] = "\(user)" }
        if unwritten > 0 { metadata["unwritten"] = "\(unwritten)" }
        self.logger.log(level: level, entry.message, metadata: metadata)
    }
}
