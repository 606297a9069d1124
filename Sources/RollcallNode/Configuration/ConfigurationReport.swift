// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What `config print` shows: every setting, what it is set to and by whom. Secrets are never shown.
package struct ConfigurationReport: Sendable {
    /// One setting.
    package struct Line: Equatable, Sendable {
        /// The path in the YAML file.
        package let key: String
        /// As it was written; secrets as dots, addresses without password.
        package let value: String
        /// Where it comes from.
        package let source: String
    }

    /// In the order of the documentation.
    package let lines: [Line]

    /// Reports on all settings.
    package init(_ settings: ResolvedSettings) {
        self.lines = Setting.all.map { setting in
            guard let entry = settings.entries[setting.key] else {
                return Line(key: setting.key.rawValue, value: setting.defaultText, source: "default")
            }
            let texts = entry.texts.map { Self.shown($0, of: setting) }
            return Line(
                key: setting.key.rawValue, value: texts.joined(separator: ", "), source: entry.source.description)
        }
    }

    /// Aligned columns: `redis.url  redis://redis:6379/0  (environment)`.
    package var text: String {
        let keyWidth = self.lines.map(\.key.count).max() ?? 0
        let valueWidth = min(40, self.lines.map(\.value.count).max() ?? 0)
        return self.lines
            .map { "\(Self.padded($0.key, keyWidth))  \(Self.padded($0.value, valueWidth))  (\($0.source))\n" }
            .joined()
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func shown(_ text: String, of setting: Setting) -> String {
        guard setting.isSecret else { return text }
        return setting.key == .redisURL ? Self.withoutPassword(text) : Secret.redacted
    }

    /// Whatever stands before the last @ goes, also of an address that cannot be parsed.
    static func withoutPassword(_ url: String) -> String {
        guard let at = url.lastIndex(of: "@") else {
            return url.contains("://") ? url : Secret.redacted
        }
        let scheme = url.firstRange(of: "://").map { url[..<$0.upperBound] } ?? ""
        return scheme + Secret.redacted + url[at...]
    }
}
