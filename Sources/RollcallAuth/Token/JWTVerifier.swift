// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Checks JSON Web Tokens (RFC 7519, RFC 8725).
///
/// The algorithm in a token's header chooses nothing: it must be one that the configured key is for, so neither `none`
/// nor an HMAC made with the text of a public key ever passes. Tokens of a shared secret are checked without leaving
/// the caller's thread (``verifySynchronously(_:now:)``); the asymmetric ones cost tens of microseconds and run on
/// the global executor.
package final class JWTVerifier: Sendable {
    private let secret: SecretVerifier?
    private let publicKey: PublicKeyVerifier?
    private let rules: ClaimRules
    private let maximumTokenSize: Int

    /// Creates a verifier.
    ///
    /// - Throws: if there is no key, or one that cannot be used.
    package init(_ configuration: JWTConfiguration) throws(JWTConfigurationError) {
        guard configuration.secret != nil || configuration.publicKey != nil else { throw .keyMissing }
        if let secret = configuration.secret {
            guard !secret.isEmpty else { throw .secretEmpty }
            self.secret = SecretVerifier(secret: secret)
        } else {
            self.secret = nil
        }
        if let pem = configuration.publicKey {
            self.publicKey = try PublicKeyVerifier(pem: pem)
        } else {
            self.publicKey = nil
        }
        self.rules = ClaimRules(configuration)
        self.maximumTokenSize = configuration.maximumTokenSize
    }

    /// Checks a token.
    ///
    /// - Parameters:
    ///   - token: the compact serialization; `nil` or empty is refused as missing.
    ///   - now: seconds since 1970.
    package func verify(_ token: String?, now: Int64 = UnixTime.now) async throws(TokenError) -> VerifiedToken {
        let parsed = try self.parse(token)
        guard !parsed.algorithm.isSymmetric else { return try self.verifySecret(parsed, now: now) }
        guard let publicKey = self.publicKey, publicKey.algorithm == parsed.algorithm else { throw .algorithm }
        guard await publicKey.isValid(parsed.signature, for: parsed.signed, algorithm: parsed.algorithm) else {
            throw .signature
        }
        return try self.rules.check(parsed.payload, now: now)
    }

    /// Checks a token where it can be done at once.
    ///
    /// - Returns: `nil` if the token names an asymmetric algorithm that the configuration has a key for; then
    ///   ``verify(_:now:)`` has the answer.
    package func verifySynchronously(
        _ token: String?, now: Int64 = UnixTime.now
    ) throws(TokenError) -> VerifiedToken? {
        let parsed = try self.parse(token)
        guard parsed.algorithm.isSymmetric else {
            guard parsed.algorithm == self.publicKey?.algorithm else { throw .algorithm }
            return nil
        }
        return try self.verifySecret(parsed, now: now)
    }

    private func verifySecret(_ token: ParsedToken, now: Int64) throws(TokenError) -> VerifiedToken {
        guard let secret = self.secret else { throw .algorithm }
        guard secret.isValid(token.signature, for: token.signed, algorithm: token.algorithm) else { throw .signature }
        return try self.rules.check(token.payload, now: now)
    }

    private func parse(_ token: String?) throws(TokenError) -> ParsedToken {
        guard let token, !token.isEmpty else { throw .missing }
        guard token.utf8.count <= self.maximumTokenSize else { throw .oversized }
        return try ParsedToken(Array(token.utf8))
    }
}
