// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// An error that the caller of the admin endpoint gets to read, as RFC 9457 `application/problem+json`.
package struct AdminError: Error, Hashable, Sendable {
    /// Our code, in capitals: what programs compare.
    package var code: String
    /// The HTTP status: 400, 401, 403, 404, 405, 409, 413, 429, 503 or 504; anything else is sent as 500.
    package var status: Int
    /// What is wrong, for people; `detail` of the answer.
    package var message: String
    /// Seconds for `Retry-After`, where trying again makes sense.
    package var retryAfter: Int?
    /// Further fields of the answer: `Allow`, `WWW-Authenticate`.
    var fields: [String: String] = [:]

    /// Any error.
    package init(code: String, status: Int, message: String, retryAfter: Int? = nil) {
        self.code = code
        self.status = status
        self.message = message
        self.retryAfter = retryAfter
    }

    /// 404: what was asked for is not there.
    package static func notFound(_ message: String) -> AdminError {
        AdminError(code: "NOT_FOUND", status: 404, message: message)
    }

    /// 400: the cursor is not one that this registry gave out.
    package static func invalidCursor() -> AdminError {
        AdminError(code: "INVALID_CURSOR", status: 400, message: "the cursor is not valid; start again without one")
    }

    /// 503: the registry cannot be asked now.
    package static func registryUnavailable(retryAfter: Int = 1) -> AdminError {
        AdminError(
            code: "REGISTRY_UNAVAILABLE", status: 503, message: "the registry cannot be reached", retryAfter: retryAfter
        )
    }

    static func invalidRequest(_ message: String) -> AdminError {
        AdminError(code: "INVALID_REQUEST", status: 400, message: message)
    }

    static func invalidJSON(_ message: String) -> AdminError {
        AdminError(code: "INVALID_JSON", status: 400, message: message)
    }

    static func payloadTooLarge(limit: Int) -> AdminError {
        AdminError(code: "PAYLOAD_TOO_LARGE", status: 413, message: "the body is larger than \(limit) bytes")
    }

    static func methodNotAllowed(_ methods: [String]) -> AdminError {
        let list = methods.joined(separator: ", ")
        var error = AdminError(code: "METHOD_NOT_ALLOWED", status: 405, message: "this path takes \(list)")
        error.fields["Allow"] = list
        return error
    }

    static func tooManyStreams(limit: Int) -> AdminError {
        AdminError(
            code: "TOO_MANY_STREAMS", status: 503, message: "\(limit) event streams are open already", retryAfter: 5)
    }

    static let shuttingDown = AdminError(
        code: "SHUTTING_DOWN", status: 503, message: "this node is shutting down", retryAfter: 1)

    static let foreignOrigin = AdminError(
        code: "ORIGIN_FORBIDDEN", status: 403,
        message: "without an admin token only pages of this endpoint, under a loopback name, may use it")

    static let tokenMissing = AdminError.unauthorized(
        code: "TOKEN_MISSING", message: "send the admin token as \"Authorization: Bearer …\"",
        challenge: #"Bearer realm="rollcall""#)

    static let tokenInvalid = AdminError.unauthorized(
        code: "TOKEN_INVALID", message: "the admin token is not right",
        challenge: #"Bearer realm="rollcall", error="invalid_token""#)

    static let internalError = AdminError(
        code: "INTERNAL", status: 500, message: "something went wrong on the node; its log says what")

    private static func unauthorized(code: String, message: String, challenge: String) -> AdminError {
        var error = AdminError(code: code, status: 401, message: message)
        error.fields["WWW-Authenticate"] = challenge
        return error
    }
}
