// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import Testing

@Suite final class CommandTests {
    private let rollcall: RollcallProcess

    init() throws {
        self.rollcall = try RollcallProcess()
    }

    deinit {
        self.rollcall.remove()
    }

    private static let secret = "--jwt-secret=0123456789abcdef0123456789abcdef"

    @Test func help() throws {
        for result in [try self.rollcall.run(), try self.rollcall.run("--help"), try self.rollcall.run("help")] {
            #expect(result.exitCode == 0 && result.output.contains("SUBCOMMANDS"))
            #expect(result.errors.isEmpty)
        }
        for result in [try self.rollcall.run("serve", "--help"), try self.rollcall.run("serve", "--port", "1", "-h")] {
            #expect(result.exitCode == 0 && result.errors.isEmpty)
            #expect(result.output.contains("--redis-url URL") && result.output.contains("--drain-duration DURATION"))
        }
        #expect(try self.rollcall.run("config", "check", "--help").exitCode == 0)
    }

    @Test func version() throws {
        #expect(try self.rollcall.run("version").output.hasPrefix("rollcall "))
        #expect(try self.rollcall.run("--version").exitCode == 0)
        #expect(try self.rollcall.run("version", "--json").output.hasPrefix("{\"version\":\""))
    }

    @Test func usageErrorsAreOneLineAndExit64() throws {
        let expectations: [([String], String)] = [
            (["serv"], "rollcall: unknown command 'serv'; the nearest known one is serve"),
            (["config", "chek"], "rollcall: unknown command 'chek'; the nearest known one is check"),
            (["serve", "--prot", "1"], "rollcall: unknown flag --prot; the nearest known one is --port"),
            (
                ["config", "check", "--redis-uri=x"],
                "rollcall: unknown flag --redis-uri; the nearest known one is --redis-url"
            ),
            (["serve", "--port"], "rollcall: --port needs a value, as in --port=N"),
            (["serve", "now"], "rollcall: unexpected argument 'now': settings are flags, as in --port 3000"),
            (["presence", "list", "--jsno"], "rollcall: Unknown option '--jsno'. Did you mean '--json'?"),
            (["token", "create", "--usr", "u"], "rollcall: Unknown option '--usr'. Did you mean '--user'?"),
            (["token", "create"], "rollcall: --user is needed"),
            (
                ["token", "create", "--user", "u", "--ttl", "1"],
                "rollcall: --ttl: '1' is not a duration of at least 1s, as in 30s, 5m or 1h"
            ),
            (
                ["token", "create", "--user", "u", "--grant", "x", Self.secret],
                "rollcall: --grant: 'x' is none of join:PATTERN, send:PATTERN, broadcast, all"
            ),
            (["emit", "e", "hello"], "rollcall: 'hello' is not JSON; a text is written with its quotes: '\"hello\"'"),
        ]
        for (arguments, line) in expectations {
            let result = try self.rollcall.run(arguments)
            #expect(result.errorLines == [line])
            #expect(result.exitCode == 64 && result.output.isEmpty)
        }
        #expect(try self.rollcall.run(["token", "create", "--user", "", Self.secret]).exitCode == 64)
        #expect(try self.rollcall.run(["presence", "get"]).exitCode == 64)
    }

