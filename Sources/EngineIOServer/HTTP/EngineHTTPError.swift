// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOHTTP1

/// Refusals at the level of HTTP: official clients try again for ever after one.
package enum EngineHTTPError: Error, Hashable, Sendable {
    /// The reference's codes 0 to 5, with its texts.
    case transportUnknown
    case sessionUnknown
    case badHandshakeMethod
    case badRequest
    case forbidden(String)
    case unsupportedProtocolVersion
    /// What passes by itself, with our code: 503 or 429 and `Retry-After` in seconds.
    case comeBack(status: HTTPResponseStatus, code: String, message: String, retryAfter: Int)

    /// The node is stopping.
    package static let draining = Self.comeBack(
        status: .serviceUnavailable, code: "NODE_DRAINING", message: "This node is shutting down.", retryAfter: 1)
    /// For now, with a code of somebody else's.
    package static func unavailable(code: String) -> EngineHTTPError {
        .comeBack(status: .serviceUnavailable, code: code, message: "Please try again.", retryAfter: 1)
    }
    /// No room for another session.
    package static let full = Self.comeBack(
        status: .serviceUnavailable, code: "SERVER_FULL", message: "This node is full.", retryAfter: 2)
    /// Too many handshakes from one address.
    package static let rateLimited = Self.comeBack(
        status: .tooManyRequests, code: "RATE_LIMITED", message: "Too many connections from this address.",
        retryAfter: 1)
    /// Nobody can be admitted at present.
    package static let registryUnavailable = Self.comeBack(
        status: .serviceUnavailable, code: "REGISTRY_UNAVAILABLE", message: "The user registry cannot be reached.",
        retryAfter: 1)

    var status: HTTPResponseStatus {
        switch self {
        case .forbidden: .forbidden
        case .comeBack(let status, _, _, _): status
        default: .badRequest
        }
    }

    /// What the counter of refusals is labelled with.
    package var reason: String {
        switch self {
        case .transportUnknown: "transport_unknown"
        case .sessionUnknown: "session_unknown"
        case .badHandshakeMethod: "bad_handshake_method"
        case .badRequest: "bad_request"
        case .forbidden: "forbidden"
        case .unsupportedProtocolVersion: "unsupported_protocol_version"
        case .comeBack(_, let code, _, _): code.lowercased()
        }
    }

    /// What the client is told.
    package var message: String {
        switch self {
        case .transportUnknown: "Transport unknown"
        case .sessionUnknown: "Session ID unknown"
        case .badHandshakeMethod: "Bad handshake method"
        case .badRequest: "Bad request"
        case .forbidden(let message): message
        case .unsupportedProtocolVersion: "Unsupported protocol version"
        case .comeBack(_, _, let message, _): message
        }
    }

    var body: String {
        switch self {
        case .transportUnknown: #"{"code":0,"message":"Transport unknown"}"#
        case .sessionUnknown: #"{"code":1,"message":"Session ID unknown"}"#
        case .badHandshakeMethod: #"{"code":2,"message":"Bad handshake method"}"#
        case .badRequest: #"{"code":3,"message":"Bad request"}"#
        case .forbidden(let message): "{\"code\":4,\"message\":\(Self.quoted(message))}"
        case .unsupportedProtocolVersion: #"{"code":5,"message":"Unsupported protocol version"}"#
        case .comeBack(_, let code, let message, _): "{\"code\":\"\(code)\",\"message\":\(Self.quoted(message))}"
        }
    }

    var retryAfter: Int? {
        if case .comeBack(_, _, _, let seconds) = self { return seconds }
        return nil
    }

    /// The whole answer for a WebSocket handshake, after which the connection is closed. Errors of the reference's own come as
    /// text, ours as the JSON that polling clients get.
    var webSocketResponse: String {
        let isOurs = self.retryAfter != nil
        let body = isOurs ? self.body : self.message
        let status: HTTPResponseStatus = isOurs ? self.status : .badRequest
        var head = "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\nConnection: close\r\n"
        if let retryAfter { head += "Retry-After: \(retryAfter)\r\n" }
        head +=
            "Content-type: \(isOurs ? "application/json" : "text/html")\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        return head + body
    }

    private static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20: out += " "
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
