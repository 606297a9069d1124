// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Turns written settings into values and keeps a line for each that cannot be.
struct SettingReader {
    private let settings: ResolvedSettings
    private(set) var problems: [String]

    init(_ settings: ResolvedSettings) {
        self.settings = settings
        self.problems = settings.problems
        self.reportUnavailable()
    }

    /// Notes what is wrong with a setting, under its flag and the place where it was written.
    mutating func report(_ key: SettingKey, _ message: String) {
        let origin =
            switch self.settings.entries[key]?.source {
            case nil, .commandLine, .byDefault: ""
            case .environment: " (\(key.environmentVariable))"
            case .environmentFile: " (\(key.environmentVariable) in .env)"
            case .file(let path): " (\(key.rawValue) in \(path))"
            }
        self.problems.append("\(key.flag)\(origin): \(message)")
    }

    /// Whether it was written anywhere.
    func isSet(_ key: SettingKey) -> Bool {
        self.settings.entries[key].map { $0.source != .byDefault } ?? false
    }

    /// As it was written.
    func text(_ key: SettingKey) -> String? {
        self.settings.entries[key]?.texts.last
    }

    /// All values of a repeatable setting.
    func list(_ key: SettingKey) -> [String] {
        self.settings.entries[key]?.texts ?? []
    }

    /// A text that must not be empty.
    mutating func nonEmpty(_ key: SettingKey) -> String? {
        guard let text = self.text(key) else { return nil }
        guard !text.isEmpty else {
            self.report(key, "is empty")
            return nil
        }
        return text
    }

    /// A whole number in the range of the table.
    mutating func integer(_ key: SettingKey) -> Int? {
        guard let text = self.text(key), case .integer(let range) = Setting.named(key).kind else { return nil }
        guard let number = Int(text), range.contains(number) else {
            self.report(key, "'\(text)' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    /// A duration in the range of the table.
    mutating func duration(_ key: SettingKey) -> Duration? {
        guard let text = self.text(key), case .duration(let range) = Setting.named(key).kind else { return nil }
        guard let duration = DurationText.parse(text) else {
            self.report(key, "'\(text)' is not a duration; write a number and a unit, as in 500ms, 5s, 2m or 1h")
            return nil
        }
        guard range.contains(duration) else {
            let (low, high) = (DurationText.format(range.lowerBound), DurationText.format(range.upperBound))
            self.report(key, "'\(text)' is not between \(low) and \(high)")
            return nil
        }
        return duration
    }

    /// Whether a flag is set.
    mutating func flag(_ key: SettingKey) -> Bool {
        guard let text = self.text(key) else { return false }
        guard let value = Self.boolean(text) else {
            self.report(key, "'\(text)' is neither true nor false")
            return false
        }
        return value
    }

    /// One word of a choice.
    mutating func choice<Word: RawRepresentable<String>>(_ key: SettingKey) -> Word? {
        guard let text = self.text(key), case .choice(let words) = Setting.named(key).kind else { return nil }
        if let word = Word(rawValue: text), words.contains(text) {
            return word
        }
        if !self.isNotYet(text, Setting.named(key)) {
            let nearest = NearestName.of(text, among: words) ?? ""
            self.report(
                key, "'\(text)' is none of \(words.joined(separator: ", ")); the nearest known one is \(nearest)")
        }
        return nil
    }

    /// Whether the whole text consists of `count` characters out of letters, digits and `others`.
    static func isName(_ text: String, _ count: ClosedRange<Int>, others: String = "") -> Bool {
        count.contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII && (Character(scalar).isLetter || Character(scalar).isNumber)
                    || others.unicodeScalars.contains(scalar)
            }
    }

    private static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }
}

// MARK: - Not yet

extension SettingReader {
    private mutating func reportUnavailable() {
        for setting in Setting.all where self.isSet(setting.key) {
            let texts = self.list(setting.key)
            switch setting.availability {
            case .notYet:
                guard !setting.isFlag || texts.contains(where: { Self.boolean($0) != false }) else { continue }
                self.report(setting.key, "not available yet")
            case .now:
                guard let text = texts.first(where: { self.isNotYet($0, setting) }) else { continue }
                // Of an address only the scheme: a password may follow.
                let shown = setting.isSecret ? setting.notYet.first { text.hasPrefix($0) } ?? "" : text
                self.report(setting.key, "'\(shown)' is not available yet\(Self.alternatives(setting))")
            }
        }
    }

    private func isNotYet(_ text: String, _ setting: Setting) -> Bool {
        setting.notYet.contains { text == $0 || (text.hasPrefix($0) && ($0.hasSuffix(":") || $0.hasSuffix("/"))) }
    }

    private static func alternatives(_ setting: Setting) -> String {
        guard case .choice(let words) = setting.kind else { return "" }
        return "; there is \(words.joined(separator: ", "))"
    }
}

// MARK: - Files

extension SettingReader {
    /// The path of a PEM file that can be read and holds an object of that kind.
    mutating func pemFile(_ key: SettingKey, holding label: String) -> String? {
        guard let path = self.nonEmpty(key), let text = self.fileText(key, path) else { return nil }
        guard text.contains("-----BEGIN"), text.contains(label) else {
            self.report(key, "\(path) holds no \(label) in PEM")
            return nil
        }
        return path
    }

    /// The text of a file.
    mutating func fileText(_ key: SettingKey) -> String? {
        guard let path = self.nonEmpty(key) else { return nil }
        return self.fileText(key, path)
    }

    private mutating func fileText(_ key: SettingKey, _ path: String) -> String? {
        do {
            return try SmallFile.readText(path)
        } catch {
            self.report(key, "\(path) cannot be read: \(error.reason)")
            return nil
        }
    }

    /// A secret from a setting or from the file that its sibling names: the one from the stronger source.
    mutating func secret(_ key: SettingKey, file fileKey: SettingKey) -> [UInt8]? {
        guard self.preferred(key, fileKey) == fileKey else { return self.nonEmpty(key).map { Array($0.utf8) } }
        guard let path = self.nonEmpty(fileKey) else { return nil }
        do {
            var secret = try SmallFile.read(path)
            if secret.last == UInt8(ascii: "\n") {
                secret.removeLast()
                if secret.last == UInt8(ascii: "\r") { secret.removeLast() }
            }
            guard !secret.isEmpty else {
                self.report(fileKey, "\(path) is empty")
                return nil
            }
            return secret
        } catch {
            self.report(fileKey, "\(path) cannot be read: \(error.reason)")
            return nil
        }
    }

    /// Of two settings that say the same thing, the one from the stronger source; both from one source contradict.
    mutating func preferred(_ first: SettingKey, _ second: SettingKey) -> SettingKey {
        let (one, other) = (self.strength(first), self.strength(second))
        if one == other, one > 0 {
            self.report(second, "says the same thing as \(first.flag): give one of them")
        }
        return other > one ? second : first
    }

    private func strength(_ key: SettingKey) -> Int {
        switch self.settings.entries[key]?.source {
        case nil, .byDefault: 0
        case .file: 1
        case .environmentFile: 2
        case .environment: 3
        case .commandLine: 4
        }
    }
}
