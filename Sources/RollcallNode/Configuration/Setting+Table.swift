// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension Setting {
    /// Every setting of the node: the one table from which flags, environment, YAML and documentation are made.
    package static let all: [Setting] =
        Self.listener + Self.node + Self.redis + Self.authentication + Self.registry + Self.limits + Self.admin
        + Self.operation

    private static let listener: [Setting] = [
        Setting(
            .host, .listener, .text("HOST"), .value("127.0.0.1"),
            help: "Address of the Socket.IO listener; 0.0.0.0 serves the network."),
        Setting(
            .port, .listener, .integer(0...65_535), .value("3000"),
            help: "Port of the Socket.IO listener; 0 picks a free one."),
        Setting(.path, .listener, .text("PATH"), .value("/socket.io"), help: "Path that Engine.IO answers under."),
        Setting(
            .tlsCertificate, .listener, .file,
            help: "Certificate chain in PEM: TLS on the listener, together with tls.key."),
        Setting(.tlsKey, .listener, .file, help: "Private key in PEM of tls.certificate."),
        Setting(
            .proxyProtocol, .listener, .flag, availability: .notYet,
            help: "Expect PROXY protocol v2 from the load balancer."),
        Setting(
            .trustedProxy, .listener, .list("CIDR"),
            help: "Proxies whose X-Forwarded-For names the client: an address or a block such as 10.0.0.0/8."),
        Setting(
            .corsOrigin, .listener, .list("ORIGIN"),
            help: "Origins whose pages may connect, as https://app.example; * is any, which excludes cookies."),
        Setting(
            .eventLoops, .listener, .integer(1...1024), .computed("number of cores"),
            help: "Event loops, one thread each."),
    ]

    private static let node: [Setting] = [
        Setting(
            .nodeID, .node, .text("NAME"), .computed("random"),
            help: "Name of this node, shown in presence: 1 to 32 of [A-Za-z0-9._-]."),
        Setting(
            .sessionIDPrefix, .node, .text("PREFIX"), .computed("3 characters derived from node-id"),
            help: "What every session id begins with, so that a balancer can route by sid: 1 to 4 of [A-Za-z0-9], "
                + "unique in the cluster."),
    ]

    private static let redis: [Setting] = [
        Setting(
            .redisURL, .redis, .text("URL"), .computed("none: a single node, in memory"), isSecret: true,
            notYet: ["redis+sentinel://", "redis+cluster://"],
            help: "redis://[user:password@]host[:port][/db], rediss:// for TLS, or unix:///path."),
        Setting(
            .redisPrefix, .redis, .text("PREFIX"), .value("rollcall"),
            help: "What the keys of the user registry begin with."),
        Setting(
            .redisChannelPrefix, .redis, .text("PREFIX"), .value("socket.io"),
            help: "What the channels of the broadcast adapter begin with."),
        Setting(
            .redisCA, .redis, .file, .computed("the system's"),
            help: "Certificate authorities in PEM that a rediss:// server is checked against."),
        Setting(
            .redisCertificate, .redis, .file, help: "Client certificate in PEM for rediss://, together with redis.key."),
        Setting(.redisKey, .redis, .file, help: "Private key in PEM of redis.certificate."),
        Setting(
            .adapter, .redis, .choice(["classic"]), .value("classic"), notYet: ["sharded", "streams"],
            help: "How nodes exchange broadcasts; classic is the wire format of @socket.io/redis-adapter."),
    ]

    private static let authentication: [Setting] = [
        Setting(
            .jwtSecret, .authentication, .text("SECRET"), isSecret: true,
            help: "Shared secret that accepts HS256, HS384 and HS512 tokens; 32 bytes or more."),
        Setting(
            .jwtSecretFile, .authentication, .file,
            help: "File that holds the shared secret; one line break at its end does not count."),
        Setting(
            .jwtPublicKey, .authentication, .file,
            help: "Public key in PEM: RSA of at least 2048 bits (RS256), EC P-256 (ES256) or Ed25519 (EdDSA)."),
        Setting(
            .jwks, .authentication, .text("FILE|URL"), availability: .notYet,
            help: "JSON Web Key Set: a file or an https URL."),
        Setting(.jwtIssuer, .authentication, .text("TEXT"), help: "What the claim iss must be."),
        Setting(.jwtAudience, .authentication, .text("TEXT"), help: "What the claim aud must be or contain."),
        Setting(
            .jwtLeeway, .authentication, .duration(.zero...(.seconds(3600))), .value("5s"),
            help: "How far the issuer's clock may be off."),
        Setting(
            .authCookie, .authentication, .text("NAME"),
            help: "Accept the token from this cookie too; cors.origin must then name the origins, which are checked."),
        Setting(
            .tokenExpiry, .authentication, .choice(["disconnect", "ignore"]), .value("disconnect"),
            help: "What happens when the token of an admitted user expires."),
        Setting(
            .grant, .authentication, .list("GRANT"),
            help:
                "What a user may do whose token has no claim rollcall: join:PATTERN, send:PATTERN, broadcast, all. Rooms "
                + "user:… and rooms named like a session id are opened only by a pattern that spells them out."),
    ]

    private static let registry: [Setting] = [
        Setting(
            .duplicates, .registry, .choice(["reject", "probe", "replace"]), .value("probe"),
            notYet: ["limit:", "allow"],
            help:
                "What happens to a user's second connection: reject refuses it while the node of the first says that it is "
                + "open, probe only if the first still answers a ping, replace admits it and shuts the first."),
        Setting(
            .duplicateMessage, .registry, .text("TEXT"), .value("User is already connected."),
            help: "Text of the refusal."),
        Setting(
            .lease, .registry, .duration(.milliseconds(1)...(.seconds(3600))), .value("12s"),
            help: "How long a dead node's users stay reserved; at least 2s. The registry's other times scale with it."),
        Setting(
            .leaseMilliseconds, .registry, .integer(1...3_600_000), help: "The lease in milliseconds, instead of lease."
        ),
        Setting(
            .registryMode, .registry, .choice(["strict"]), .value("strict"), notYet: ["available"],
            help: "strict: a connection whose lease cannot be renewed is suspended at its deadline."),
        Setting(
            .registryPartitions, .registry, .integer(1...64), .value("16"),
            help: "Partitions of the registry, the same on all nodes and fixed for its life."),
        Setting(
            .stateDirectory, .registry, .text("DIRECTORY"), availability: .notYet,
            help: "Where a node proves that its predecessor is dead, so that a restart takes over at once."),
    ]

    private static let limits: [Setting] = [
        Setting(
            .pingInterval, .limits, .duration(.milliseconds(50)...(.seconds(3600))), .value("25s"),
            help: "Time between two pings."),
        Setting(
            .pingTimeout, .limits, .duration(.milliseconds(50)...(.seconds(3600))), .value("20s"),
            help: "How long a pong may take."),
        Setting(
            .maxPayload, .limits, .integer(1...1_000_000_000), .value("1000000"),
            help: "Bytes of one message and of one POST."),
        Setting(
            .connectTimeout, .limits, .duration(.seconds(1)...(.seconds(3600))), .value("45s"),
            help: "How long a client may stay without being connected to a namespace; at least 7/6 of the lease and 8s."
        ),
        Setting(
            .maxConnections, .limits, .integer(0...10_000_000), .computed("the open-file limit less 10 %"),
            help: "Sessions at a time; 0 is no limit."),
        Setting(
            .maxQueuedBytes, .limits, .integer(0...1_000_000_000), .value("1048576"),
            help: "Bytes that may wait for one client before it is closed as too slow; 0 is no limit."),
        Setting(
            .connectRate, .limits, .integer(0...1_000_000), .value("200"),
            help: "Handshakes per second and address, loopback exempt; 0 is no limit."),
        Setting(
            .eventRate, .limits, .integer(0...10_000_000), .value("1000"),
            help: "Messages per second and connection, above which reading pauses; 0 is no limit."),
    ]

    private static let admin: [Setting] = [
        Setting(
            .adminHost, .admin, .text("HOST"), .value("127.0.0.1"),
            help: "Address of the admin listener; anything but loopback needs a token."),
        Setting(
            .adminPort, .admin, .integer(0...65_535), .value("3100"),
            help: "Port of the admin listener; 0 picks a free one."),
        Setting(
            .adminToken, .admin, .text("TOKEN"), isSecret: true, help: "Bearer token that the admin API asks for."),
        Setting(
            .adminTokenFile, .admin, .file,
            help: "File that holds the bearer token; one line break at its end does not count."),
        Setting(.metricsPublic, .admin, .flag, help: "Serve /metrics without the token."),
    ]

    private static let operation: [Setting] = [
        Setting(
            .drainDelay, .operation, .duration(.zero...(.seconds(600))), .value("2s"),
            help: "After SIGTERM: how long the balancer is given to notice before connections are closed."),
        Setting(
            .drainDuration, .operation, .duration(.zero...(.seconds(3600))), .value("15s"),
            help: "Over how long the connections are then closed, in waves."),
        Setting(
            .logLevel, .operation, .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            .value("info"), help: "What is logged, to standard error."),
        Setting(
            .logFormat, .operation, .choice(["auto", "text", "json"]), .value("auto"),
            help: "auto is text on a terminal and one JSON object per line otherwise."),
        Setting(
            .config, .operation, .text("FILE"), help: "YAML file with any of these settings but this one."),
    ]
}
