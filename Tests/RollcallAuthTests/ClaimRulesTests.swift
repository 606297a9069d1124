// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallAuth

@Suite struct ClaimRulesTests {
    private func verify(_ claims: String, _ configuration: JWTConfiguration? = nil) throws -> VerifiedToken? {
        var configuration = configuration ?? JWTConfiguration()
        configuration.secret = TokenFixture.secret
        return try JWTVerifier(configuration).verifySynchronously(TokenFixture.hs256(claims), now: TokenFixture.now)
    }

    private func refusal(_ claims: String, _ configuration: JWTConfiguration? = nil) -> TokenError? {
        #expect(throws: TokenError.self) { try self.verify(claims, configuration) }
    }

    @Test(arguments: [
        #"{}"#, #"{"sub":""}"#, #"{"sub":5}"#, #"{"sub":null}"#, #"{"sub":["u"]}"#, #"{"sub":"a\u0000b"}"#,
        #"{"sub":"a\nb"}"#, #"{"sub":"a\u007f"}"#, #"{"sub":"a\u0085"}"#, #"{"sub":"\ud800"}"#,
        #"{"sub":"\udc00\ud800"}"#,
        #"{"sub":"\#(String(repeating: "x", count: 257))"}"#, #"{"sub":"\#(String(repeating: "가", count: 86))"}"#,
    ])
    func subjectsThatAreNoUserID(claims: String) {
        #expect(self.refusal(claims) == .subject)
    }

    @Test(arguments: ["u", "사용자", "a b", "user@example.org", "😀", String(repeating: "x", count: 256)])
    func subjects(user: String) throws {
        #expect(try self.verify(#"{"sub":"\#(user)"}"#)?.user == user)
    }

    @Test func expiryHonoursTheLeeway() throws {
        let now = TokenFixture.now
        let leeway = JWTConfiguration(leeway: .seconds(5))
        #expect(try self.verify(#"{"sub":"u","exp":\#(now - 4)}"#, leeway) != nil)
        #expect(self.refusal(#"{"sub":"u","exp":\#(now - 5)}"#, leeway) == .expired)
        #expect(TokenError.expired.code.rawValue == "TOKEN_EXPIRED")
        let none = JWTConfiguration(leeway: .zero)
        #expect(try self.verify(#"{"sub":"u","exp":\#(now + 1)}"#, none) != nil)
        #expect(self.refusal(#"{"sub":"u","exp":\#(now)}"#, none) == .expired)
        #expect(self.refusal(#"{"sub":"u","exp":\#(now).9}"#, none) == .expired)
        #expect(self.refusal(#"{"sub":"u","exp":-1}"#, none) == .expired)
        let started = JWTConfiguration(leeway: .milliseconds(500))
        #expect(try self.verify(#"{"sub":"u","exp":\#(now)}"#, started) != nil)
    }

    @Test func notBeforeHonoursTheLeeway() throws {
        let now = TokenFixture.now
        #expect(try self.verify(#"{"sub":"u","nbf":\#(now + 5)}"#) != nil)
        #expect(self.refusal(#"{"sub":"u","nbf":\#(now + 6)}"#) == .notYetValid)
    }

    @Test func timesMayBeWrittenAsAnyNumber() throws {
        #expect(try self.verify(#"{"sub":"u","exp":1.9e9}"#)?.expiresAt == 1_900_000_000)
        #expect(try self.verify(#"{"sub":"u","exp":1900000000.75}"#)?.expiresAt == 1_900_000_000)
    }

    @Test(arguments: [#""1900000000""#, "null", "true", "[]", "1e300", "99999999999999999999", "-1e400"])
    func timesThatAreNone(time: String) {
        #expect(self.refusal(#"{"sub":"u","exp":\#(time)}"#) == .claim("exp"))
        #expect(self.refusal(#"{"sub":"u","nbf":\#(time)}"#) == .claim("nbf"))
    }

    @Test func extremeLeewayDoesNotOverflow() throws {
        let configuration = JWTConfiguration(leeway: .seconds(Int64.max))
        #expect(try self.verify(#"{"sub":"u","exp":1,"nbf":9007199254740990}"#, configuration) != nil)
    }

    @Test func issuer() throws {
        let configuration = JWTConfiguration(issuer: "https://id.example")
        #expect(try self.verify(#"{"sub":"u","iss":"https://id.example"}"#, configuration) != nil)
        for issuer in [#""https://id.example/""#, "null", "1", #"["https://id.example"]"#] {
            #expect(self.refusal(#"{"sub":"u","iss":\#(issuer)}"#, configuration) == .issuer)
        }
        #expect(self.refusal(#"{"sub":"u"}"#, configuration) == .issuer)
        #expect(try self.verify(#"{"sub":"u","iss":7}"#) != nil)
    }

    @Test func audience() throws {
        let configuration = JWTConfiguration(audience: "chat")
        #expect(try self.verify(#"{"sub":"u","aud":"chat"}"#, configuration) != nil)
        #expect(try self.verify(#"{"sub":"u","aud":["mail", "chat"]}"#, configuration) != nil)
        for audience in [#""mail""#, "[]", #"["mail",1,null]"#, "null", #"{"chat":1}"#] {
            #expect(self.refusal(#"{"sub":"u","aud":\#(audience)}"#, configuration) == .audience)
        }
        #expect(self.refusal(#"{"sub":"u"}"#, configuration) == .audience)
        #expect(try self.verify(#"{"sub":"u","aud":"mail"}"#) != nil)
    }

    @Test(arguments: [
        "1", "[]", "null", #"{"join":"chat"}"#, #"{"join":[1]}"#, #"{"join":[""]}"#, #"{"join":["a\ud800"]}"#,
        #"{"send":{}}"#,
        #"{"broadcast":1}"#,
        #"{"all":"true"}"#,
    ])
    func malformedGrants(claim: String) {
        #expect(self.refusal(#"{"sub":"u","rollcall":\#(claim)}"#) == .claim("rollcall"))
    }

    @Test func refusalsSayNothingOfTheToken() throws {
        let error = try #require(
            self.refusal(#"{"sub":"u","aud":"very-secret"}"#, JWTConfiguration(audience: "hidden")))
        #expect(!error.description.contains("very-secret") && !error.description.contains("hidden"))
        #expect(error.description == "TOKEN_INVALID: The token's audience is not accepted.")
    }
}
