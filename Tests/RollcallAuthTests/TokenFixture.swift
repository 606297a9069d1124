// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Crypto

/// Builds tokens byte by byte, good ones and bad ones, without the code under test.
enum TokenFixture {
    static let secret = Array("a secret of at least thirty-two bytes".utf8)
    static let now: Int64 = 1_800_000_000

    static func hs256(
        _ claims: String, header: String = #"{"alg":"HS256","typ":"JWT"}"#, secret: [UInt8] = Self.secret
    ) -> String {
        let signed = "\(Self.encode(header)).\(Self.encode(claims))"
        let code = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: secret))
        return "\(signed).\(Self.encode(Array(code)))"
    }

    static func hmac<Hash: HashFunction>(_ hash: Hash.Type, alg: String, _ claims: String) -> String {
        let signed = "\(Self.encode(#"{"alg":"\#(alg)"}"#)).\(Self.encode(claims))"
        let code = HMAC<Hash>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: Self.secret))
        return "\(signed).\(Self.encode(Array(code)))"
    }

    static func encode(_ text: String) -> String {
        Self.encode(Array(text.utf8))
    }

    /// Base64 by the book: independent of the encoder in the library.
    static func encode(_ bytes: [UInt8], alphabet: String = Self.urlSafe, padding: Bool = false) -> String {
        let alphabet = Array(alphabet)
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = Array(bytes[start..<min(start + 3, bytes.count)])
            let bits = (group + [0, 0]).prefix(3).reduce(0) { $0 << 8 | Int($1) }
            for index in 0...group.count {
                text.append(alphabet[bits >> (18 - 6 * index) & 63])
            }
            if padding {
                text += String(repeating: "=", count: 3 - group.count)
            }
        }
        return text
    }

    static let urlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    static let standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
}
