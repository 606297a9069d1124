// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Runs the built program with arguments and an environment of its own.
struct RollcallProcess {
    struct Result {
        let exitCode: Int32
        let output: String
        let errors: String

        var errorLines: [String] { self.errors.split(separator: "\n").map(String.init) }
    }

    /// A folder without a `.env` file unless the test writes one.
    let directory: URL

    init() throws {
        self.directory = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
    }

    func run(_ arguments: String..., environment: [String: String] = [:]) throws -> Result {
        try self.run(arguments, environment: environment)
    }

    func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Result {
        let process = Process()
        process.executableURL = try Self.executable()
        process.arguments = arguments
        process.environment = environment.merging(["PATH": "/usr/bin:/bin"]) { own, _ in own }
        process.currentDirectoryURL = self.directory
        let (output, errors) = (
            self.directory.appendingPathComponent("out"), self.directory.appendingPathComponent("err")
        )
        for file in [output, errors] {
            try Data().write(to: file)
        }
        // Files, not pipes: whatever the program writes, it never waits for us.
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return try Result(
            exitCode: process.terminationStatus, output: String(contentsOf: output, encoding: .utf8),
            errors: String(contentsOf: errors, encoding: .utf8))
    }

    func write(_ name: String, _ text: String) throws -> String {
        let url = self.directory.appendingPathComponent(name)
        try Data(text.utf8).write(to: url)
        return url.path
    }

    func remove() {
        try? FileManager.default.removeItem(at: self.directory)
    }

    /// The program is built beside the tests: under the product's name, or under the target's where a build of some
    /// targets leaves the products out.
    private static func executable() throws -> URL {
        let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let candidates = ["rollcall", "RollcallCLI"].map { folder.appendingPathComponent($0) }
        return try #require(candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) })
    }
}