    @Test func configurationErrorsAreOneLineEachAndExit78() throws {
        for command in [["serve"], ["config", "check"]] {
            let result = try self.rollcall.run(command + [Self.secret, "--adapter", "sharded", "--lease", "1s"])
            #expect(
                result.errorLines == [
                    "rollcall: --adapter: 'sharded' is not available yet; there is classic",
                    "rollcall: --lease: 1s is too short; the least is 2s",
                ])
            #expect(result.exitCode == 78 && result.output.isEmpty)
        }
        let keyless = try self.rollcall.run("serve")
        #expect(keyless.exitCode == 78 && keyless.errorLines.count == 1)
        #expect(keyless.errors.hasPrefix("rollcall: --jwt-secret: no key that tells users apart"))
        let top = try self.rollcall.run("top", "--interval", "1s")
        #expect(top.exitCode == 78 && top.errorLines == ["rollcall: top: not available yet"])
        let unknown = try self.rollcall.run("config", "check", Self.secret, environment: ["ROLLCALL_PROT": "1"])
        #expect(unknown.exitCode == 78)
        #expect(
            unknown.errorLines == [
                "rollcall: environment: unknown variable ROLLCALL_PROT; the nearest known one is ROLLCALL_PORT"
            ])
        let registry = try self.rollcall.run("registry", "init")
        #expect(registry.exitCode == 78 && registry.errors.hasPrefix("rollcall: --redis-url: "))
        #expect(try self.rollcall.run("health", "--admin-port", "0").exitCode == 78)
    }

    @Test func configCheck() throws {
        let file = try self.rollcall.write("a.yaml", "jwt:\n  secret: short\n")
        let result = try self.rollcall.run("config", "check", "--config", file)
        #expect(result.exitCode == 0 && result.output == "configuration is valid\n")
        #expect(
            result.errorLines == ["rollcall: warning: --jwt-secret has only 5 bytes; RFC 7518 asks for at least 32"])
    }

    @Test func configPrint() throws {
        _ = try self.rollcall.write(".env", "ROLLCALL_ADMIN_TOKEN=hunter2\n")
        let arguments = [
            "config", "print", "--port=1", "--json", "--jwt-secret", "hunter2", "--redis-url=redis://u:hunter2@h",
        ]
        let result = try self.rollcall.run(arguments)
        #expect(result.exitCode == 0 && !result.output.contains("hunter2"))
        let lines = try JSONDecoder().decode([[String: String]].self, from: Data(result.output.utf8))
        #expect(lines.contains(["setting": "port", "value": "1", "source": "command line"]))
        #expect(lines.contains(["setting": "admin.token", "value": "•••", "source": ".env"]))
        #expect(lines.contains(["setting": "redis.url", "value": "redis://•••@h", "source": "command line"]))
        let wrong = try self.rollcall.run("config", "print", "--port", "x")
        #expect(wrong.exitCode == 78 && wrong.output.contains("port") && wrong.errorLines.count == 1)
    }

    @Test func configDocs() throws {
        let result = try self.rollcall.run("config", "docs")
        #expect(result.exitCode == 0 && result.output.hasPrefix("# Configuration\n"))
    }

    @Test func tokens() throws {
        let environment = ["ROLLCALL_JWT_SECRET": "0123456789abcdef0123456789abcdef", "ROLLCALL_JWT_ISSUER": "me"]
        let arguments = [
            "token", "create", "--user", "가 1", "--ttl", "30s", "--grant", "join:chat.*", "--grant", "broadcast",
        ]
        let created = try self.rollcall.run(arguments, environment: environment)
        #expect(created.exitCode == 0 && created.errors.isEmpty)
        let token = created.output.trimmingCharacters(in: .newlines)
        let verified = try self.rollcall.run("token", "verify", token, environment: environment)
        #expect(verified.exitCode == 0 && verified.output.contains("user     가 1\n"))
        #expect(verified.output.contains(#"grants   {"join":["chat.*"],"broadcast":true}"#))
        let json = try self.rollcall.run("token", "verify", "--json", token, environment: environment)
        #expect(json.output.hasPrefix(#"{"sub":"가 1","iat":"#))
        let other = try self.rollcall.run("token", "verify", token, "--jwt-secret", "x")
        #expect(other.exitCode == 1)
        #expect(other.errorLines == ["rollcall: TOKEN_INVALID: The token's signature is not valid."])
        let keyless = try self.rollcall.run("token", "create", "--user", "u")
        #expect(keyless.exitCode == 78 && keyless.errorLines.count == 1)
        #expect(try self.rollcall.run("token", "verify", token).exitCode == 78)
        #expect(
            try self.rollcall.run(["token", "create", "--user", "u", "--json"], environment: environment).output
                .hasPrefix(#"{"expiresAt":"#))
    }
}
