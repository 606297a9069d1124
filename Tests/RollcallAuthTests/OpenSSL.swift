// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation

/// The command `openssl`: keys made by somebody else's code.
enum OpenSSL {
    struct Failure: Error {}

    static func run(_ arguments: String..., input: String = "") throws -> String {
        try Self.run(arguments, input: input)
    }

    static func publicKey(of privateKey: String) throws -> String {
        try Self.run(["pkey", "-pubout"], input: privateKey)
    }

    private static func run(_ arguments: [String], input: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let (standardInput, standardOutput) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = standardOutput
        process.standardError = FileHandle.nullDevice
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let output = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure() }
        return String(decoding: output, as: UTF8.self)
    }
}
