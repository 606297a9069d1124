// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import RollcallNode

/// `rollcall top`, whose place is taken.
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch a cluster (not available yet).")

    @Argument(parsing: .captureForPassthrough, help: .hidden) var arguments: [String] = []

    func run() throws {
        throw ConfigurationError(problems: ["top: not available yet"])
    }
}
