// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import ArgumentParser
import Logging
import Rollcall
import RollcallRedis
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A server on the library's public API only, for public test suites and the load generator.
@main
struct ConformanceServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "conformance-server")

    enum Profile: String, ExpressibleByArgument, CaseIterable {
        case bench, client, harness
        case `protocol`
    }

    enum Parser: String, ExpressibleByArgument, CaseIterable {
        case standard, msgpack
    }

    @Option(help: "What the server answers.") var profile = Profile.bench
    @Option(help: "The port; 0 picks a free one.") var port = 3000
    @Option(help: "The path of Socket.IO.") var path = "/socket.io"
    @Option(name: .customLong("event-loops"), help: "How many event loops serve connections.") var eventLoops = 1
    @Option(name: .customLong("ping-interval"), help: "Milliseconds between pings.") var pingInterval: Int?
    @Option(name: .customLong("ping-timeout"), help: "Milliseconds to wait for a pong.") var pingTimeout: Int?
    @Option(name: .customLong("max-payload"), help: "Bytes of one message.") var maxPayload = 1_000_000
    @Option(help: "How packets become messages.") var parser = Parser.standard
    @Flag(name: .customLong("per-message-deflate"), help: "Offers compression of WebSocket messages.")
    var perMessageDeflate = false
    @Flag(help: "Also serves clients of Engine.IO 3 (Socket.IO 2).") var eio3 = false
    @Option(name: .customLong("redis-url"), help: "Shares broadcasts with other servers.") var redisURL: String?

    func run() async throws {
        let logger = Logger(label: "conformance-server", factory: { _ in SwiftLogNoOpLogHandler() })
        let cluster = try self.redisURL.map { try RedisCluster(url: $0) }
        let server = SocketIOServer(self.serverConfiguration, adapter: cluster.map { .redis($0) } ?? .none)
        self.setUp(server)
        // The listener stops first: the clients are told while the cluster still hears this server.
        let services: [any Service] = (cluster.map { [$0] } ?? []) + [AnnouncedServer(server: server)]
        try await ServiceGroup(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
        ).run()
    }

    private var serverConfiguration: ServerConfiguration {
        var configuration = ServerConfiguration()
        configuration.port = self.port
        configuration.path = self.path
        configuration.eventLoops = self.eventLoops
        configuration.limits.maxPayload = self.maxPayload
        configuration.limits.eventRate = 0
        configuration.allowEIO3 = self.eio3
        configuration.parser = self.parser == .msgpack ? .messagePack : .default
        if self.perMessageDeflate { configuration.perMessageDeflate = .init() }
        switch self.profile {
        case .bench: break
        case .client: ClientProfile.configure(&configuration)
        case .harness: HarnessProfile.configure(&configuration)
        case .protocol: ProtocolProfile.configure(&configuration)
        }
        if let pingInterval { configuration.pingInterval = .milliseconds(pingInterval) }
        if let pingTimeout { configuration.pingTimeout = .milliseconds(pingTimeout) }
        return configuration
    }

    private func setUp(_ server: SocketIOServer) {
        switch self.profile {
        case .bench: BenchProfile.setUp(server)
        case .client: ClientProfile.setUp(server)
        case .harness: HarnessProfile.setUp(server)
        case .protocol: ProtocolProfile.setUp(server)
        }
    }
}

/// Says where the server listens: whoever started us waits for this line.
private struct AnnouncedServer: Service {
    let server: SocketIOServer

    func run() async throws {
        let port = try await self.server.start()
        print("listening on 127.0.0.1:\(port)")
        fflush(nil)
        try await self.server.run()
    }
}
