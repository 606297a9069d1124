// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The name of a setting: its path in the YAML file. Flag and environment variable follow from it.
package enum SettingKey: String, CaseIterable, Sendable {
    case host
    case port
    case path
    case tlsCertificate = "tls.certificate"
    case tlsKey = "tls.key"
    case proxyProtocol = "proxy-protocol"
    case trustedProxy = "trusted-proxy"
    case corsOrigin = "cors.origin"
    case eventLoops = "event-loops"
    case nodeID = "node-id"
    case sessionIDPrefix = "sid-prefix"
    case redisURL = "redis.url"
    case redisPrefix = "redis.prefix"
    case redisChannelPrefix = "redis.channel-prefix"
    case redisCA = "redis.ca"
    case redisCertificate = "redis.certificate"
    case redisKey = "redis.key"
    case adapter
    case jwtSecret = "jwt.secret"
    case jwtSecretFile = "jwt.secret-file"
    case jwtPublicKey = "jwt.public-key"
    case jwks
    case jwtIssuer = "jwt.issuer"
    case jwtAudience = "jwt.audience"
    case jwtLeeway = "jwt.leeway"
    case authCookie = "auth-cookie"
    case tokenExpiry = "token-expiry"
    case grant
    case duplicates
    case duplicateMessage = "duplicate-message"
    case lease
    case leaseMilliseconds = "lease-ms"
    case registryMode = "registry.mode"
    case registryPartitions = "registry.partitions"
    case stateDirectory = "state-dir"
    case pingInterval = "ping-interval"
    case pingTimeout = "ping-timeout"
    case maxPayload = "max-payload"
    case connectTimeout = "connect-timeout"
    case maxConnections = "max-connections"
    case maxQueuedBytes = "max-queued-bytes"
    case connectRate = "connect-rate"
    case eventRate = "event-rate"
    case adminHost = "admin.host"
    case adminPort = "admin.port"
    case adminToken = "admin.token"
    case adminTokenFile = "admin.token-file"
    case metricsPublic = "metrics-public"
    case drainDelay = "drain.delay"
    case drainDuration = "drain.duration"
    case logLevel = "log.level"
    case logFormat = "log.format"
    case config

    /// The flag, with its dashes.
    package var flag: String {
        "--" + self.rawValue.split(separator: ".").joined(separator: "-")
    }

    /// The environment variable.
    package var environmentVariable: String {
        let words = self.rawValue.uppercased().split { $0 == "." || $0 == "-" }
        return ([Self.environmentPrefix] + words.map(String.init)).joined(separator: "_")
    }

    /// What the names of all environment variables begin with, without the underscore.
    package static let environmentPrefix = "ROLLCALL"
}
