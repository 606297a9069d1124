// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HTTPTypes
import Hummingbird

/// Decides who may call what.
///
/// With a token: everything but health, the admin page and public metrics needs it. Without one the endpoint is bound
/// to loopback, where every page that the machine's browser shows could call it; so then the request must name a
/// loopback host (else a foreign name was pointed here) and must not come from a page of another origin.
struct AdminAuthorization {
    private let token: [UInt8]?
    private let metricsPublic: Bool

    init(configuration: AdminConfiguration) {
        self.token = configuration.token.map { Array($0.utf8) }
        self.metricsPublic = configuration.metricsPublic
    }

    /// - Throws: 401 `TOKEN_MISSING` or `TOKEN_INVALID`, 403 `ORIGIN_FORBIDDEN`.
    func check(_ request: Request, for endpoint: AdminEndpoint) throws(AdminError) {
        guard !self.isPublic(endpoint) else { return }
        guard let token = self.token else {
            guard Self.isOwnPage(authority: request.head.authority, origin: request.headers[.origin]) else {
                throw .foreignOrigin
            }
            return
        }
        guard let credentials = request.headers[.authorization] else { throw .tokenMissing }
        guard let presented = Self.bearer(credentials) else { throw .tokenMissing }
        guard Self.areEqual(presented: Array(presented.utf8), expected: token) else { throw .tokenInvalid }
    }

    private func isPublic(_ endpoint: AdminEndpoint) -> Bool {
        switch endpoint {
        case .healthz, .readyz, .page, .script, .style: true
        case .metrics: self.metricsPublic
        default: false
        }
    }

    /// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110, 11.1).
    static func bearer(_ credentials: String) -> Substring? {
        let parts = credentials.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].drop { $0 == " " }
    }

    /// Compares in a time that depends only on the length of what was presented, which the caller knows anyway.
    static func areEqual(presented: [UInt8], expected: [UInt8]) -> Bool {
        guard !expected.isEmpty else { return false }
        var difference = UInt64(truncatingIfNeeded: presented.count ^ expected.count)
        for index in presented.indices {
            difference |= UInt64(presented[index] ^ expected[index % expected.count])
        }
        return difference == 0
    }

    /// Clients that are no browsers send no `Origin`, and HTTP/1.0 no `Host`.
    static func isOwnPage(authority: String?, origin: String?) -> Bool {
        guard let authority = authority?.lowercased(), !authority.isEmpty else { return origin == nil }
        guard AdminConfiguration.isLoopback(Self.host(of: authority)) else { return false }
        guard let origin = origin?.lowercased() else { return true }
        return origin == "http://" + authority || origin == "https://" + authority
    }

    private static func host(of authority: String) -> String {
        if authority.hasPrefix("[") {
            return authority.prefix { $0 != "]" } + "]"
        }
        return String(authority.prefix { $0 != ":" })
    }
}
