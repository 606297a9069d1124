// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import Logging
import Synchronization
import Testing

@testable import RollcallNode

@Suite struct LineLogHandlerTests {
    private final class Lines: Sendable {
        let texts = Mutex<[String]>([])

        var last: String { self.texts.withLock { $0.last ?? "" } }
    }

    private let lines = Lines()

    private func logger(isJSON: Bool, level: Logger.Level = .info) -> Logger {
        let lines = self.lines
        return Logger(label: "test") { label in
            LineLogHandler(label: label, level: level, isJSON: isJSON) { bytes in
                lines.texts.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
            }
        }
    }

    private func object() throws -> [String: Any] {
        let line = self.lines.last
        #expect(line.hasSuffix("}\n") && line.dropLast().allSatisfy { !$0.isNewline })
        return try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func jsonIsOneObjectPerLine() throws {
        var logger = self.logger(isJSON: true)
        logger[metadataKey: "node"] = "n1"
        logger.warning(
            "line\nbreak \"quoted\" \u{1B}[31m 가",
            metadata: ["sid": "a\\b", "list": ["x", "y\n"], "map": ["k": .stringConvertible(7)], "time": "mine"])
        let object = try self.object()
        #expect(object["message"] as? String == "line\nbreak \"quoted\" \u{1B}[31m 가")
        #expect(object["level"] as? String == "warning" && object["logger"] as? String == "test")
        #expect(object["node"] as? String == "n1" && object["sid"] as? String == "a\\b")
        #expect(object["list"] as? [String] == ["x", "y\n"])
        #expect(object["map"] as? [String: String] == ["k": "7"])
        #expect(object["metadata.time"] as? String == "mine")
        let time = try #require(object["time"] as? String)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
        #expect(!self.lines.last.contains("\u{1B}"))
    }

    @Test func theTimeIsTheWallClockInUTC() throws {
        let before = Date()
        self.logger(isJSON: true).info("x")
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        let text = try #require(try self.object()["time"] as? String)
        let time = try #require(formatter.date(from: text))
        #expect(time >= before.addingTimeInterval(-0.001) && time <= Date())
    }

    @Test func textIsOneLine() {
        self.logger(isJSON: false).error("went\nwrong \u{1B}[2J", metadata: ["user": "a b", "sid": "s1", "empty": ""])
        let line = self.lines.last
        #expect(line.hasSuffix(" ERROR test: went\\u{a}wrong \\u{1b}[2J empty=\"\" sid=s1 user=\"a b\"\n"))
    }

    @Test func metadataOfTheCallWins() throws {
        var logger = self.logger(isJSON: true)
        logger[metadataKey: "a"] = "logger"
        logger.info("x", metadata: ["a": "call"])
        #expect(try self.object()["a"] as? String == "call")
    }

    @Test func belowTheLevelNothingIsWritten() {
        self.logger(isJSON: false, level: .error).warning("x")
        #expect(self.lines.last.isEmpty)
    }
}
