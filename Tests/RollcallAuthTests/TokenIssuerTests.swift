// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import JWTKit
import Testing

@testable import RollcallAuth

@Suite struct TokenIssuerTests {
    private let configuration = JWTConfiguration(
        secret: TokenFixture.secret, issuer: "https://id.example/\"x\"", audience: "chat")

    @Test func whatIsIssuedIsAccepted() throws {
        var grants = Grants()
        for grant in ["join:chat.*", "join:방\"\\", "send:*", "broadcast"] {
            try grants.add(grant)
        }
        let token = try TokenIssuer(self.configuration).token(
            user: "사용자 \"1\"", timeToLive: .seconds(60), grants: grants, now: TokenFixture.now)
        let verified = try JWTVerifier(self.configuration).verifySynchronously(token, now: TokenFixture.now)
        #expect(verified?.user == "사용자 \"1\"")
        #expect(verified?.expiresAt == TokenFixture.now + 60)
        #expect(verified?.grants == grants)
    }

    @Test func withoutTimeToLiveItNeverExpires() throws {
        let token = try TokenIssuer(self.configuration).token(user: "u", timeToLive: nil, now: 0)
        #expect(try JWTVerifier(self.configuration).verifySynchronously(token, now: .max)?.expiresAt == nil)
        #expect(try JWTVerifier(self.configuration).verifySynchronously(token, now: .max)?.grants == nil)
    }

    @Test func otherLibrariesAcceptIt() async throws {
        struct Payload: JWTPayload {
            var sub: String
            var iss: String
            var aud: String
            var iat: Int64

            func verify(using algorithm: some JWTAlgorithm) async throws {}
        }
        let token = try #require(try TokenIssuer(self.configuration).token(user: "é", timeToLive: nil, now: 7))
        let keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(from: TokenFixture.secret), digestAlgorithm: .sha256)
        let payload = try await keys.verify(token, as: Payload.self)
        #expect(
            payload.sub == "é" && payload.iss == "https://id.example/\"x\"" && payload.aud == "chat" && payload.iat == 7
        )
    }

    @Test func refusesWhatTheVerifierWouldRefuse() throws {
        let issuer = try TokenIssuer(self.configuration)
        #expect(issuer.token(user: "", timeToLive: nil) == nil)
        #expect(issuer.token(user: "a\u{1}", timeToLive: nil) == nil)
        #expect(throws: JWTConfigurationError.keyMissing) { try TokenIssuer(JWTConfiguration(publicKey: "x")) }
        #expect(throws: JWTConfigurationError.secretEmpty) { try TokenIssuer(JWTConfiguration(secret: [])) }
    }
}
