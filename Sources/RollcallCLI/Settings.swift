// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import FoundationEssentials
import RollcallNode

/// How commands come to their configuration.
enum Settings {
    /// All settings as they are written, from arguments, environment, `.env` and file.
    static func resolve(_ arguments: [String]) throws -> ResolvedSettings {
        do {
            return try ResolvedSettings(arguments: arguments, environment: ProcessInfo.processInfo.environment)
        } catch .helpRequested {
            throw CleanExit.helpRequest()
        } catch {
            throw error
        }
    }

    /// The checked configuration.
    static func load(_ arguments: [String], for purpose: NodeConfiguration.Purpose) throws -> NodeConfiguration {
        try NodeConfiguration(Self.resolve(arguments), for: purpose)
    }

    /// The same for a command whose arguments are all settings.
    static func load<Command: ParsableCommand>(
        _ arguments: [String], for purpose: NodeConfiguration.Purpose, of command: Command.Type
    ) throws -> NodeConfiguration {
        try NodeConfiguration(Self.resolve(arguments, of: command), for: purpose)
    }

    /// The same for a command whose arguments are all settings, so that it has to notice `--help` by itself.
    static func resolve<Command: ParsableCommand>(_ arguments: [String], of command: Command.Type) throws
        -> ResolvedSettings
    {
        do {
            return try ResolvedSettings(arguments: arguments, environment: ProcessInfo.processInfo.environment)
        } catch .helpRequested {
            throw CleanExit.helpRequest(command)
        } catch {
            throw error
        }
    }

    /// What the table says of a setting.
    static func help(_ key: SettingKey) -> ArgumentHelp {
        ArgumentHelp(stringLiteral: Setting.named(key).help)
    }

    /// `--flag=value` for each one that was given.
    static func arguments(_ values: [(key: SettingKey, value: String?)]) -> [String] {
        values.compactMap { key, value in value.map { "\(key.flag)=\($0)" } }
    }
}

/// The settings that say how to reach a node's admin endpoint.
struct AdminOptions: ParsableArguments {
    @Option(help: "YAML file with settings.") var config: String?
    @Option(help: Settings.help(.adminHost)) var adminHost: String?
    @Option(help: Settings.help(.adminPort)) var adminPort: String?
    @Option(help: Settings.help(.adminToken)) var adminToken: String?
    @Option(help: Settings.help(.adminTokenFile)) var adminTokenFile: String?
    @Flag(help: "JSON for machines.") var json = false

    func makeClient() throws -> AdminClient {
        let arguments = Settings.arguments([
            (.config, self.config), (.adminHost, self.adminHost), (.adminPort, self.adminPort),
            (.adminToken, self.adminToken), (.adminTokenFile, self.adminTokenFile),
        ])
        return try AdminClient(Settings.load(arguments, for: .tool).admin)
    }
}

/// The settings that say which tokens are accepted.
struct TokenOptions: ParsableArguments {
    @Option(help: "YAML file with settings.") var config: String?
    @Option(help: Settings.help(.jwtSecret)) var jwtSecret: String?
    @Option(help: Settings.help(.jwtSecretFile)) var jwtSecretFile: String?
    @Option(help: Settings.help(.jwtPublicKey)) var jwtPublicKey: String?
    @Option(help: Settings.help(.jwtIssuer)) var jwtIssuer: String?
    @Option(help: Settings.help(.jwtAudience)) var jwtAudience: String?
    @Option(help: Settings.help(.jwtLeeway)) var jwtLeeway: String?
    @Flag(help: "JSON for machines.") var json = false

    func load() throws -> NodeConfiguration.Authentication {
        let arguments = Settings.arguments([
            (.config, self.config), (.jwtSecret, self.jwtSecret), (.jwtSecretFile, self.jwtSecretFile),
            (.jwtPublicKey, self.jwtPublicKey), (.jwtIssuer, self.jwtIssuer), (.jwtAudience, self.jwtAudience),
            (.jwtLeeway, self.jwtLeeway),
        ])
        return try Settings.load(arguments, for: .tool).authentication
    }
}
