// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import RollcallNode

/// `rollcall registry`: looks after the user registry in Redis.
struct Registry: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry", abstract: "Look after the user registry.", subcommands: [Initialize.self])

    /// `registry init`: for a new cluster.
    struct Initialize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract:
                "Create the registry of a new cluster, so that its first clients need not wait; refuses if it exists.",
            usage: "rollcall registry init --redis-url URL [the flags of serve]")

        @Argument(parsing: .captureForPassthrough, help: .hidden) var settings: [String] = []

        func run() async throws {
            let configuration = try Settings.load(self.settings, for: .tool, of: Self.self)
            guard configuration.redis != nil else {
                throw ConfigurationError(problems: ["--redis-url: missing; the registry is in Redis"])
            }
            LoggingSetup.bootstrap(level: configuration.log.level, format: configuration.log.format)
            try await Node.initializeRegistry(configuration)
            print("registry created")
        }
    }
}
