// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// What the claims of a token whose signature is good must be.
struct ClaimRules: Sendable {
    private let issuer: String?
    private let audience: String?
    private let leeway: Int64

    init(_ configuration: JWTConfiguration) {
        self.issuer = configuration.issuer
        self.audience = configuration.audience
        let leeway = configuration.leeway.components
        self.leeway = leeway.seconds + (leeway.attoseconds > 0 ? 1 : 0)
    }

    func check(_ encoded: ArraySlice<UInt8>, now: Int64) throws(TokenError) -> VerifiedToken {
        guard let payload = Base64URL.decode(encoded) else { throw .malformed }
        let claims = try Claims(payload, expectsAudience: self.audience)
        try self.checkTime(claims, now: now)
        guard let user = claims.subject, Self.isUserID(user) else { throw .subject }
        guard self.issuer == nil || self.issuer == claims.issuer else { throw .issuer }
        guard self.audience == nil || claims.isForAudience else { throw .audience }
        return VerifiedToken(
            user: user, expiresAt: claims.expiresAt, grants: claims.grants, claims: ByteBuffer(bytes: payload))
    }

    /// RFC 7519 sections 4.1.4 and 4.1.5. Times are below 2^53 and the leeway is bounded by the configuration, but a
    /// verifier may be made with any leeway: hence the sums that cannot overflow.
    private func checkTime(_ claims: Claims, now: Int64) throws(TokenError) {
        if let expiresAt = claims.expiresAt {
            let (end, overflow) = expiresAt.addingReportingOverflow(self.leeway)
            guard overflow || now < end else { throw .expired }
        }
        if let notBefore = claims.notBefore {
            let (start, overflow) = notBefore.subtractingReportingOverflow(self.leeway)
            guard overflow || now >= start else { throw .notYetValid }
        }
    }

    /// 1 to 256 bytes of UTF-8 without control characters (Unicode category Cc).
    static func isUserID(_ text: String) -> Bool {
        (1...256).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }
}

/// The claims that mean something here. A claim that stands twice is refused: readers differ in which one they take.
private struct Claims {
    var subject: String?
    var issuer: String?
    var isForAudience = false
    var expiresAt: Int64?
    var notBefore: Int64?
    var grants: Grants?

    init(_ payload: [UInt8], expectsAudience audience: String?) throws(TokenError) {
        var claims = Claims()
        var seen: Set<String> = []
        try TokenJSON.readMembers(of: payload) { (key, value) throws(TokenError) in
            switch key {
            case "sub", "iss", "aud", "exp", "nbf", "rollcall":
                guard seen.insert(key).inserted else { throw .malformed }
                try claims.read(key, value, audience)
            default:
                break
            }
        }
        self = claims
    }

    private init() {}

    private mutating func read(
        _ key: String, _ value: UnsafeRawBufferPointer, _ audience: String?
    ) throws(TokenError) {
        switch key {
        case "sub":
            guard let subject = JSONReader.exactString(value) else { throw .subject }
            self.subject = subject
        case "iss":
            self.issuer = JSONReader.exactString(value)
        case "aud":
            guard let audience else { return }
            self.isForAudience =
                TokenJSON.items(value)?.contains { JSONReader.exactString($0) == audience }
                ?? (JSONReader.exactString(value) == audience)
        case "exp":
            guard let time = TokenJSON.integer(value) else { throw .claim("exp") }
            self.expiresAt = time
        case "nbf":
            guard let time = TokenJSON.integer(value) else { throw .claim("nbf") }
            self.notBefore = time
        default:
            self.grants = try Grants(claim: value)
        }
    }
}
