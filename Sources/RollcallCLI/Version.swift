// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import RollcallNode

/// `rollcall version`.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Show the version.")

    @Flag(help: "JSON for machines.") var json = false

    func run() throws {
        if self.json {
            try Output.json(["version": RollcallVersion.current])
        } else {
            print("rollcall \(RollcallVersion.current)")
        }
    }
}
