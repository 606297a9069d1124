// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import PrometheusMetrics

/// Answers requests: finds the route, checks who asks, asks the backend, and turns every error into a problem document.
struct AdminResponder: HTTPResponder {
    typealias Context = AdminRequestContext

    /// Largest body of a request, in bytes.
    static let largestBody = 1_000_000

    private let backend: any AdminBackend
    private let authorization: AdminAuthorization
    private let events: PresenceEventHub
    private let metrics: PrometheusRegistry
    private let logger: Logger

    init(
        configuration: AdminConfiguration, backend: any AdminBackend, events: PresenceEventHub,
        metrics: PrometheusRegistry, logger: Logger
    ) {
        self.backend = backend
        self.authorization = AdminAuthorization(configuration: configuration)
        self.events = events
        self.metrics = metrics
        self.logger = logger
    }

    func respond(to request: Request, context: Context) async throws -> Response {
        let route = AdminRoute(path: request.uri.path)
        var response: Response
        do {
            response = try await self.answer(request, route, context)
        } catch let error as AdminError {
            response = try .problem(error)
        } catch {
            self.logger.error(
                "Admin request failed",
                metadata: ["endpoint": "\(route?.endpoint.rawValue ?? "-")", "error": "\(error)"])
            response = try .problem(.internalError)
        }
        self.secure(&response, for: route?.endpoint)
        self.count(request.method, route?.endpoint, response.status)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request, _ route: AdminRoute?, _ context: Context) async throws -> Response {
        guard let route else { throw AdminError.notFound("there is nothing at this path") }
        let methods = route.endpoint.methods
        guard methods.contains(request.method) else {
            throw AdminError.methodNotAllowed(methods.map(\.rawValue))
        }
        try self.authorization.check(request, for: route.endpoint)
        switch route.endpoint {
        case .page: return .text(AdminPage.html, type: "text/html; charset=utf-8")
        case .script: return .text(AdminPage.script, type: "text/javascript; charset=utf-8")
        case .style: return .text(AdminPage.style, type: "text/css; charset=utf-8")
        case .openAPI: return .text(OpenAPIDocument.yaml, type: "application/yaml; charset=utf-8")
        case .healthz: return try .json(["status": "ok"])
        case .readyz: return try await self.readiness()
        case .metrics: return .text(await self.metrics.exposition(), type: PrometheusRegistry.contentType)
        case .presence: return try await self.presence(request)
        case .presenceUser: return try await self.presence(of: route, request)
        case .presenceEvents: return try self.events.response(to: request, channel: context.channel)
        case .nodes: return try .json(ListPage(whole: try await self.backend.nodes()))
        case .namespaces: return try .json(ListPage(whole: try await self.backend.namespaces()))
        case .rooms: return try await self.rooms(request)
        case .emit: return try await self.emit(request)
        case .drain: return try await self.drain()
        }
    }

    // MARK: Endpoints

    private func readiness() async throws -> Response {
        let report = await self.backend.readiness()
        return try .json(report, status: report.ready ? .ok : .serviceUnavailable)
    }

    private func presence(_ request: Request) async throws -> Response {
        let query = try AdminQuery(request.uri.query)
        let page = try await self.backend.presence(
            limit: try query.limit(), cursor: try query.cursor(), node: query["node"])
        return try .json(page)
    }

    private func presence(of route: AdminRoute, _ request: Request) async throws -> Response {
        guard let user = PercentDecoding.decode(route.user) else {
            throw AdminError(
                code: "INVALID_USER", status: 400, message: "the user id in the path is not percent-encoded UTF-8")
        }
        if request.method == .delete {
            let count = try await self.backend.disconnect(user: user)
            self.logger.info("User disconnected by admin", metadata: ["user": "\(user)", "connections": "\(count)"])
            return try .json(["disconnected": count])
        }
        guard let item = try await self.backend.presence(of: user) else {
            throw AdminError.notFound("this user is offline")
        }
        return try .json(item)
    }

    private func rooms(_ request: Request) async throws -> Response {
        let query = try AdminQuery(request.uri.query)
        let page = try await self.backend.rooms(
            namespace: query["namespace"] ?? "/", limit: try query.limit(), cursor: try query.cursor())
        return try .json(page)
    }

    private func emit(_ request: Request) async throws -> Response {
        let emit = try EmitRequest(json: try await Self.body(of: request))
        try await self.backend.emit(emit)
        self.logger.info(
            "Event emitted by admin",
            metadata: ["nsp": "\(emit.namespace)", "event": "\(emit.event)", "rooms": "\(emit.rooms.count)"])
        return try .json(["status": "accepted"], status: .accepted)
    }

    private func drain() async throws -> Response {
        try await self.backend.drain()
        self.logger.info("Drain started by admin")
        return try .json(["status": "draining"], status: .accepted)
    }

    private static func body(of request: Request) async throws -> [UInt8] {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.largestBody {
            throw AdminError.payloadTooLarge(limit: Self.largestBody)
        }
        do {
            let buffer = try await request.body.collect(upTo: Self.largestBody)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw AdminError.payloadTooLarge(limit: Self.largestBody)
        } catch {
            throw AdminError.invalidRequest("the body could not be read")
        }
    }

    // MARK: Every answer

    private func secure(_ response: inout Response, for endpoint: AdminEndpoint?) {
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.crossOriginResourcePolicy] = "same-origin"
        response.headers.set("Referrer-Policy", "no-referrer")
        response.headers[.contentSecurityPolicy] =
            endpoint == .page ? AdminPage.contentSecurityPolicy : "default-src 'none'; frame-ancestors 'none'"
    }

    private func count(_ method: HTTPRequest.Method, _ endpoint: AdminEndpoint?, _ status: HTTPResponse.Status) {
        self.metrics.counter(
            "rollcall_admin_requests", help: "Requests to the admin endpoint.",
            labels: ["endpoint": endpoint?.rawValue ?? "unknown", "status": String(status.code)]
        ).increment()
        self.logger.debug(
            "Admin request",
            metadata: [
                "method": "\(method)", "endpoint": "\(endpoint?.rawValue ?? "unknown")", "status": "\(status.code)",
            ])
    }
}
