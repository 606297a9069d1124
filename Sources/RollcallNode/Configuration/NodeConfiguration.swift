// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import HiredisClient
package import Logging
package import RollcallAuth
package import UserRegistryCore

/// Everything that a node is told at start, checked.
package struct NodeConfiguration: Sendable {
    /// The node's name in presence.
    package var nodeID: String
    /// What every session id begins with, without the dash.
    package var sessionIDPrefix: String
    /// The Socket.IO listener.
    package var listener: Listener
    /// The bounds.
    package var limits: Limits
    /// The Redis server; without one the node is alone and keeps everything in memory.
    package var redis: Redis?
    /// The user registry.
    package var registry: Registry
    /// Who is let in, and to do what.
    package var authentication: Authentication
    /// The admin endpoint.
    package var admin: Admin
    /// What happens after SIGTERM.
    package var drain: Drain
    /// What is logged, and how.
    package var log: Log
    /// Lines for the log at start: what works but should not stay so.
    package var warnings: [String]

    /// The Socket.IO listener.
    package struct Listener: Sendable {
        /// Host name or address, without brackets.
        package var host: String
        /// 0 picks a free one.
        package var port: Int
        /// Without a trailing slash.
        package var path: String
        /// Certificate and key; both files could be read.
        package var tls: CertificateFiles?
        /// Threads.
        package var eventLoops: Int
        /// Addresses and blocks in CIDR notation whose `X-Forwarded-For` counts.
        package var trustedProxies: [String]
        /// Origins as browsers write them; `["*"]` is any.
        package var corsOrigins: [String]
    }

    /// PEM files.
    package struct CertificateFiles: Hashable, Sendable {
        /// Path of the certificate chain.
        package var certificate: String
        /// Path of its private key.
        package var key: String
    }

    /// The bounds. `nil` is no limit.
    package struct Limits: Hashable, Sendable {
        /// Time between two pings.
        package var pingInterval: Duration
        /// How long a pong may take.
        package var pingTimeout: Duration
        /// Bytes of one message and of one POST.
        package var maxPayload: Int
        /// How long a client may stay without being connected to a namespace.
        package var connectTimeout: Duration
        /// Sessions at a time.
        package var maxConnections: Int?
        /// Bytes that may wait for one client.
        package var maxQueuedBytes: Int?
        /// Handshakes per second and address.
        package var connectRate: Int?
        /// Messages per second and connection.
        package var eventRate: Int?
    }

    /// The Redis server.
    package struct Redis: Sendable {
        /// Where it is and who asks.
        package var url: RedisURL
        /// What the registry's keys begin with.
        package var prefix: String
        /// What the adapter's channels begin with.
        package var channelPrefix: String
        /// Path of the certificate authorities; `nil` is the system's.
        package var certificateAuthorities: String?
        /// Client certificate.
        package var tls: CertificateFiles?
    }

    /// The user registry.
    package struct Registry: Sendable {
        /// All times; they follow from the lease.
        package var timing: RegistryTiming
        /// How many partitions there are.
        package var partitions: Int
        /// What happens to a user's second connection.
        package var duplicates: DuplicatePolicy
        /// Text of the refusal.
        package var duplicateMessage: String
    }

    /// Who is let in, and to do what.
    package struct Authentication: Sendable {
        /// Which tokens are accepted. It has a key whenever a node is to be started.
        package var jwt: JWTConfiguration
        /// A cookie that may hold the token.
        package var cookie: String?
        /// What happens when the token of an admitted user expires.
        package var tokenExpiry: TokenExpiry
        /// What users may do whose token does not say.
        package var grants: Grants
    }

    /// What happens when the token of an admitted user expires.
    package enum TokenExpiry: String, Sendable {
        /// The connection ends.
        case disconnect
        /// Nothing.
        case ignore
    }

    /// The admin endpoint.
    package struct Admin: Hashable, Sendable {
        /// Host name or address, without brackets.
        package var host: String
        /// 0 picks a free one.
        package var port: Int
        /// The bearer token; without one only loopback may be bound.
        package var token: Secret?
        /// Whether `/metrics` needs none.
        package var metricsPublic: Bool
    }

    /// What happens after SIGTERM.
    package struct Drain: Hashable, Sendable {
        /// How long nothing is closed yet.
        package var delay: Duration
        /// Over how long the connections are closed then.
        package var duration: Duration
    }

    /// What is logged, and how.
    package struct Log: Hashable, Sendable {
        /// The lowest level that is written.
        package var level: Logger.Level
        /// The form of a line.
        package var format: LogFormat
    }
}

extension NodeConfiguration: CustomStringConvertible, CustomReflectable {
    /// The name only: printing a configuration must not show what is secret in it.
    package var description: String { "NodeConfiguration(\(self.nodeID))" }
    /// Nothing to look into, for the same reason.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
