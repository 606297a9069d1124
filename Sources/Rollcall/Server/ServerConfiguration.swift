// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import NIOCore

/// The settings of a ``SocketIOServer``. Names and defaults are the reference's where it has them.
public struct ServerConfiguration: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 picks a free one.
    public var port = 3000
    /// Requests below this path are Socket.IO's.
    public var path = "/socket.io"
    /// How many event loops serve connections.
    public var eventLoops = 1
    /// Up to four characters of `[A-Za-z0-9]` that begin every session id, so that a balancer can route by `sid`.
    public var sidPrefix = ""
    /// Which transports are offered.
    public var transports: Set<Transport> = [.polling, .webSocket]
    /// Whether a polling client may change to WebSocket.
    public var allowUpgrades = true
    /// Whether clients of Socket.IO 2 (Engine.IO 3) may come.
    public var allowEIO3 = false
    /// Bytes of a polling answer from which on it is compressed, where the client accepts that; nil: never.
    public var httpCompression: Int? = 1024
    /// How often clients are pinged.
    public var pingInterval: Duration = .seconds(25)
    /// How long a client may take to answer a ping.
    public var pingTimeout: Duration = .seconds(20)
    /// How long an upgrade may take.
    public var upgradeTimeout: Duration = .seconds(10)
    /// How long a client may take to join a namespace.
    public var connectTimeout: Duration = .seconds(45)
    /// Whether ``Socket/handshake`` keeps the request's headers and query and the CONNECT packet's payload (a token, often) after
    /// the `onConnection` handlers, as the reference does. If not, the address is all that is left, also for what the client joins
    /// later on the same connection: about 1 KiB less for each.
    public var keepsHandshakes = true
    /// Whether a child of a ``ParentNamespace`` goes when its last socket has left it, and with it what clients might come back to
    /// (see ``ConnectionStateRecovery``). If not, it stays until ``Limits/maxChildNamespaces`` makes it go.
    public var cleanupEmptyChildNamespaces = false
    /// How packets become messages: clients must use the same.
    public var parser = Parser.default
    /// Gives clients that come back in time their session again; nil: off, as in the reference.
    public var connectionStateRecovery: ConnectionStateRecovery?
    /// Bounds.
    public var limits = Limits()
    /// Cross-origin rules; nil: none.
    public var cors: CORS?
    /// A cookie with the session's id on the first polling answer, as in the reference; nil: none.
    public var cookie: Cookie?
    /// CIDR blocks of proxies whose `X-Forwarded-For` counts.
    public var trustedProxies: [String] = []
    /// Delay before a handshake is answered; for tests of clients.
    public var handshakeDelay: Duration = .zero
    /// Compression of WebSocket messages by `permessage-deflate` (RFC 7692); nil, the default: none is offered.
    public var perMessageDeflate: PerMessageDeflate?
    /// Serves `path` as a plain WebSocket echo, for the test suites of RFC 6455. Value: bytes of the largest message.
    public var webSocketEcho: [String: Int] = [:]
    /// Serves Engine.IO without Socket.IO below this path, sending every message back; for the protocol's test suite.
    public var engineEchoPath: String?
    /// Makes the handler of TLS that is put in front of each connection.
    public var makeTLSHandler: (@Sendable () throws -> any ChannelHandler)?
    /// How long a WebSocket that is closed waits for the client's close frame.
    var closeTimeout: Duration = .seconds(2)
    /// The clock of heartbeats, timeouts and expiries. Tests have one of their own.
    var now: @Sendable () -> NIODeadline = { .now() }

    /// All defaults.
    public init() {}

    /// How packets travel.
    public enum Transport: String, Hashable, Sendable {
        /// HTTP long-polling.
        case polling
        /// WebSocket.
        case webSocket = "websocket"
    }

    /// Bounds of what clients may use. 0 means no limit for the last four.
    public struct Limits: Sendable {
        /// Bytes of one message.
        public var maxPayload = 1_000_000
        /// Binary attachments of one packet of the default parser. Other parsers have binary values inside their messages.
        public var maxAttachments = 10
        /// Bytes of all attachments of one packet.
        public var maxAttachmentBytes = 4_000_000
        /// Children of all ``ParentNamespace``s together. Where there are as many, one without sockets goes for a new one; where all
        /// have some, the new one is refused as an invalid namespace.
        public var maxChildNamespaces = 1000
        /// How long a request's header, and its body, may take.
        public var requestTimeout: Duration = .seconds(10)
        /// Sessions at a time.
        public var maxConnections = 0
        /// Bytes that may wait for one client; above it the client is closed as a slow consumer.
        public var maxQueuedBytes = 1 << 20
        /// Handshakes per second and address, loopback exempt.
        public var connectRate = 200
        /// Events per second and connection; above it reading pauses.
        public var eventRate = 1000
    }

    /// Cross-origin rules.
    public struct CORS: Sendable {
        /// Origins that may read our answers; empty: any.
        public var origins: [String]
        /// Whether cookies may come along.
        public var credentials: Bool

        /// Memberwise.
        public init(origins: [String], credentials: Bool) {
            self.origins = origins
            self.credentials = credentials
        }
    }

    /// The cookie of a session.
    public struct Cookie: Sendable {
        /// Its name; the value is the session's id.
        public var name: String
        /// What follows the value.
        public var attributes: String

        /// Memberwise; attributes as in the reference by default.
        public init(name: String = "io", attributes: String = "Path=/; HttpOnly; SameSite=Lax") {
            self.name = name
            self.attributes = attributes
        }
    }
}
