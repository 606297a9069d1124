// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import RollcallNode

/// `rollcall config`: looks at a configuration without starting anything.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check, show and explain the configuration.",
        subcommands: [Check.self, Print.self, Docs.self])

    /// `config check`: says what `serve` with the same settings would refuse.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Check the settings that serve would use.",
            usage: "rollcall config check [the flags of serve]")

        @Argument(parsing: .captureForPassthrough, help: .hidden) var settings: [String] = []

        func run() throws {
            let configuration = try Settings.load(self.settings, for: .node, of: Self.self)
            Output.complain(configuration.warnings.map { "warning: \($0)" })
            print("configuration is valid")
        }
    }

    /// `config print`: shows each value and where it comes from.
    struct Print: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "print", abstract: "Show each setting and where it comes from; secrets are not shown.",
            usage: "rollcall config print [--json] [the flags of serve]")

        @Argument(parsing: .captureForPassthrough, help: .hidden) var settings: [String] = []

        func run() throws {
            let settings = try Settings.resolve(self.settings.filter { $0 != "--json" }, of: Self.self)
            let report = ConfigurationReport(settings)
            if self.settings.contains("--json") {
                try Output.json(report.lines.map { ["setting": $0.key, "value": $0.value, "source": $0.source] })
            } else {
                print(report.text, terminator: "")
            }
            // What is wrong is said behind what is there: it is usually looked at to find out why.
            _ = try NodeConfiguration(settings, for: .tool)
        }
    }

    /// `config docs`: the documentation of all settings.
    struct Docs: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "docs", abstract: "Print the documentation of all settings as Markdown.")

        func run() {
            print(ConfigurationDocument.markdown, terminator: "")
        }
    }
}
