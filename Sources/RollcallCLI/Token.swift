// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import FoundationEssentials
import NIOCore
import RollcallAuth
import RollcallNode

/// `rollcall token`: makes and checks tokens with the node's own configuration.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Create and verify tokens.", subcommands: [Create.self, Verify.self])

    /// `token create`: an HS256 token, for development and tests.
    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Create a token, signed with jwt.secret (HS256).")

        @Option(help: "The user id.") var user: String?
        @Option(help: ArgumentHelp("How long the token is valid.", valueName: "duration")) var ttl = "1h"
        @Option(help: ArgumentHelp("join:PATTERN, send:PATTERN, broadcast or all; repeatable.", valueName: "grant"))
        var grant: [String] = []
        @OptionGroup var options: TokenOptions

        func run() throws {
            // Not left to the parser, which would name what is missing before what is misspelt.
            guard let user = self.user else { throw UsageError.message("--user is needed") }
            guard let timeToLive = DurationText.parse(self.ttl), timeToLive >= .seconds(1) else {
                throw UsageError.message("--ttl: '\(self.ttl)' is not a duration of at least 1s, as in 30s, 5m or 1h")
            }
            let configuration = try self.options.load().jwt
            guard let issuer = try? TokenIssuer(configuration) else {
                throw ConfigurationError(problems: ["--jwt-secret: nothing to sign with; give it, or --jwt-secret-file"]
                )
            }
            let now = UnixTime.now
            guard
                let token = issuer.token(user: user, timeToLive: timeToLive, grants: try self.grants(), now: now)
            else { throw UsageError.message("--user: a user id has 1 to 256 bytes and no control characters") }
            guard self.options.json else { return print(token) }
            try Output.json(Created(token: token, user: user, expiresAt: now + timeToLive.components.seconds))
        }

        private func grants() throws(UsageError) -> Grants? {
            guard !self.grant.isEmpty else { return nil }
            var grants = Grants()
            for text in self.grant {
                do {
                    try grants.add(text)
                } catch {
                    throw .message("--grant: \(error)")
                }
            }
            return grants
        }

        private struct Created: Encodable {
            let token: String
            let user: String
            let expiresAt: Int64
        }
    }

    /// `token verify`: what a node would say to a token.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Say what a node with the same settings says to a token.")

        @Argument(help: "The token.") var token: String
        @OptionGroup var options: TokenOptions

        func run() async throws {
            let configuration = try self.options.load().jwt
            let verifier: JWTVerifier
            do {
                verifier = try JWTVerifier(configuration)
            } catch {
                throw ConfigurationError(problems: [
                    "--jwt-secret: nothing to verify with; give it, --jwt-secret-file or --jwt-public-key"
                ]
                )
            }
            do {
                try self.show(await verifier.verify(self.token))
            } catch let error as TokenError {
                if self.options.json {
                    try Output.json(["code": error.code.rawValue, "message": error.message])
                }
                throw CommandFailure(error.description)
            }
        }

        private func show(_ token: VerifiedToken) throws {
            let claims = String(buffer: token.claims)
            if self.options.json {
                return print(claims)
            }
            let now = UnixTime.now
            print("user     \(Output.plain(token.user))")
            print("expires  \(token.expiresAt.map { "in \($0 - now) s" } ?? "never")")
            print("grants   \(token.grants.map(\.claim) ?? "those of the node")")
            print("claims   \(Output.plain(claims))")
        }
    }
}
