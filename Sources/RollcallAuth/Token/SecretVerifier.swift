// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Crypto

/// The HMAC of a shared secret, prepared: hashing the key once instead of at every token halves the cost.
struct SecretVerifier: Sendable {
    private let sha256: HMAC<SHA256>
    private let sha384: HMAC<SHA384>
    private let sha512: HMAC<SHA512>

    init(secret: [UInt8]) {
        let key = SymmetricKey(data: secret)
        self.sha256 = HMAC(key: key)
        self.sha384 = HMAC(key: key)
        self.sha512 = HMAC(key: key)
    }

    /// Compares in constant time.
    func isValid(_ signature: [UInt8], for signed: ArraySlice<UInt8>, algorithm: SigningAlgorithm) -> Bool {
        switch algorithm {
        case .hs256: Self.isValid(signature, for: signed, self.sha256)
        case .hs384: Self.isValid(signature, for: signed, self.sha384)
        case .hs512: Self.isValid(signature, for: signed, self.sha512)
        case .rs256, .es256, .edDSA: false
        }
    }

    private static func isValid<Hash: HashFunction>(
        _ signature: [UInt8], for signed: ArraySlice<UInt8>, _ prepared: HMAC<Hash>
    ) -> Bool {
        var code = prepared
        code.update(data: signed)
        return code.finalize() == signature
    }
}
