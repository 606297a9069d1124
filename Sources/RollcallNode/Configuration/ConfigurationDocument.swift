// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The documentation of all settings, made from the table.
package enum ConfigurationDocument {
    /// docs/configuration.md, as `config docs` prints it.
    package static var markdown: String {
        var text = """
            # Configuration

            <!-- Made by `rollcall config docs`; a test compares the two. -->

            Every setting can be given as a flag, as an environment variable and in a YAML file. Flags win over the \
            environment, the environment over a file `.env` in the working directory, and that over the YAML file, which \
            `--config FILE` names. In YAML the dots are levels: `redis.url` is

            ```yaml
            redis:
              url: redis://redis:6379
            ```

            Durations are a whole number and a unit: `500ms`, `5s`, `2m`, `1h`. A setting that may be given several times \
            is a repeated flag, a list in YAML, and separated by commas in the environment. An empty environment variable \
            counts as none. Names that do not exist are errors, as is everything marked "not available yet".

            `rollcall config check` says what is wrong without starting anything (exit code 78), and \
            `rollcall config print` shows each value and where it came from; secrets are not shown.

            """
        for group in Setting.Group.allCases {
            text += "\n## \(group.rawValue)\n\n"
            text += "| setting | flag | environment | default | meaning |\n|---|---|---|---|---|\n"
            for setting in Setting.all where setting.group == group {
                text += Self.row(setting)
            }
        }
        return text
    }

    private static func row(_ setting: Setting) -> String {
        let key = setting.key
        let flag = setting.placeholder.isEmpty ? key.flag : "\(key.flag) \(setting.placeholder)"
        let cells = [
            key == .config ? "" : "`\(key.rawValue)`", "`\(flag)`", "`\(key.environmentVariable)`",
            Self.defaultCell(setting), setting.help + Self.remarks(setting),
        ]
        return "| \(cells.map(Self.escaped).joined(separator: " | ")) |\n"
    }

    private static func defaultCell(_ setting: Setting) -> String {
        if case .value(let text) = setting.byDefault { "`\(text)`" } else { setting.defaultText }
    }

    private static func remarks(_ setting: Setting) -> String {
        var remarks = ""
        switch setting.kind {
        case .integer(let range) where setting.key != .port && setting.key != .adminPort:
            remarks += " Between \(range.lowerBound) and \(range.upperBound)."
        case .duration(let range):
            let (low, high) = (DurationText.format(range.lowerBound), DurationText.format(range.upperBound))
            remarks += " Between \(low) and \(high)."
        case .list:
            remarks += " May be given several times."
        default:
            break
        }
        if case .notYet = setting.availability {
            remarks += " **Not available yet.**"
        } else if !setting.notYet.isEmpty {
            remarks += " Not available yet: \(setting.notYet.map { "`\($0)`" }.joined(separator: ", "))."
        }
        return remarks
    }

    private static func escaped(_ cell: String) -> String {
        cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }

    /// The list of all flags for `--help`, at most `width` columns wide.
    package static func flags(width: Int = 78) -> String {
        Setting.Group.allCases
            .map { group in
                "\(group.rawValue.uppercased()):\n"
                    + Setting.all.filter { $0.group == group }.map { Self.flag($0, width: width) }.joined()
            }
            .joined(separator: "\n")
    }

    private static func flag(_ setting: Setting, width: Int) -> String {
        var text = "  \(setting.key.flag) \(setting.placeholder)".trimmingTrailingSpaces() + "\n"
        var help = setting.help
        if case .none = setting.byDefault {} else { help += " Default: \(setting.defaultText)." }
        if case .notYet = setting.availability { help += " Not available yet." }
        var line = "     "
        for word in help.split(separator: " ") {
            if line.count + 1 + word.count > width {
                text += line + "\n"
                line = "     "
            }
            line += " " + word
        }
        return text + line + "\n"
    }
}

extension String {
    fileprivate func trimmingTrailingSpaces() -> String {
        var text = self[...]
        while text.last == " " {
            text.removeLast()
        }
        return String(text)
    }
}
