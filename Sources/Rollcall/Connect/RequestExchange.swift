// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer

/// An HTTP request or a WebSocket handshake before anything else has looked at it: what ``SocketIOServer/onRequest(_:)-(_)`` gets.
public struct RequestExchange: Sendable {
    /// The request; ``Handshake/auth`` is empty, since there is no CONNECT packet yet.
    public let request: Handshake
    /// Whether the request has no `sid`, so that it would open a session.
    public let opensSession: Bool
    /// Headers to add to the answer. Those with line breaks are left out.
    public var responseHeaders: [(name: String, value: String)] = []

    init(request: Handshake, opensSession: Bool) {
        self.request = request
        self.opensSession = opensSession
    }

    var verdict: EngineCheck.Verdict {
        .success(
            self.responseHeaders.filter { header in
                !header.name.isEmpty && !(header.name + header.value).utf8.contains { $0 < 0x20 || $0 == 0x7F }
            })
    }
}

/// Thrown by a request hook to refuse a request: HTTP 403 with the message, as the reference's `allowRequest`. Official clients try
/// again after it.
public struct HandshakeRefusal: Error, Sendable, Hashable {
    /// For the client.
    public var message: String

    /// Memberwise; the reference's text by default.
    public init(_ message: String = "Forbidden") { self.message = message }
}

/// A step that requests pass.
enum RequestHook: Sendable {
    case synchronous(@Sendable (inout RequestExchange) throws -> Void)
    case asynchronous(@Sendable (inout RequestExchange) async throws -> Void)

    /// Runs hooks in order, on the event loop as far as none of them waits.
    static func run(_ hooks: [RequestHook], _ exchange: RequestExchange) -> EngineCheck {
        var exchange = exchange
        for (index, hook) in hooks.enumerated() {
            guard case .synchronous(let body) = hook else {
                let (rest, sofar) = (Array(hooks[index...]), exchange)
                return .waiting { await Self.wait(for: rest, sofar) }
            }
            do { try body(&exchange) } catch { return .decided(.failure(Self.refusal(error))) }
        }
        return .decided(exchange.verdict)
    }

    private static func wait(for hooks: [RequestHook], _ exchange: RequestExchange) async -> EngineCheck.Verdict {
        var exchange = exchange
        do {
            for hook in hooks {
                switch hook {
                case .synchronous(let body): try body(&exchange)
                case .asynchronous(let body): try await body(&exchange)
                }
            }
        } catch {
            return .failure(Self.refusal(error))
        }
        return exchange.verdict
    }

    private static func refusal(_ error: any Error) -> EngineHTTPError {
        switch error {
        case let error as HandshakeRefusal: .forbidden(error.message)
        case let error as TemporaryRefusal: .unavailable(code: error.code)
        default: .badRequest  // what a failing middleware of the reference's engine leads to
        }
    }
}
