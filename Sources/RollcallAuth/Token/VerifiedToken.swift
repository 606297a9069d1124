// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// What a token says, once its signature and its claims were found good.
package struct VerifiedToken: Hashable, Sendable {
    /// The claim `sub`: 1 to 256 bytes of UTF-8 without control characters.
    package let user: String
    /// The claim `exp` in seconds since 1970, without leeway; `nil` if the token does not expire.
    package let expiresAt: Int64?
    /// The claim `rollcall`; `nil` if the token has none, in which case the node's own grants count.
    package let grants: Grants?
    /// All claims as the JSON object that was signed: valid UTF-8, valid JSON.
    package let claims: ByteBuffer
}
