// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallNode

@Suite struct ConfigurationReportTests {
    private func report(_ arguments: [String], _ environment: [String: String] = [:]) throws -> ConfigurationReport {
        let directory = try TemporaryDirectory()
        return ConfigurationReport(
            try ResolvedSettings(arguments: arguments, environment: environment, directory: directory.path))
    }

    @Test func eachSettingWithItsSource() throws {
        let lines = try self.report(["--port", "1", "--grant=all", "--grant=broadcast"], ["ROLLCALL_HOST": "h"]).lines
        #expect(lines.count == SettingKey.allCases.count)
        #expect(lines.contains(.init(key: "port", value: "1", source: "command line")))
        #expect(lines.contains(.init(key: "host", value: "h", source: "environment")))
        #expect(lines.contains(.init(key: "grant", value: "all, broadcast", source: "command line")))
        #expect(lines.contains(.init(key: "lease", value: "12s", source: "default")))
        #expect(lines.contains(.init(key: "node-id", value: "random", source: "default")))
    }

    @Test func secretsAreNotShown() throws {
        let text = try self.report(
            ["--jwt-secret", "hunter2", "--redis-url", "redis://user:hunter2@redis:6379/1"],
            ["ROLLCALL_ADMIN_TOKEN": "hunter2"]
        ).text
        #expect(!text.contains("hunter2") && !text.contains("user:"))
        #expect(text.contains("redis://•••@redis:6379/1"))
        #expect(text.split(separator: "\n").count { $0.contains("•••") } == 3)
    }

    @Test(arguments: [
        ("redis://h:1", "redis://h:1"), ("redis://u:p@h", "redis://•••@h"), ("rediss://:p@w@h/1", "rediss://•••@h/1"),
        ("u:p@h", "•••@h"), ("secret", "•••"), ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ])
    func addresses(url: String, shown: String) {
        #expect(ConfigurationReport.withoutPassword(url) == shown)
    }
}
