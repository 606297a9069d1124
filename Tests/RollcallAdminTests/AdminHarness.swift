// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import Logging
import NIOCore
import PrometheusMetrics
import TestSupport
import Testing

@testable import RollcallAdmin

/// A server over a fake backend, asked through Hummingbird's router test client.
struct AdminHarness {
    static let token = "s3cret-token"

    let backend: FakeBackend
    let metrics = PrometheusRegistry()
    var configuration: AdminConfiguration

    init(users: [String] = [], token: String? = nil, metricsPublic: Bool = false) {
        self.backend = FakeBackend(users: users)
        self.configuration = AdminConfiguration(
            host: "127.0.0.1", port: 0, token: token, metricsPublic: metricsPublic)
    }

    func server(onListening: @escaping @Sendable (SocketAddress) async -> Void = { _ in }) -> AdminServer {
        AdminServer(
            configuration: self.configuration, backend: self.backend, metrics: self.metrics, logger: .silent,
            onListening: onListening)
    }

    func send(
        _ path: String, _ method: HTTPRequest.Method = .get, headers: HTTPFields = [:], body: String? = nil
    ) async throws -> TestResponse {
        try await self.server().application().test(.router) { client in
            try await client.executeRequest(
                uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
        }
    }

    /// Runs the server on a free port while `body` runs.
    func withLiveServer<Value: Sendable>(
        _ body: @escaping @Sendable (AdminServer, Int) async throws -> Value
    ) async throws -> Value {
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let server = self.server { address in
            found.yield(address.port ?? 0)
        }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                defer { found.finish() }
                try await server.run()
                return nil
            }
            group.addTask {
                let port = try #require(await ports.first { _ in true })
                return try await body(server, port)
            }
            defer { group.cancelAll() }
            while let value = try await group.next() {
                if let value {
                    return value
                }
            }
            throw CancellationError()
        }
    }
}

extension TestResponse {
    var text: String {
        String(buffer: self.body)
    }

    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(self.body.readableBytesView))
    }

    /// Checks that this is an RFC 9457 document with this status and code, and returns it.
    @discardableResult
    func expectProblem(
        _ status: Int, _ code: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> ProblemDetails {
        #expect(self.status.code == status, sourceLocation: sourceLocation)
        #expect(self.headers[.contentType] == "application/problem+json", sourceLocation: sourceLocation)
        let problem = try self.decoded(ProblemDetails.self)
        #expect(problem.status == status, sourceLocation: sourceLocation)
        #expect(problem.code == code, sourceLocation: sourceLocation)
        #expect(problem.type == "about:blank", sourceLocation: sourceLocation)
        #expect(!problem.title.isEmpty && !problem.detail.isEmpty, sourceLocation: sourceLocation)
        return problem
    }
}
