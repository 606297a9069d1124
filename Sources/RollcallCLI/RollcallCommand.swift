// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import FoundationEssentials
import RollcallNode

/// `rollcall`: the node and its tools.
@main
struct RollcallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollcall",
        abstract: "A Socket.IO cluster node that admits each user once.",
        discussion: """
            Settings come from flags, environment variables (ROLLCALL_…), a file .env and a YAML file (--config); \
            'rollcall config docs' lists them.

            Exit codes: 0 clean, 64 usage, 78 configuration, 1 otherwise.
            """,
        version: RollcallVersion.current,
        subcommands: [
            Serve.self, Config.self, Token.self, Presence.self, Emit.self, Registry.self, Health.self, Top.self,
            Version.self,
        ])

    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            try Self.checkCommandNames(arguments)
            var command = try await Self.asyncParseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Self.end(with: error)
        }
    }

    /// The argument parser only says that a word was unexpected.
    private static func checkCommandNames(_ arguments: [String]) throws(UsageError) {
        var commands = Self.configuration.subcommands
        for argument in arguments {
            guard !commands.isEmpty, !argument.hasPrefix("-"), argument != "help" else { return }
            let names = commands.compactMap { $0.configuration.commandName }
            guard let command = commands.first(where: { $0.configuration.commandName == argument }) else {
                let nearest = NearestName.of(argument, among: names) ?? ""
                throw .message("unknown command '\(argument)'; the nearest known one is \(nearest)")
            }
            commands = command.configuration.subcommands
        }
    }

    /// One line per problem on standard error, or the help that was asked for on standard output.
    private static func end(with error: any Error) -> Never {
        switch error {
        case let error as ConfigurationError:
            Output.complain(error.problems)
            Self.exit(78)
        case let error as UsageError:
            Output.complain([error.description])
            Self.exit(64)
        case let error as CommandFailure:
            Output.complain([error.message])
            Self.exit(error.exitCode)
        default:
            let code = Self.exitCode(for: error)
            if code == .success {
                print(Self.fullMessage(for: error))
            } else if code == .validationFailure {
                Output.complain(Self.message(for: error).split(separator: "\n").map(String.init))
            } else {
                Output.complain(["\(error)"])
            }
            Self.exit(code.rawValue)
        }
    }

    private static func exit(_ code: Int32) -> Never {
        Self.exit(withError: ExitCode(code))
    }
}

/// A command that could not do what it was asked to, with one line that says why.
struct CommandFailure: Error {
    let message: String
    var exitCode: Int32 = 1

    init(_ message: String, exitCode: Int32 = 1) {
        self.message = message
        self.exitCode = exitCode
    }
}
