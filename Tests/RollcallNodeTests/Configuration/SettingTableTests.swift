// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import RollcallNode

@Suite struct SettingTableTests {
    @Test func everyKeyStandsInTheTableOnce() {
        #expect(Setting.all.map(\.key.rawValue).sorted() == SettingKey.allCases.map(\.rawValue).sorted())
    }

    @Test func namesAreUnique() {
        #expect(Set(SettingKey.allCases.map(\.flag)).count == SettingKey.allCases.count)
        #expect(Set(SettingKey.allCases.map(\.environmentVariable)).count == SettingKey.allCases.count)
    }

    @Test(arguments: [
        (SettingKey.redisURL, "--redis-url", "ROLLCALL_REDIS_URL"), (.host, "--host", "ROLLCALL_HOST"),
        (.redisChannelPrefix, "--redis-channel-prefix", "ROLLCALL_REDIS_CHANNEL_PREFIX"),
        (.leaseMilliseconds, "--lease-ms", "ROLLCALL_LEASE_MS"), (.jwks, "--jwks", "ROLLCALL_JWKS"),
    ])
    func flagAndVariableFollowFromTheKey(key: SettingKey, flag: String, variable: String) {
        #expect(key.flag == flag)
        #expect(key.environmentVariable == variable)
    }

    /// The flags that users were promised.
    @Test(arguments: [
        "host", "port", "path", "tls-certificate", "tls-key", "proxy-protocol", "trusted-proxy", "event-loops",
        "node-id",
        "sid-prefix", "redis-url", "redis-prefix", "redis-channel-prefix", "redis-ca", "redis-certificate", "redis-key",
        "adapter", "jwt-secret", "jwt-secret-file", "jwt-public-key", "jwks", "jwt-issuer", "jwt-audience",
        "jwt-leeway",
        "auth-cookie", "token-expiry", "duplicates", "duplicate-message", "lease", "lease-ms", "registry-mode",
        "registry-partitions", "state-dir", "cors-origin", "grant", "ping-interval", "ping-timeout", "max-payload",
        "connect-timeout", "max-connections", "max-queued-bytes", "connect-rate", "event-rate", "admin-host",
        "admin-port",
        "admin-token", "admin-token-file", "metrics-public", "drain-delay", "drain-duration", "log-level", "log-format",
        "config",
    ])
    func promisedFlag(name: String) {
        #expect(SettingKey.allCases.contains { $0.flag == "--\(name)" })
    }

    @Test func theDocumentIsTheTable() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let document = try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        #expect(document == ConfigurationDocument.markdown, "run: rollcall config docs > docs/configuration.md")
    }

    @Test func theDocumentNamesEverySettingAndEscapesItsCells() {
        let markdown = ConfigurationDocument.markdown
        for setting in Setting.all {
            #expect(markdown.contains("| `\(setting.key.environmentVariable)` |"))
        }
        let rows = markdown.split(separator: "\n").filter { $0.hasPrefix("|") }
        let bars = rows.map { $0.replacing("\\|", with: "").filter { $0 == "|" }.count }
        #expect(bars.allSatisfy { $0 == 6 })
    }

    @Test func helpFitsTheTerminal() {
        let help = ConfigurationDocument.flags(width: 78)
        for setting in Setting.all {
            #expect(help.contains("  \(setting.key.flag)"))
        }
        let long = help.split(separator: "\n").filter { $0.count > 78 && $0.hasPrefix("     ") }
        #expect(long.isEmpty)
    }
}
