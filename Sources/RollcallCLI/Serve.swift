// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import Logging
import RollcallNode

/// `rollcall serve`: runs a node until SIGTERM.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run a node.",
        usage: "rollcall serve [--jwt-secret-file FILE] [--redis-url URL] [--port N] …",
        discussion: "\n" + ConfigurationDocument.flags())

    @Argument(parsing: .captureForPassthrough, help: .hidden) var settings: [String] = []

    func run() async throws {
        let configuration = try Settings.load(self.settings, for: .node, of: Self.self)
        LoggingSetup.bootstrap(level: configuration.log.level, format: configuration.log.format)
        let logger = Logger(label: "rollcall")
        for warning in configuration.warnings {
            logger.warning("\(warning)")
        }
        try await Node.run(configuration)
    }
}
