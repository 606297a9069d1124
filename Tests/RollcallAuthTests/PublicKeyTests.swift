// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import JWTKit
import Testing

@testable import RollcallAuth

@Suite struct PublicKeyTests {
    private struct Payload: JWTPayload {
        var sub = "u"

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private func sign(_ prepare: (JWTKeyCollection) async -> Void) async throws -> String {
        let keys = JWTKeyCollection()
        await prepare(keys)
        return try await keys.sign(Payload())
    }

    private func verifier(_ pem: String) throws -> JWTVerifier {
        try JWTVerifier(JWTConfiguration(publicKey: pem))
    }

    @Test func es256() async throws {
        let key = ES256PrivateKey()
        let token = try await self.sign { await $0.add(ecdsa: key) }
        let verifier = try self.verifier(key.publicKey.pemRepresentation)
        #expect(try verifier.verifySynchronously(token) == nil)
        #expect(try await verifier.verify(token).user == "u")
        #expect(try await verifier.verify(token).user == "u")
        let other = try self.verifier(ES256PrivateKey().publicKey.pemRepresentation)
        await #expect(throws: TokenError.signature) { try await other.verify(token) }
    }

    @Test func edDSA() async throws {
        let key = try EdDSA.PrivateKey()
        let token = try await self.sign { await $0.add(eddsa: key) }
        let verifier = try self.verifier(key.publicKey.pemRepresentation)
        #expect(try verifier.verifySynchronously(token) == nil)
        #expect(try await verifier.verify(token).user == "u")
        let other = try self.verifier(EdDSA.PrivateKey().publicKey.pemRepresentation)
        await #expect(throws: TokenError.signature) { try await other.verify(token) }
    }

    @Test func rs256() async throws {
        let key = try Insecure.RSA.PrivateKey(pem: OpenSSL.run("genrsa", "2048"))
        let token = try await self.sign { await $0.add(rsa: key, digestAlgorithm: .sha256) }
        let verifier = try self.verifier(key.publicKey.pemRepresentation)
        #expect(try await verifier.verify(token).user == "u")
        let longer = try await self.sign { await $0.add(rsa: key, digestAlgorithm: .sha512) }
        await #expect(throws: TokenError.algorithm) { try await verifier.verify(longer) }
        let padded = try await self.sign { await $0.add(pss: key, digestAlgorithm: .sha256) }
        await #expect(throws: TokenError.algorithm) { try await verifier.verify(padded) }
        let pem = try OpenSSL.run("genrsa", "2048")
        let other = try self.verifier(Insecure.RSA.PrivateKey(pem: pem).publicKey.pemRepresentation)
        await #expect(throws: TokenError.signature) { try await other.verify(token) }
    }

    @Test func hmacWithThePublicKeyNeverPasses() async throws {
        let pem = ES256PrivateKey().publicKey.pemRepresentation
        let verifier = try self.verifier(pem)
        for text in [pem, pem + "\n", pem.replacingLineBreaks()] {
            let forged = TokenFixture.hs256(#"{"sub":"u"}"#, secret: Array(text.utf8))
            await #expect(throws: TokenError.algorithm) { try await verifier.verify(forged) }
            #expect(throws: TokenError.algorithm) { try verifier.verifySynchronously(forged) }
            let renamed = TokenFixture.hs256(#"{"sub":"u"}"#, header: #"{"alg":"ES256"}"#, secret: Array(text.utf8))
            await #expect(throws: TokenError.signature) { try await verifier.verify(renamed) }
        }
    }

    @Test func eachAlgorithmWithItsOwnKeyOnly() async throws {
        let key = ES256PrivateKey()
        let configuration = JWTConfiguration(
            secret: TokenFixture.secret, publicKey: key.publicKey.pemRepresentation)
        let verifier = try JWTVerifier(configuration)
        #expect(try verifier.verifySynchronously(TokenFixture.hs256(#"{"sub":"h"}"#))?.user == "h")
        #expect(try await verifier.verify(try await self.sign { await $0.add(ecdsa: key) }).user == "u")
        let ed25519 = try EdDSA.PrivateKey()
        let foreign = try await self.sign { await $0.add(eddsa: ed25519) }
        await #expect(throws: TokenError.algorithm) { try await verifier.verify(foreign) }
        let forged = TokenFixture.hs256(#"{"sub":"u"}"#, secret: Array(key.publicKey.pemRepresentation.utf8))
        await #expect(throws: TokenError.signature) { try await verifier.verify(forged) }
    }

    @Test func expiryCountsForAsymmetricTokensToo() async throws {
        struct Expiring: JWTPayload {
            var sub = "u"
            var exp = 1000

            func verify(using algorithm: some JWTAlgorithm) async throws {}
        }
        let key = ES256PrivateKey()
        let keys = JWTKeyCollection()
        await keys.add(ecdsa: key)
        let token = try await keys.sign(Expiring())
        let verifier = try self.verifier(key.publicKey.pemRepresentation)
        await #expect(throws: TokenError.expired) { try await verifier.verify(token, now: 1005) }
        #expect(try await verifier.verify(token, now: 1004).expiresAt == 1000)
    }

    @Test func keysThatCannotBeUsed() throws {
        #expect(throws: JWTConfigurationError.keyMissing) { try JWTVerifier(JWTConfiguration()) }
        #expect(throws: JWTConfigurationError.secretEmpty) { try JWTVerifier(JWTConfiguration(secret: [])) }
        let small = try OpenSSL.publicKey(of: OpenSSL.run("genrsa", "1024"))
        let p384 = ES384PrivateKey().publicKey.pemRepresentation
        let x25519 = try OpenSSL.publicKey(of: OpenSSL.run("genpkey", "-algorithm", "x25519"))
        for pem in ["", "secret", small, p384, x25519] {
            #expect(throws: JWTConfigurationError.publicKeyUnusable) { try self.verifier(pem) }
        }
        #expect(throws: JWTConfigurationError.privateKey) { try self.verifier(ES256PrivateKey().pemRepresentation) }
    }
}

extension String {
    fileprivate func replacingLineBreaks() -> String {
        self.split(separator: "\n").joined(separator: "\r\n")
    }
}
