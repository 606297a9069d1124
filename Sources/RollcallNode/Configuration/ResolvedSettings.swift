// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Configuration

/// Every setting as it was written, from the place that counts: flags, then the environment, then `.env`, then the YAML
/// file, then the default.
package struct ResolvedSettings: Sendable {
    /// Where a value comes from.
    package enum Source: Equatable, Sendable, CustomStringConvertible {
        /// An argument.
        case commandLine
        /// A variable of the process.
        case environment
        /// A variable in the `.env` file of the working directory.
        case environmentFile
        /// The YAML file of that path.
        case file(String)
        /// The table of settings.
        case byDefault

        /// For `config print`.
        package var description: String {
            switch self {
            case .commandLine: "command line"
            case .environment: "environment"
            case .environmentFile: ".env"
            case .file(let path): path
            case .byDefault: "default"
            }
        }
    }

    /// A value with its source.
    package struct Entry: Equatable, Sendable {
        /// One text, or any number for a setting that is repeatable.
        package let texts: [String]
        /// Where it was found.
        package let source: Source
    }

    /// What is set, the defaults that are texts included.
    package private(set) var entries: [SettingKey: Entry] = [:]
    /// One line for each name that does not exist and each file that cannot be used.
    package private(set) var problems: [String] = []

    /// Collects all settings.
    ///
    /// - Parameters:
    ///   - arguments: what stands behind the command's name.
    ///   - environment: the variables of the process.
    ///   - directory: where a `.env` file is looked for.
    /// - Throws: if the arguments themselves make no sense; everything else is in ``problems``.
    package init(
        arguments: [String], environment: [String: String], directory: String = "."
    ) throws(UsageError) {
        let commandLine = try CommandLineSettings(arguments)
        self.take(from: Self.snapshot(of: commandLine), .commandLine)
        self.takeVariables(environment, .environment)
        self.takeVariables(self.readEnvironmentFile(in: directory), .environmentFile)
        if let path = self.entries[.config]?.texts.first {
            self.takeFile(path)
        }
        for setting in Setting.all where self.entries[setting.key] == nil {
            guard case .value(let text) = setting.byDefault else { continue }
            self.entries[setting.key] = Entry(texts: [text], source: .byDefault)
        }
    }

    private mutating func take(from snapshot: any ConfigSnapshot, _ source: Source) {
        for setting in Setting.all where self.entries[setting.key] == nil {
            let key = AbsoluteConfigKey(setting.key.rawValue.split(separator: ".").map(String.init))
            do {
                guard let texts = try Self.texts(of: setting, key, in: snapshot) else { continue }
                self.entries[setting.key] = Entry(texts: texts, source: source)
            } catch {
                self.problems.append("\(setting.key.flag) (\(setting.key.rawValue) in \(source)): takes one value")
            }
        }
    }

    private static func texts(
        of setting: Setting, _ key: AbsoluteConfigKey, in snapshot: any ConfigSnapshot
    ) throws -> [String]? {
        // A list may also be written as one text, which some providers then refuse to call a list.
        if setting.isRepeatable, let result = try? snapshot.value(forKey: key, type: .stringArray),
            case .stringArray(let texts)? = result.value?.content
        {
            return texts
        }
        guard case .string(let text)? = try snapshot.value(forKey: key, type: .string).value?.content else {
            return nil
        }
        return [text]
    }

    private static func snapshot(of commandLine: CommandLineSettings) -> any ConfigSnapshot {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, texts) in commandLine.values {
            let content: ConfigContent =
                Setting.named(key).isRepeatable ? .stringArray(texts) : .string(texts.last ?? "")
            values[AbsoluteConfigKey(key.rawValue.split(separator: ".").map(String.init))] = ConfigValue(
                content, isSecret: Setting.named(key).isSecret)
        }
        return InMemoryProvider(name: "command line", values: values).snapshot()
    }
}

// MARK: - Environment

extension ResolvedSettings {
    private mutating func takeVariables(_ variables: [String: String], _ source: Source) {
        let prefix = SettingKey.environmentPrefix + "_"
        let known = SettingKey.allCases.map(\.environmentVariable)
        // An empty variable counts as none: that is what `NAME=${OTHER:-}` means in a compose file.
        let ours = variables.filter {
            $0.key.hasPrefix(prefix) && !$0.value.isEmpty && !Self.isServiceLink($0.key, $0.value)
        }
        for name in ours.keys.sorted() where !known.contains(name) {
            let nearest = NearestName.of(name, among: known.map { $0.lowercased() })?.uppercased() ?? ""
            self.problems.append("\(source): unknown variable \(name); the nearest known one is \(nearest)")
        }
        let provider = EnvironmentVariablesProvider(environmentVariables: ours)
            .prefixKeys(with: ConfigKey([SettingKey.environmentPrefix.lowercased()]))
        self.take(from: provider.snapshot(), source)
    }

    /// Kubernetes puts variables of its own into every pod beside a service that is named like this program:
    /// `ROLLCALL_SERVICE_HOST`, `ROLLCALL_PORT=tcp://10.0.0.1:3000`, `ROLLCALL_PORT_3000_TCP_ADDR`. They are not meant
    /// for us.
    private static func isServiceLink(_ name: String, _ value: String) -> Bool {
        name.contains("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || name.contains("_PORT_")
            || (name.hasSuffix("_PORT") && (value.hasPrefix("tcp://") || value.hasPrefix("udp://")))
    }

    private mutating func readEnvironmentFile(in directory: String) -> [String: String] {
        do {
            return EnvironmentFile(try SmallFile.readText("\(directory)/.env")).variables
        } catch {
            if !error.isMissing {
                self.problems.append(".env: cannot be read: \(error.reason)")
            }
            return [:]
        }
    }
}

// MARK: - YAML

extension ResolvedSettings {
    private mutating func takeFile(_ path: String) {
        let yaml: YAMLSettings
        do {
            yaml = try YAMLSettings(SmallFile.readText(path))
        } catch let failure as SmallFile.Failure {
            self.problems.append("--config: \(path) cannot be read: \(failure.reason)")
            return
        } catch {
            self.problems.append(
                "--config: \(path): \((error as? YAMLSettings.Failure)?.description ?? "it is not YAML")")
            return
        }
        let known = SettingKey.allCases.filter { $0 != .config }.map(\.rawValue)
        for key in yaml.keys where !known.contains(key) && !Self.isEmptySection(key, yaml, known) {
            let nearest = NearestName.of(key, among: known) ?? ""
            self.problems.append(
                "\(path)\(yaml.place(of: key)): unknown setting \(key); the nearest known one is \(nearest)")
        }
        self.take(from: yaml.snapshot, .file(path))
    }

    /// `redis:` with all its lines commented out.
    private static func isEmptySection(_ key: String, _ yaml: YAMLSettings, _ known: [String]) -> Bool {
        let path = AbsoluteConfigKey(key.split(separator: ".").map(String.init))
        let content = try? yaml.snapshot.value(forKey: path, type: .string).value?.content
        return content == .string("") && known.contains { $0.hasPrefix(key + ".") }
    }
}
