// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The settings among a command's arguments: `--flag value`, `--flag=value`, and `--flag` alone where there is no value.
///
/// swift-configuration's own provider for arguments splits every value at commas and takes no value that begins with
/// dashes, neither of which suits messages and secrets; so the arguments are read here and handed to it as values.
package struct CommandLineSettings: Equatable, Sendable {
    /// What was given, in the order of the arguments. Of a setting that takes one value the last one counts.
    package private(set) var values: [SettingKey: [String]] = [:]

    /// Reads the arguments behind the command's name.
    package init(_ arguments: [String]) throws(UsageError) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument != "--help", argument != "-h" else { throw .helpRequested }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let setting = try Self.setting(forFlag: parts[0])
            let value: String
            if parts.count == 2 {
                value = parts[1]
            } else if setting.isFlag {
                value = "true"
            } else if let next = rest.first, !next.hasPrefix("--") {
                value = next
                rest.removeFirst()
            } else {
                throw .message("\(parts[0]) needs a value, as in \(parts[0])=\(setting.placeholder)")
            }
            self.add(value, to: setting)
        }
    }

    private mutating func add(_ value: String, to setting: Setting) {
        if setting.isRepeatable {
            self.values[setting.key, default: []].append(value)
        } else {
            self.values[setting.key] = [value]
        }
    }

    private static func setting(forFlag flag: String) throws(UsageError) -> Setting {
        guard flag.hasPrefix("-"), flag != "-", flag != "--" else {
            throw .message("unexpected argument '\(flag)': settings are flags, as in --port 3000")
        }
        if let setting = Setting.all.first(where: { $0.key.flag == flag }) {
            return setting
        }
        let nearest = NearestName.of(flag, among: Setting.all.map(\.key.flag)) ?? ""
        throw .message("unknown flag \(flag); the nearest known one is \(nearest)")
    }
}
