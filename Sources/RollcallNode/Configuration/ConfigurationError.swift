// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What is wrong with a configuration: all of it, one line each. The process ends with exit code 78.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One line per problem, each naming its setting; none holds a secret.
    package let problems: [String]

    /// An error with these lines.
    package init(problems: [String]) {
        self.problems = problems
    }

    /// All lines.
    package var description: String {
        self.problems.joined(separator: "\n")
    }
}

/// Arguments that make no sense, whatever the configuration says. The process ends with exit code 64.
package enum UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `--help` or `-h` stands among the settings.
    case helpRequested
    /// One line that names the argument.
    case message(String)

    /// The line.
    package var description: String {
        switch self {
        case .helpRequested: "help requested"
        case .message(let message): message
        }
    }
}
