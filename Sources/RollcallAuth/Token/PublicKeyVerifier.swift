// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import JWTKit
import Synchronization

/// A public key with the one algorithm that it is good for.
final class PublicKeyVerifier: Sendable {
    private enum Key: Sendable {
        case rsa(Insecure.RSA.PublicKey)
        case p256(ES256PublicKey)
        case ed25519(EdDSA.PublicKey)
    }

    let algorithm: SigningAlgorithm
    private let key: Key
    /// jwt-kit hands its verifier out through an actor only: it is fetched once, by the first token.
    private let verifier = Mutex<(any JWTAlgorithm)?>(nil)

    init(pem: String) throws(JWTConfigurationError) {
        guard !pem.contains("PRIVATE KEY") else { throw .privateKey }
        if let key = try? EdDSA.PublicKey(pem: pem) {
            self.key = .ed25519(key)
            self.algorithm = .edDSA
        } else if let key = try? ES256PublicKey(pem: pem) {
            self.key = .p256(key)
            self.algorithm = .es256
        } else if let key = try? Insecure.RSA.PublicKey(pem: pem) {
            self.key = .rsa(key)
            self.algorithm = .rs256
        } else {
            throw .publicKeyUnusable
        }
    }

    func isValid(_ signature: [UInt8], for signed: ArraySlice<UInt8>, algorithm: SigningAlgorithm) async -> Bool {
        guard algorithm == self.algorithm, let verifier = await self.makeVerifier() else { return false }
        return (try? verifier.verify(signature, signs: signed)) ?? false
    }

    private func makeVerifier() async -> (any JWTAlgorithm)? {
        if let verifier = self.verifier.withLock({ $0 }) {
            return verifier
        }
        let keys = JWTKeyCollection()
        switch self.key {
        case .rsa(let key): await keys.add(rsa: key, digestAlgorithm: .sha256)
        case .p256(let key): await keys.add(ecdsa: key)
        case .ed25519(let key): await keys.add(eddsa: key)
        }
        guard let verifier = try? await keys.getKey() else { return nil }
        self.verifier.withLock { $0 = verifier }
        return verifier
    }
}
