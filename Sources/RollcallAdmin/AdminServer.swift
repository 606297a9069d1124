// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Hummingbird
import HummingbirdCore
package import Logging
package import NIOCore
package import PrometheusMetrics
import Synchronization

/// The admin endpoint: health, readiness, metrics, presence, rooms, emit, drain, the OpenAPI document and the admin
/// page.
///
/// `run()` serves until the task is cancelled or its service group shuts down gracefully.
package struct AdminServer: Sendable {
    /// Connections at once; further ones wait in the backlog.
    private static let connections = 1_000
    /// How long a connection may be idle, and a request may take to arrive.
    private static let idleTimeout = TimeAmount.seconds(60)

    private let configuration: AdminConfiguration
    private let backend: any AdminBackend
    private let metrics: PrometheusRegistry
    private let eventLoopGroup: (any EventLoopGroup)?
    private let logger: Logger
    private let onListening: @Sendable (SocketAddress) async -> Void
    let events: PresenceEventHub

    /// A server that listens once it is run.
    /// - Parameters:
    ///   - configuration: where to listen and who may call.
    ///   - backend: what to serve.
    ///   - metrics: what `/metrics` shows; the server's own counters are put there, too.
    ///   - eventLoopGroup: where connections live; NIO's shared group if nil.
    ///   - logger: for failures (error), changes made by admins (info) and requests (debug).
    ///   - onListening: called once with the real address, before the first request is served.
    package init(
        configuration: AdminConfiguration, backend: any AdminBackend, metrics: PrometheusRegistry,
        eventLoopGroup: (any EventLoopGroup)? = nil, logger: Logger,
        onListening: @escaping @Sendable (SocketAddress) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.backend = backend
        self.metrics = metrics
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.onListening = onListening
        let cutOff = metrics.counter(
            "rollcall_admin_event_streams_cut_off", help: "Event streams closed because their reader was too slow.")
        let events = PresenceEventHub(
            history: configuration.eventHistory, streams: configuration.eventStreams,
            cutOff: { cutOff.increment() })
        self.events = events
        // Only a second server on the same registry would find the name taken, and then the first one's figure stands.
        try? metrics.addCollector("rollcall_admin_event_streams", help: "Open event streams.", type: .gauge) {
            Double(events.readerCount)
        }
    }

    /// Binds and serves.
    /// - Throws: `AdminConfigurationError` before anything is bound, `AdminListenError` when the address cannot be had.
    package func run() async throws {
        try self.configuration.validate()
        let listening = Mutex(false)
        let application = self.application { address in
            listening.withLock { $0 = true }
            if let address {
                await self.onListening(address)
            }
        }
        do {
            try await self.serve(application)
        } catch let error where !(error is CancellationError) && !listening.withLock({ $0 }) {
            throw AdminListenError(host: self.configuration.host, port: self.configuration.port, reason: "\(error)")
        }
    }

    private enum Part {
        case server, helper
    }

    private func serve(_ application: some ApplicationProtocol) async throws {
        try await withThrowingTaskGroup(of: Part.self) { group in
            group.addTask {
                try await application.run()
                return .server
            }
            group.addTask {
                for await _ in self.events.demand where self.events.isRead {
                    await self.followPresence()
                }
                return .helper
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: self.configuration.eventHeartbeat)
                    self.events.heartbeat()
                }
            }
            defer {
                self.events.close()
                group.cancelAll()
            }
            while let part = try await group.next() {
                if part == .server {
                    return
                }
            }
        }
    }

    /// Takes presence events from the backend until nobody has read them for a while.
    private func followPresence() async {
        await withTaskGroup { group in
            group.addTask {
                let events = self.backend.presenceEvents()
                // Whoever began to read may have listed the users before the backend was asked.
                self.events.publish(.reset(time: .now()))
                for await event in events {
                    self.events.publish(event)
                }
            }
            group.addTask {
                repeat {
                    guard (try? await Task.sleep(for: self.configuration.eventLinger)) != nil else { return }
                } while !self.events.endHistoryIfUnread()
            }
            await group.next()
            group.cancelAll()
        }
    }

    /// The Hummingbird application; tests run it in their own way.
    func application(
        onServerRunning: @escaping @Sendable (SocketAddress?) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        let events = self.events
        var quiet = self.logger
        quiet.logLevel = max(quiet.logLevel, .notice)
        let responder = AdminResponder(
            configuration: self.configuration, backend: self.backend, events: events, metrics: self.metrics,
            logger: self.logger)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [QuiescingHandler(events: events)], idleTimeout: Self.idleTimeout,
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100))
        let host = AdminConfiguration.withoutBrackets(self.configuration.host)
        return Application(
            responder: responder, server: .http1(configuration: http),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: self.configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connections, logger: quiet)),
            onServerRunning: { channel in await onServerRunning(channel.localAddress) },
            eventLoopGroupProvider: self.eventLoopGroup.map { .shared($0) } ?? .singleton,
            logger: quiet)
    }
}

/// The admin endpoint cannot listen where it should.
package struct AdminListenError: Error, CustomStringConvertible {
    /// The host that was configured.
    package let host: String
    /// The port that was configured.
    package let port: Int
    /// What the system says.
    package let reason: String

    /// A line for standard error.
    package var description: String {
        "the admin endpoint cannot listen on \(self.host):\(self.port): \(self.reason)"
    }
}
