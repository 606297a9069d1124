// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Crypto
import NIOCore
import Testing

@testable import RollcallAuth

@Suite struct JWTVerifierTests {
    private let verifier: JWTVerifier

    init() throws {
        self.verifier = try JWTVerifier(JWTConfiguration(secret: TokenFixture.secret))
    }

    private func verify(_ token: String?, with verifier: JWTVerifier? = nil) throws(TokenError) -> VerifiedToken? {
        try (verifier ?? self.verifier).verifySynchronously(token, now: TokenFixture.now)
    }

    private func refusal(_ token: String?, with verifier: JWTVerifier? = nil) async -> TokenError? {
        let verifier = verifier ?? self.verifier
        let synchronous = #expect(throws: TokenError.self) {
            try verifier.verifySynchronously(token, now: TokenFixture.now)
        }
        let asynchronous = await #expect(throws: TokenError.self) {
            try await verifier.verify(token, now: TokenFixture.now)
        }
        #expect(synchronous == asynchronous)
        return synchronous
    }

    @Test func givesUserExpiryGrantsAndClaims() async throws {
        let claims =
            #"{ "sub":"user-1", "exp":1800000100, "name":"한국어 \u00e9", "rollcall":{"join":["chat.*"],"broadcast":true} }"#
        let token = try #require(try self.verify(TokenFixture.hs256(claims)))
        #expect(token.user == "user-1")
        #expect(token.expiresAt == 1_800_000_100)
        #expect(token.claims == ByteBuffer(string: claims))
        #expect(token.grants?.allowsJoin("chat.1") == true)
        #expect(token.grants?.allowsSend(to: "chat.1") == false)
        #expect(token.grants?.allowsBroadcast == true)
        let again = try await self.verifier.verify(TokenFixture.hs256(claims), now: TokenFixture.now)
        #expect(again == token)
    }

    @Test func acceptsATokenWithoutExpiryAndWithoutGrants() throws {
        let token = try #require(try self.verify(TokenFixture.hs256(#"{"sub":"u"}"#)))
        #expect(token.expiresAt == nil)
        #expect(token.grants == nil)
    }

    @Test func acceptsTheLongerHashes() throws {
        #expect(try self.verify(TokenFixture.hmac(SHA384.self, alg: "HS384", #"{"sub":"u"}"#))?.user == "u")
        #expect(try self.verify(TokenFixture.hmac(SHA512.self, alg: "HS512", #"{"sub":"u"}"#))?.user == "u")
    }

    @Test func readsEscapedClaims() throws {
        let token = try self.verify(TokenFixture.hs256(#"{"\u0073ub":"\ud83d\ude00\"\\\/"}"#))
        #expect(token?.user == "😀\"\\/")
    }

    @Test(arguments: [nil, ""]) func missing(token: String?) async {
        #expect(await self.refusal(token) == .missing)
        #expect(TokenError.missing.code.rawValue == "TOKEN_MISSING")
    }

    @Test(arguments: [
        ".", "..", "a.b", "a.b.c", "a.b.c.d", "\u{0}", "Bearer x.y.z", "💥.💥.💥", "....", " ",
        "eyJhbGciOiJIUzI1NiJ9..", "eyJhbGciOiJIUzI1NiJ9.e30", "eyJhbGciOiJIUzI1NiJ9.e30.!!!!",
    ])
    func garbageIsMalformed(token: String) async throws {
        let error = try #require(await self.refusal(token))
        #expect(error.code == .invalid)
    }

    @Test func garbageInEachSegment() async {
        let parts = TokenFixture.hs256(#"{"sub":"u"}"#).split(separator: ".").map(String.init)
        let garbage = TokenFixture.encode([0xFF, 0xFE, 0x00, 0x7B])
        #expect(await self.refusal("\(garbage).\(parts[1]).\(parts[2])") == .malformed)
        #expect(await self.refusal("\(parts[0]).\(garbage).\(parts[2])") == .signature)
        #expect(await self.refusal("\(parts[0]).\(parts[1]).\(garbage)") == .signature)
        #expect(await self.refusal("\(parts[0]).\(parts[1]).") == .signature)
        #expect(await self.refusal("\(parts[0]).\(parts[1]).\(parts[2])x") == .signature)
        #expect(await self.refusal("\(parts[0]).\(parts[1]).\(parts[2])xx") == .malformed)
    }

    @Test(arguments: [
        "", "x", "[]", "null", "{", #"{"sub":"u"} x"#, #"{"sub":"u",}"#, #"{"sub" "u"}"#, #"{sub:"u"}"#, #"{"sub":"u"#,
        #"{"sub":"u","a":01}"#, #"{"sub":"u","a":tru}"#, #"{"sub":"u","a":[1,]}"#, #"{"sub":"u","a":"\x"}"#,
        #"{"sub":"u","a":+1}"#, "{\"sub\":\"u\",\"a\":\"\u{1}\"}", #"{"sub":"u","sub":"v"}"#,
        #"{"exp":1,"\u0065xp":2}"#,
        #"{"sub":"u","a":\#(String(repeating: "[", count: 40))\#(String(repeating: "]", count: 40))}"#,
    ])
    func signedClaimsThatAreNotStrictJSON(claims: String) async {
        #expect(await self.refusal(TokenFixture.hs256(claims)) == .malformed)
    }

    @Test func depthOfClaimsIsBounded() async throws {
        func nested(_ depth: Int) -> String {
            let brackets = (String(repeating: "[", count: depth), String(repeating: "]", count: depth))
            return TokenFixture.hs256(#"{"sub":"u","a":\#(brackets.0)\#(brackets.1)}"#)
        }
        // The object is one level, the arrays are the others.
        #expect(try self.verify(nested(31))?.user == "u")
        #expect(await self.refusal(nested(32)) == .malformed)
    }

    @Test func namesOfClaimsThatAreNoText() async {
        #expect(await self.refusal(TokenFixture.hs256(#"{"sub":"u","\ud800":1}"#)) == .malformed)
        #expect(
            await self.refusal(TokenFixture.hs256(#"{"sub":"u","rollcall":{"\udc00":1}}"#)) == .claim("rollcall"))
    }

    @Test func signedClaimsThatAreNotUTF8() async {
        let signed =
            TokenFixture.encode(#"{"alg":"HS256"}"#) + "." + TokenFixture.encode([0x7B, 0x22, 0xFF, 0x22, 0x7D])
        let code = HMAC<SHA256>.authenticationCode(
            for: Array(signed.utf8), using: SymmetricKey(data: TokenFixture.secret))
        #expect(await self.refusal("\(signed).\(TokenFixture.encode(Array(code)))") == .malformed)
    }

    @Test func oneSpellingOnlyOfTheSignature() async {
        let token = TokenFixture.hs256(#"{"sub":"u?>"}"#)
        let signed = token.split(separator: ".").dropLast().joined(separator: ".")
        let code = Array(
            HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: TokenFixture.secret)))
        #expect(await self.refusal("\(signed).\(TokenFixture.encode(code, padding: true))") == .malformed)
        #expect(await self.refusal(token + " ") == .malformed)
        #expect(await self.refusal(token + "\n") == .malformed)
        // 32 bytes leave two unused bits in the last character; another value of them must not pass.
        let last = Array(TokenFixture.urlSafe)
        let index = last.firstIndex(of: token.last ?? "A").map { last.startIndex.distance(to: $0) } ?? 0
        #expect(await self.refusal(String(token.dropLast()) + String(last[index | 1])) == .malformed)
    }

    @Test func standardAlphabetIsRefused() async {
        // The payload's third and fourth bytes make characters 62 and 63.
        let claims = Array("{\"sub\":\"u\",\"x\":\"???>>>~~~\"}".utf8)
        let header = TokenFixture.encode(#"{"alg":"HS256"}"#)
        let text = TokenFixture.encode(claims, alphabet: TokenFixture.standard)
        #expect(text.contains("+") || text.contains("/"))
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("\(header).\(text)".utf8), using: SymmetricKey(data: TokenFixture.secret))
        #expect(await self.refusal("\(header).\(text).\(TokenFixture.encode(Array(code)))") == .malformed)
    }

    @Test(arguments: [
        (#"{"alg":"none"}"#, TokenError.algorithm), (#"{"alg":"None"}"#, .algorithm), (#"{"alg":"hs256"}"#, .algorithm),
        (#"{"alg":"RS256"}"#, .algorithm), (#"{"alg":"ES256"}"#, .algorithm), (#"{"alg":"PS256"}"#, .algorithm),
        (#"{"alg":"HS384"}"#, .signature), (#"{"alg":"HS256","crit":["exp"]}"#, .critical),
        (#"{"alg":"HS256","crit":[]}"#, .critical), (#"{"alg":"HS256","alg":"HS256"}"#, .malformed),
        (#"{"typ":"JWT"}"#, .malformed), (#"{"alg":null}"#, .malformed), (#"{"alg":["HS256"]}"#, .malformed),
        ("[]", .malformed), ("", .malformed), (#""HS256""#, .malformed),
    ])
    func headers(header: String, expected: TokenError) async {
        #expect(await self.refusal(TokenFixture.hs256(#"{"sub":"u"}"#, header: header)) == expected)
    }

    @Test func noneWithoutSignature() async {
        let unsigned = "\(TokenFixture.encode(#"{"alg":"none"}"#)).\(TokenFixture.encode(#"{"sub":"u"}"#))."
        #expect(await self.refusal(unsigned) == .algorithm)
    }

    @Test func anotherSecret() async {
        let token = TokenFixture.hs256(#"{"sub":"u"}"#, secret: Array("another secret of thirty-two bytes..".utf8))
        #expect(await self.refusal(token) == .signature)
    }

    @Test func oversizedIsNotLookedAt() async throws {
        let padding = String(repeating: "x", count: 8 * 1024)
        #expect(await self.refusal(TokenFixture.hs256(#"{"sub":"u","x":"\#(padding)"}"#)) == .oversized)
        let fits = TokenFixture.hs256(#"{"sub":"u","x":"\#(String(padding.prefix(6000)))"}"#)
        #expect(fits.utf8.count < 8 * 1024)
        #expect(try self.verify(fits)?.user == "u")
        let tight = try JWTVerifier(
            JWTConfiguration(secret: TokenFixture.secret, maximumTokenSize: fits.utf8.count - 1))
        #expect(await self.refusal(fits, with: tight) == .oversized)
    }
}
