// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Why a token is refused. Code and message go to the client as they are, so neither says anything of keys, of other
/// users or of what the token held.
package struct TokenError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The machine-readable reason: `data.code` of the CONNECT_ERROR.
    package enum Code: String, Sendable {
        /// There was no token where one is looked for.
        case missing = "TOKEN_MISSING"
        /// The token is not one that this cluster accepts.
        case invalid = "TOKEN_INVALID"
        /// The token was good, but its time has passed.
        case expired = "TOKEN_EXPIRED"
    }

    /// The machine-readable reason.
    package let code: Code
    /// One English sentence for whoever debugs the client.
    package let message: String

    /// `CODE: message`, for logs.
    package var description: String {
        "\(self.code.rawValue): \(self.message)"
    }

    /// No token was presented.
    package static let missing = TokenError(code: .missing, message: "A token is required.")
    /// The time in `exp` has passed.
    package static let expired = TokenError(code: .expired, message: "The token has expired.")

    static func invalid(_ message: String) -> TokenError {
        TokenError(code: .invalid, message: message)
    }

    static let oversized = TokenError.invalid("The token is too long.")
    static let malformed = TokenError.invalid("The token is malformed.")
    static let algorithm = TokenError.invalid("The token's algorithm is not accepted.")
    static let signature = TokenError.invalid("The token's signature is not valid.")
    static let critical = TokenError.invalid("The token requires an extension that is not supported.")
    static let notYetValid = TokenError.invalid("The token is not valid yet.")
    static let subject = TokenError.invalid("The token's subject is not a user id.")
    static let issuer = TokenError.invalid("The token's issuer is not accepted.")
    static let audience = TokenError.invalid("The token's audience is not accepted.")

    static func claim(_ name: StaticString) -> TokenError {
        .invalid("The token's claim \"\(name)\" is malformed.")
    }
}
