// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// The settings of an Engine.IO server. Names and defaults are the reference's (`engine.io` server options) where it has them.
package struct EngineConfiguration: Sendable {
    /// Requests below this path are ours; a trailing slash is added.
    package var path = "/socket.io"
    /// Up to four characters that begin every session id, so that a balancer can route by `sid`.
    package var sidPrefix = ""
    package var allowsPolling = true
    package var allowsWebSocket = true
    package var allowUpgrades = true
    /// Whether clients of protocol 3 (Socket.IO 2) may come: those that say `EIO=3`, or nothing.
    package var allowEIO3 = false
    package var pingInterval: TimeAmount = .seconds(25)
    package var pingTimeout: TimeAmount = .seconds(20)
    package var upgradeTimeout: TimeAmount = .seconds(10)
    /// After how long the receiver of a session is asked whether it is used; nil: never.
    package var connectTimeout: TimeAmount?
    /// Bytes of one message, and of one POST.
    package var maxPayload = 1_000_000
    /// Bytes of a polling answer from which on it is compressed, where the client accepts that; nil: never.
    package var httpCompression: Int? = 1024
    /// Bytes that may wait for one client before it is closed as a slow consumer. 0: no limit.
    package var maxQueuedBytes = 1 << 20
    /// Sessions at a time. 0: no limit.
    package var maxConnections = 0
    /// Handshakes per second and address; loopback is exempt. 0: no limit.
    package var connectRate = 200
    /// Messages per second and connection; above it reading pauses. 0: no limit.
    package var eventRate = 1000
    /// How long a request's header, and its body, may take to arrive.
    package var requestTimeout: TimeAmount = .seconds(10)
    /// How long a client may keep an HTTP connection open without a request.
    package var keepAliveTimeout: TimeAmount = .seconds(65)
    package var cors: CORSConfiguration?
    package var cookie: CookieConfiguration?
    /// Whose `X-Forwarded-For` counts.
    package var trustedProxies: [AddressRange] = []
    /// Delay before a handshake is answered.
    package var handshakeDelay: TimeAmount = .zero
    /// Makes the handler of TLS, put in front of every connection. With it no bytes are written past the channel.
    package var makeTLSHandler: (@Sendable () throws -> any ChannelHandler)?
    /// Compression of WebSocket messages; nil: none is offered.
    package var perMessageDeflate: PerMessageDeflate?
    /// Plain RFC 6455 endpoints beside Engine.IO, by path.
    package var webSocketEndpoints: [String: WebSocketEndpoint] = [:]
    /// Another path prefix whose sessions send every message back: what the protocol's test suite asks for.
    package var engineEchoPath: String?
    /// How long a WebSocket that is closed waits for the peer's close frame.
    package var closeTimeout: TimeAmount = .seconds(2)
    /// The clock of heartbeats, of the time that requests may take, and of rates of handshakes. Tests have one of their own.
    package var now: @Sendable () -> NIODeadline = { .now() }

    package init() {}

    /// `path` with one slash at its end: what a request's path must begin with.
    var pathPrefix: String { Self.withSlash(self.path) }

    /// Whether the path (without its query) is ours: it lies below one of the prefixes, or is one without its slash.
    func serves(_ path: some Collection<UInt8>) -> Bool {
        Self.matches(path, self.pathPrefix) || self.servesEcho(path)
    }

    /// Whether sessions of this path send every message back.
    func servesEcho(_ path: some Collection<UInt8>) -> Bool {
        self.engineEchoPath.map { Self.matches(path, Self.withSlash($0)) } ?? false
    }

    private static func withSlash(_ path: String) -> String { path.hasSuffix("/") ? path : path + "/" }

    private static func matches(_ path: some Collection<UInt8>, _ prefix: String) -> Bool {
        path.starts(with: prefix.utf8) || path.elementsEqual(prefix.utf8.dropLast())
    }
}

/// A plain WebSocket endpoint: what comes in is handed over, what is returned goes back.
package struct WebSocketEndpoint: Sendable {
    /// Bytes of one message.
    package var maxPayload: Int
    /// Sends every message back as it came. The only behaviour that anything needs so far.
    package static func echo(maxPayload: Int) -> WebSocketEndpoint { WebSocketEndpoint(maxPayload: maxPayload) }
}

/// The cookie of the first polling answer of a session (`cookie` option of the reference).
package struct CookieConfiguration: Sendable {
    package var name: String
    package var attributes: String

    package init(name: String, attributes: String = "Path=/; HttpOnly; SameSite=Lax") {
        self.name = name
        self.attributes = attributes
    }
}
