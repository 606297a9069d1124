// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import FoundationEssentials

/// `rollcall health`: whether the node is ready, for container health checks.
struct Health: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "Exit with 0 if the node is ready.")

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let answer = try await self.options.makeClient().send(.get, "/readyz")
        if self.options.json {
            print(String(decoding: answer.body, as: UTF8.self))
        } else if answer.status == 200 {
            print("ready")
        }
        guard answer.status == 200 else { throw CommandFailure("not ready: /readyz answered \(answer.status)") }
    }
}
