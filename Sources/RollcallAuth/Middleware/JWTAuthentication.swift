// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
package import Rollcall
import SocketIOCodec

/// Connection middleware: admits who brings a good token, in `auth.token`, in a cookie, or (Socket.IO 2 only) in the query.
///
/// Afterwards `socket.data.user` is the user, and the connection ends when the token does.
package struct JWTAuthentication: Sendable {
    private let verifier: JWTVerifier
    private let cookie: String?
    private let allowedOrigins: Set<String>
    private let endsWithToken: Bool
    private let defaultGrants: Grants

    /// - Parameters:
    ///   - verifier: which tokens are good.
    ///   - cookie: the name of a cookie that may hold the token; then the page's origin is checked, since browsers send
    ///     cookies from foreign pages, too.
    ///   - allowedOrigins: from which pages the cookie counts, beside the server's own.
    ///   - endsWithToken: whether the connection ends when the token expires.
    ///   - defaultGrants: what a user may do whose token does not say.
    package init(
        verifier: JWTVerifier, cookie: String?, allowedOrigins: [String], endsWithToken: Bool, defaultGrants: Grants
    ) {
        self.verifier = verifier
        self.cookie = cookie
        self.allowedOrigins = Set(allowedOrigins)
        self.endsWithToken = endsWithToken
        self.defaultGrants = defaultGrants
    }

    /// Puts the check in front of a namespace.
    package func install(in namespace: Namespace) {
        namespace.use(deciding: { socket in try self.authenticate(socket) })
    }

    /// Decides at once where the key is symmetric; otherwise returns what must be waited for.
    private func authenticate(_ socket: Socket) throws -> (@Sendable () async throws -> Void)? {
        let token = try self.token(of: socket.handshake)
        do {
            if let verified = try self.verifier.verifySynchronously(token) {
                self.admit(socket, verified)
                return nil
            }
        } catch {
            throw Self.refusal(error)
        }
        return {
            do {
                self.admit(socket, try await self.verifier.verify(token))
            } catch let error as TokenError {
                throw Self.refusal(error)
            }
        }
    }

    private func token(of handshake: Handshake) throws(ConnectError) -> String? {
        if let token = handshake.auth["token"] {
            guard let text = token.stringValue else {
                throw ConnectError("The token is malformed.", code: TokenError.Code.invalid.rawValue)
            }
            return text
        }
        // Clients of Socket.IO 2 send no payload with CONNECT; for others a token in an address, which gets logged, does not count.
        if handshake.protocolVersion == 3, let token = handshake.query["token"] { return token }
        guard let cookie = self.cookie, let token = handshake.cookie(cookie) else { return nil }
        guard self.isAllowed(handshake) else {
            throw ConnectError("This page may not use the cookie.", code: "ORIGIN_FORBIDDEN")
        }
        return token
    }

    /// A request without `Origin` does not come from a foreign page: browsers send it with every cross-origin request
    /// and every WebSocket.
    private func isAllowed(_ handshake: Handshake) -> Bool {
        guard let origin = handshake.origin else { return true }
        if self.allowedOrigins.contains(origin) { return true }
        guard let host = handshake.header("host"), let scheme = origin.firstRange(of: "://") else { return false }
        return origin[scheme.upperBound...] == host
    }

    private func admit(_ socket: Socket, _ token: VerifiedToken) {
        socket.data.user = token.claims.withUnsafeReadableBytes { User(id: token.user, claimsText: $0) }
        socket.data.grants = token.grants ?? self.defaultGrants
        if self.endsWithToken, let expiresAt = token.expiresAt { socket.expire(at: expiresAt) }
    }

    private static func refusal(_ error: TokenError) -> ConnectError {
        ConnectError(error.message, code: error.code.rawValue)
    }
}

private enum GrantsKey: SocketDataKey {
    typealias Value = Grants
}

extension SocketData {
    /// What the user may do.
    package var grants: Grants {
        get { self[GrantsKey.self] ?? Grants() }
        nonmutating set { self[GrantsKey.self] = newValue }
    }
}
