// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Crypto

/// Makes HS256 tokens that ``JWTVerifier`` accepts: for development, for tests, for `rollcall token create`.
package struct TokenIssuer: Sendable {
    private let code: HMAC<SHA256>
    private let issuer: String?
    private let audience: String?

    /// Creates an issuer from the secret, issuer and audience of a configuration.
    ///
    /// - Throws: if it holds no secret: public keys do not sign.
    package init(_ configuration: JWTConfiguration) throws(JWTConfigurationError) {
        guard let secret = configuration.secret else { throw .keyMissing }
        guard !secret.isEmpty else { throw .secretEmpty }
        self.code = HMAC(key: SymmetricKey(data: secret))
        self.issuer = configuration.issuer
        self.audience = configuration.audience
    }

    /// Makes a token.
    ///
    /// - Parameters:
    ///   - user: the claim `sub`; `nil` is returned if it is not a user id (1 to 256 bytes, no control characters).
    ///   - timeToLive: from `now` to `exp`, whole seconds; without one the token never expires.
    ///   - grants: the claim `rollcall`.
    ///   - now: seconds since 1970.
    package func token(
        user: String, timeToLive: Duration?, grants: Grants? = nil, now: Int64 = UnixTime.now
    ) -> String? {
        guard ClaimRules.isUserID(user) else { return nil }
        var members = ["\"sub\":\(TokenJSON.quote(user))", "\"iat\":\(now)"]
        if let timeToLive {
            members.append("\"exp\":\(now + timeToLive.components.seconds)")
        }
        if let issuer = self.issuer {
            members.append("\"iss\":\(TokenJSON.quote(issuer))")
        }
        if let audience = self.audience {
            members.append("\"aud\":\(TokenJSON.quote(audience))")
        }
        if let grants {
            members.append("\"rollcall\":\(grants.claim)")
        }
        return self.sign("{\(members.joined(separator: ","))}")
    }

    private func sign(_ claims: String) -> String {
        var text: [UInt8] = []
        Base64URL.encode(#"{"alg":"HS256","typ":"JWT"}"#.utf8, into: &text)
        text.append(UInt8(ascii: "."))
        Base64URL.encode(claims.utf8, into: &text)
        var code = self.code
        code.update(data: text)
        text.append(UInt8(ascii: "."))
        Base64URL.encode(code.finalize(), into: &text)
        return String(decoding: text, as: UTF8.self)
    }
}
