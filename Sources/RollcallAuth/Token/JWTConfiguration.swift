// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Which tokens are accepted. At least one key is needed; with both, each algorithm is checked with its own key only.
package struct JWTConfiguration: Sendable {
    /// The shared secret for HS256, HS384 and HS512.
    package var secret: [UInt8]?
    /// The PEM text of a public key: RSA of at least 2048 bits (RS256), EC P-256 (ES256) or Ed25519 (EdDSA).
    package var publicKey: String?
    /// If set, the claim `iss` must be this.
    package var issuer: String?
    /// If set, the claim `aud` must be or contain this.
    package var audience: String?
    /// How far the issuer's clock may be off, for `exp` and `nbf`; a started second counts whole.
    package var leeway: Duration
    /// The longest token that is looked at, in bytes.
    package var maximumTokenSize: Int

    /// Creates a configuration; everything but the keys has the documented default.
    package init(
        secret: [UInt8]? = nil, publicKey: String? = nil, issuer: String? = nil, audience: String? = nil,
        leeway: Duration = .seconds(5), maximumTokenSize: Int = 8 * 1024
    ) {
        self.secret = secret
        self.publicKey = publicKey
        self.issuer = issuer
        self.audience = audience
        self.leeway = leeway
        self.maximumTokenSize = maximumTokenSize
    }
}

/// What is wrong with a ``JWTConfiguration``; the text never contains key material.
package enum JWTConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Neither a secret nor a public key is set.
    case keyMissing
    /// The secret is empty.
    case secretEmpty
    /// The PEM text holds a private key.
    case privateKey
    /// The PEM text is not a public key of an accepted kind.
    case publicKeyUnusable

    /// One clause, to stand after the setting's name.
    package var description: String {
        switch self {
        case .keyMissing: "no secret and no public key"
        case .secretEmpty: "is empty"
        case .privateKey: "holds a private key; verifying needs only the public one (openssl pkey -pubout)"
        case .publicKeyUnusable: "is not a PEM public key of RSA (2048 bits or more), EC P-256 or Ed25519"
        }
    }
}
