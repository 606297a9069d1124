// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HTTPTypes
import HummingbirdTesting
import Testing

@testable import RollcallAdmin

@Suite struct AdminAuthorizationTests {
    /// One call for each path and method that needs the token.
    static let guarded: [(String, HTTPRequest.Method)] = [
        ("/metrics", .get), ("/v1/presence", .get), ("/v1/presence/u1", .get), ("/v1/presence/u1", .delete),
        ("/v1/presence/events", .get), ("/v1/nodes", .get), ("/v1/namespaces", .get), ("/v1/rooms", .get),
        ("/v1/emit", .post), ("/v1/drain", .post), ("/openapi.yaml", .get),
    ]

    @Test(arguments: Self.guarded)
    func theTokenIsAskedFor(path: String, method: HTTPRequest.Method) async throws {
        let harness = AdminHarness(token: AdminHarness.token)
        let missing = try await harness.send(path, method)
        try missing.expectProblem(401, "TOKEN_MISSING")
        #expect(missing.headers[.wwwAuthenticate] == #"Bearer realm="rollcall""#)
        let wrong = try await harness.send(path, method, headers: [.authorization: "Bearer wrong"])
        try wrong.expectProblem(401, "TOKEN_INVALID")
        #expect(wrong.headers[.wwwAuthenticate] == #"Bearer realm="rollcall", error="invalid_token""#)
        #expect(harness.backend.asked.isEmpty)
    }

    @Test func allEndpointsAreEitherGuardedOrKnownToBePublic() {
        let open: Set<AdminEndpoint> = [.page, .script, .style, .healthz, .readyz]
        let guarded = Set(Self.guarded.compactMap { AdminRoute(path: $0.0)?.endpoint })
        #expect(open.union(guarded) == Set(AdminEndpoint.allCases))
    }

    @Test(arguments: ["Bearer s3cret-token", "bearer s3cret-token", "BEARER  s3cret-token"])
    func theRightTokenPasses(credentials: String) async throws {
        let harness = AdminHarness(token: AdminHarness.token)
        let response = try await harness.send("/v1/nodes", headers: [.authorization: credentials])
        #expect(response.status == .ok)
    }

    @Test(arguments: [
        "s3cret-token", "Bearer", "Bearer ", "Basic s3cret-token", "Bearer s3cret-toke", "Bearer s3cret-token2",
        "Bearer s3cret-tokens3cret-token", "Bearer S3cret-token", "Bearer s3cret-token s3cret-token",
    ])
    func otherCredentialsDoNot(credentials: String) async throws {
        let harness = AdminHarness(token: AdminHarness.token)
        let response = try await harness.send("/v1/nodes", headers: [.authorization: credentials])
        #expect(response.status == .unauthorized)
    }

    @Test(arguments: [("", "a"), ("a", ""), ("", ""), ("ab", "a"), ("aa", "a"), ("a", "aa"), ("abab", "ab")])
    func unequalTextsAreUnequal(presented: String, expected: String) {
        #expect(!AdminAuthorization.areEqual(presented: Array(presented.utf8), expected: Array(expected.utf8)))
    }

    @Test func metricsCanBePublic() async throws {
        let harness = AdminHarness(token: AdminHarness.token, metricsPublic: true)
        #expect(try await harness.send("/metrics").status == .ok)
        #expect(try await harness.send("/v1/nodes").status == .unauthorized)
    }

    @Test func aPageOfAnotherOriginCannotUseAnEndpointWithoutToken() async throws {
        let harness = AdminHarness()
        let foreign: HTTPFields = [.origin: "https://evil.example"]
        try await harness.send("/v1/drain", .post, headers: foreign).expectProblem(403, "ORIGIN_FORBIDDEN")
        try await harness.send("/v1/drain", .post, headers: [.origin: "null"]).expectProblem(403, "ORIGIN_FORBIDDEN")
        #expect(harness.backend.asked.isEmpty)
        #expect(try await harness.send("/v1/drain", .post, headers: [.origin: "http://localhost"]).status == .accepted)
        #expect(try await harness.send("/healthz", headers: foreign).status == .ok)
    }

    @Test(
        arguments: [
            ("localhost:3100", nil, true), ("127.0.0.1:3100", "http://127.0.0.1:3100", true), ("[::1]:3100", nil, true),
            ("LOCALHOST:3100", "http://localhost:3100", true), (nil, nil, true), (nil, "http://localhost", false),
            ("evil.example:3100", nil, false), ("localhost.evil.example", nil, false),
            ("127.0.0.1:3100", "http://127.0.0.1:8080", false), ("127.0.0.1:3100", "http://localhost:3100", false),
            ("127.0.0.1.evil.example", nil, false),
        ] as [(String?, String?, Bool)])
    func foreignNamesAreRecognized(authority: String?, origin: String?, own: Bool) {
        #expect(AdminAuthorization.isOwnPage(authority: authority, origin: origin) == own)
    }
}
