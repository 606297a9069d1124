// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import AsyncHTTPClient
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOPosix
import RollcallNode

/// Talks to the admin endpoint of a node.
struct AdminClient {
    /// What the endpoint understands.
    enum Method: String {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    /// What a node answered.
    struct Answer {
        let status: Int
        let body: Data
    }

    private let base: String
    private let token: Secret?

    /// The longest answer that is read, in bytes.
    private static let maximumAnswer = 64 << 20

    init(_ admin: NodeConfiguration.Admin) throws(ConfigurationError) {
        guard admin.port > 0 else {
            throw ConfigurationError(problems: ["--admin-port: 0 names no port to talk to"])
        }
        self.base = "http://\(Self.reachable(admin.host)):\(admin.port)"
        self.token = admin.token
    }

    /// The answer to a request, whatever its status.
    func send(_ method: Method, _ path: String, body: String? = nil) async throws -> Answer {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(5), read: .seconds(30)))
        configuration.httpVersion = .http1Only
        // A node that does not listen is said at once, not after five seconds of trying.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: configuration)
        do {
            let answer = try await self.send(method, path, body: body, client)
            try await client.shutdown()
            return answer
        } catch {
            try await client.shutdown()
            throw CommandFailure("cannot talk to the admin endpoint at \(self.base): \(Self.reason(error))")
        }
    }

    /// The answer to a request that must succeed.
    ///
    /// - Throws: a failure with what the node gave as its reason.
    func require(_ method: Method, _ path: String, body: String? = nil) async throws -> Data {
        let answer = try await self.send(method, path, body: body)
        guard !(200...299).contains(answer.status) else { return answer.body }
        if answer.status == 401 {
            throw CommandFailure("\(self.base) asks for a token: --admin-token or --admin-token-file")
        }
        let problem = try? JSONDecoder().decode(Problem.self, from: answer.body)
        let reason = problem?.detail ?? problem?.title ?? "no reason given"
        throw CommandFailure("\(self.base) answered \(answer.status): \(Output.plain(reason))")
    }

    private func send(
        _ method: Method, _ path: String, body: String?, _ client: HTTPClient
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: self.base + path)
        request.method = HTTPMethod(rawValue: method.rawValue)
        if let token = self.token {
            request.headers.add(name: "authorization", value: "Bearer \(token.value)")
        }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await client.execute(request, deadline: .now() + .seconds(60))
        let bytes = try await response.body.collect(upTo: Self.maximumAnswer)
        return Answer(status: Int(response.status.code), body: Data(bytes.readableBytesView))
    }

    /// A node that listens on all addresses listens on its own, too.
    private static func reachable(_ host: String) -> String {
        switch host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "[::1]"
        default: host.contains(":") ? "[\(host)]" : host
        }
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            return error.connectionErrors.first.map { Self.reason($0.error) } ?? "no such host"
        }
        if let error = error as? IOError {
            return Output.systemError(error.errnoCode)
        }
        let timeouts: [HTTPClientError] = [.connectTimeout, .readTimeout, .deadlineExceeded]
        if let error = error as? HTTPClientError, timeouts.contains(error) {
            return "no answer in time"
        }
        return "\(error)"
    }

    /// RFC 9457.
    private struct Problem: Decodable {
        let title: String?
        let detail: String?
    }

    /// A text as one segment of a path or one value of a query.
    static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            if scalar.isASCII,
                scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-._~".contains(Character(scalar))
            {
                encoded.unicodeScalars.append(scalar)
            } else {
                encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
