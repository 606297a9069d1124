// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
    /// A JSON document. Members come in alphabetical order, so that equal answers are equal bytes.
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, type: String = "application/json"
    ) throws -> Response {
        let bytes = try AdminJSON.encode(value)
        return Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A text of the given type.
    static func text(_ text: String, type: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// An error as RFC 9457 wants it. The types have no pages of their own, so the type is `about:blank` and the title
    /// that of the status; programs look at `code`.
    static func problem(_ error: AdminError) throws -> Response {
        let status = Self.status(error.status)
        let problem = ProblemDetails(
            type: "about:blank", title: status.reasonPhrase, status: status.code, detail: error.message,
            code: error.code)
        var response = try Response.json(problem, status: status, type: "application/problem+json")
        for (name, value) in error.fields {
            response.headers.set(name, value)
        }
        if let seconds = error.retryAfter {
            response.headers[.retryAfter] = String(seconds)
        }
        return response
    }

    /// A status with its phrase: HTTPTypes leaves it out of one made from a number.
    private static func status(_ code: Int) -> HTTPResponse.Status {
        switch code {
        case 400: .badRequest
        case 401: .unauthorized
        case 403: .forbidden
        case 404: .notFound
        case 405: .methodNotAllowed
        case 409: .conflict
        case 413: .contentTooLarge
        case 429: .tooManyRequests
        case 503: .serviceUnavailable
        case 504: .gatewayTimeout
        default: .internalServerError
        }
    }
}

extension HTTPFields {
    /// Sets a field whose name HTTPTypes has no constant for.
    mutating func set(_ name: String, _ value: String) {
        if let name = HTTPField.Name(name) {
            self[name] = value
        }
    }
}

/// RFC 9457, with our `code` as extension member.
struct ProblemDetails: Codable {
    var type: String
    var title: String
    var status: Int
    var detail: String
    var code: String
}

/// How the admin endpoint writes JSON.
enum AdminJSON {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }
}
