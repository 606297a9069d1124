// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One setting: everything that the loader, `--help`, `config docs` and docs/configuration.md say of it.
package struct Setting: Sendable {
    /// What may be written.
    package enum Kind: Sendable {
        /// Any text; the argument names it in the documentation.
        case text(String)
        /// One of several words.
        case choice([String])
        /// A whole number.
        case integer(ClosedRange<Int>)
        /// A whole number with a unit: `500ms`, `5s`, `2m`, `1h`.
        case duration(ClosedRange<Duration>)
        /// Present or absent, `true` or `false`.
        case flag
        /// Any number of texts.
        case list(String)
        /// The path of a file that is read at start.
        case file
    }

    /// What counts when nothing is written.
    package enum Default: Sendable {
        /// Nothing.
        case none
        /// This text, read like any other.
        case value(String)
        /// Something that is found out at start.
        case computed(String)
    }

    /// Whether the setting can be used.
    package enum Availability: Sendable {
        /// Yes.
        case now
        /// Not in this version: setting it is refused at start.
        case notYet
    }

    /// The headings of the documentation.
    package enum Group: String, CaseIterable, Sendable {
        case listener = "Listener"
        case node = "Node"
        case redis = "Redis"
        case authentication = "Authentication and grants"
        case registry = "User registry"
        case limits = "Limits"
        case admin = "Admin endpoint"
        case operation = "Operation"
    }

    /// Its name.
    package let key: SettingKey
    /// Its heading.
    package let group: Group
    /// What may be written.
    package let kind: Kind
    /// What counts otherwise.
    package let byDefault: Default
    /// One or two sentences.
    package let help: String
    /// Whether the value is never shown.
    package let isSecret: Bool
    /// Whether it can be used.
    package let availability: Availability
    /// Words of a choice, or beginnings of a text, that later versions will take.
    package let notYet: [String]

    init(
        _ key: SettingKey, _ group: Group, _ kind: Kind, _ byDefault: Default = .none, isSecret: Bool = false,
        availability: Availability = .now, notYet: [String] = [], help: String
    ) {
        self.key = key
        self.group = group
        self.kind = kind
        self.byDefault = byDefault
        self.help = help
        self.isSecret = isSecret
        self.availability = availability
        self.notYet = notYet
    }

    /// Whether it may be given several times.
    package var isRepeatable: Bool {
        if case .list = self.kind { true } else { false }
    }

    /// Whether its flag takes no value.
    package var isFlag: Bool {
        if case .flag = self.kind { true } else { false }
    }

    /// What stands for the value in the documentation.
    package var placeholder: String {
        switch self.kind {
        case .text(let name), .list(let name): name
        case .choice(let words): words.joined(separator: "|")
        case .integer: "N"
        case .duration: "DURATION"
        case .flag: ""
        case .file: "FILE"
        }
    }

    /// The default as the documentation shows it.
    package var defaultText: String {
        switch self.byDefault {
        case .none: self.isFlag ? "off" : "none"
        case .value(let text): text
        case .computed(let text): text
        }
    }

    /// The setting of that name.
    package static func named(_ key: SettingKey) -> Setting {
        Self.byKey[key] ?? Setting(key, .operation, .text("TEXT"), help: "")
    }

    private static let byKey = Dictionary(Self.all.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
}
