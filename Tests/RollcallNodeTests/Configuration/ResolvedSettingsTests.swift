// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallNode

@Suite struct ResolvedSettingsTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func resolve(
        _ arguments: [String] = [], _ environment: [String: String] = [:]
    ) throws -> ResolvedSettings {
        try ResolvedSettings(arguments: arguments, environment: environment, directory: self.directory.path)
    }

    private func entry(_ text: String, _ source: ResolvedSettings.Source) -> ResolvedSettings.Entry {
        .init(texts: [text], source: source)
    }

    @Test func flagsThenEnvironmentThenFileOfVariablesThenYAMLThenDefault() throws {
        let file = try self.directory.write("rollcall.yaml", "port: 5\nredis:\n  prefix: yaml\nadmin: {port: 55}\n")
        _ = try self.directory.write(".env", "ROLLCALL_PORT=4\nROLLCALL_REDIS_PREFIX=dot\n")
        let environment = ["ROLLCALL_PORT": "3", "ROLLCALL_CONFIG": file, "PATH": "/bin"]
        let settings = try self.resolve(["--port", "2"], environment)
        #expect(settings.problems == [])
        #expect(settings.entries[.port] == self.entry("2", .commandLine))
        #expect(settings.entries[.redisPrefix] == self.entry("dot", .environmentFile))
        #expect(settings.entries[.adminPort] == self.entry("55", .file(file)))
        #expect(settings.entries[.host] == self.entry("127.0.0.1", .byDefault))
        #expect(settings.entries[.redisURL] == nil)
        #expect(try self.resolve([], environment).entries[.port] == self.entry("3", .environment))
        #expect(try self.resolve(["--config", file], [:]).entries[.port] == self.entry("4", .environmentFile))
        _ = try self.directory.write(".env", "")
        #expect(try self.resolve(["--config", file], [:]).entries[.port] == self.entry("5", .file(file)))
    }

    @Test func listsInEveryPlace() throws {
        let file = try self.directory.write("a.yaml", "cors: {origin: [https://a, https://b]}\ngrant: broadcast\n")
        let fromFile = try self.resolve(["--config", file])
        #expect(fromFile.entries[.corsOrigin]?.texts == ["https://a", "https://b"])
        #expect(fromFile.entries[.grant]?.texts == ["broadcast"])
        let fromEnvironment = try self.resolve([], ["ROLLCALL_CORS_ORIGIN": "https://a, https://b"])
        #expect(fromEnvironment.entries[.corsOrigin]?.texts == ["https://a", "https://b"])
        let fromFlags = try self.resolve(["--cors-origin", "https://a", "--cors-origin=https://b"])
        #expect(fromFlags.entries[.corsOrigin]?.texts == ["https://a", "https://b"])
    }

    @Test func unknownVariables() throws {
        let settings = try self.resolve([], ["ROLLCALL_REDIS_ULR": "x", "ROLLCALLX": "y", "REDIS_URL": "z"])
        #expect(
            settings.problems == [
                "environment: unknown variable ROLLCALL_REDIS_ULR; the nearest known one is ROLLCALL_REDIS_URL"
            ])
        _ = try self.directory.write(".env", "ROLLCALL_HOTS=a\nOTHER=b\n")
        #expect(
            try self.resolve().problems == [
                ".env: unknown variable ROLLCALL_HOTS; the nearest known one is ROLLCALL_HOST"
            ])
    }

    @Test func emptyVariablesAndThoseOfKubernetesCountAsNone() throws {
        let settings = try self.resolve(
            [],
            [
                "ROLLCALL_REDIS_URL": "", "ROLLCALL_PORT": "tcp://10.0.0.1:3000", "ROLLCALL_SERVICE_HOST": "10.0.0.1",
                "ROLLCALL_SERVICE_PORT_HTTP": "3000", "ROLLCALL_PORT_3000_TCP_ADDR": "10.0.0.1",
            ])
        #expect(settings.problems == [])
        #expect(settings.entries[.redisURL] == nil)
        #expect(settings.entries[.port] == self.entry("3000", .byDefault))
    }

    @Test func theFileOfVariables() throws {
        _ = try self.directory.write(
            ".env",
            """
            # ROLLCALL_HOST=comment
            export ROLLCALL_NODE_ID="n 1"
              ROLLCALL_PORT = 7\r
            ROLLCALL_JWT_SECRET='a=b'
            ROLLCALL_PATH=/a
            ROLLCALL_PATH=/b
            not an assignment
            =nothing

            """)
        let settings = try self.resolve()
        #expect(settings.problems == [])
        #expect(settings.entries[.host]?.source == .byDefault)
        #expect(settings.entries[.nodeID]?.texts == ["n 1"])
        #expect(settings.entries[.port]?.texts == ["7"])
        #expect(settings.entries[.jwtSecret]?.texts == ["a=b"])
        #expect(settings.entries[.path]?.texts == ["/b"])
    }

    @Test func unknownYAMLKeysWithTheirLine() throws {
        let file = try self.directory.write(
            "a.yaml", "# comment\nprot: 1\nredis:\n  ulr: x\n  prefix: p\nadmin: {hots: y}\nconfig: z\n")
        #expect(
            try self.resolve(["--config", file]).problems == [
                "\(file), line 6: unknown setting admin.hots; the nearest known one is admin.host".replacing(
                    ", line 6", with: ""),
                "\(file), line 7: unknown setting config; the nearest known one is host",
                "\(file), line 2: unknown setting prot; the nearest known one is port",
                "\(file), line 4: unknown setting redis.ulr; the nearest known one is redis.url",
            ])
    }

    @Test func emptyFilesAndSectionsAreFine() throws {
        for text in ["", "\n# nothing\n", "redis:\n  # url: x\n", "{}"] {
            let file = try self.directory.write("a.yaml", text)
            #expect(try self.resolve(["--config", file]).problems == [])
        }
        let file = try self.directory.write("a.yaml", "redis: x\n")
        #expect(try self.resolve(["--config", file]).problems.count == 1)
    }

    @Test func filesThatAreNoYAMLAreNotQuoted() throws {
        let texts = [
            "jwt:\n  secret: \"hunter2\n", "- hunter2\n", "hunter2", "a: [hunter2", "port: {a: [{hunter2: b}]}",
            "port: 1\nport: hunter2",
        ]
        for text in texts {
            let file = try self.directory.write("a.yaml", text)
            let problems = try self.resolve(["--config", file]).problems
            #expect(problems.count == 1)
            #expect(
                problems.allSatisfy {
                    $0.hasPrefix("--config: \(file): ") && !$0.contains("\n") && !$0.contains("hunter2")
                })
        }
    }

    @Test func filesThatCannotBeRead() throws {
        let missing = "\(self.directory.path)/missing.yaml"
        #expect(
            try self.resolve(["--config", missing]).problems == [
                "--config: \(missing) cannot be read: No such file or directory"
            ])
        #expect(
            try self.resolve(["--config", self.directory.path]).problems == [
                "--config: \(self.directory.path) cannot be read: Is a directory"
            ])
        let binary = try self.directory.write("binary", [0xFF, 0xFE])
        #expect(
            try self.resolve(["--config", binary]).problems == [
                "--config: \(binary) cannot be read: it is not UTF-8 text"
            ])
        let large = try self.directory.write("large", [UInt8](repeating: 0x20, count: 1 << 20 + 1))
        #expect(
            try self.resolve(["--config", large]).problems == [
                "--config: \(large) cannot be read: it is larger than 1048576 bytes"
            ])
    }

    @Test func aListWhereOneValueBelongs() throws {
        let file = try self.directory.write("a.yaml", "port: [1, 2]\n")
        #expect(try self.resolve(["--config", file]).problems == ["--port (port in \(file)): takes one value"])
    }
}
