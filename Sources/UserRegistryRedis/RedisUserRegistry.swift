// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import HiredisClient
package import Logging
package import NIOCore
package import UserRegistryCore

/// The registry of a cluster: claims and leases in Redis, decided there by scripts.
///
/// All its work is done on one event loop, over three connections: commands, questions, and messages. ``run()`` keeps
/// them up. Callbacks of ``RegistryConnection`` come on that loop.
package final class RedisUserRegistry: UserRegistry {
    package let gate: LeaseGate

    let options: RegistryOptions
    let queries: RegistryQueries
    let shared: RegistryShared
    private let eventLoop: any EventLoop
    private let client: RedisClient
    private let subscriber: RedisSubscriber
    private let loop: NIOLoopBoundBox<RegistryLoop>
    private let failures: AsyncStream<RegistryError>

    /// Creates a registry; it connects when ``run()`` is called.
    ///
    /// - Parameters:
    ///   - configuration: where Redis is. Its command timeout and demand for a master are set by the registry.
    ///   - prefix: begins the names of all keys; without braces.
    ///   - scope: the Socket.IO namespace: a user may be connected once in it.
    ///   - nodeID: as presence shows it.
    ///   - timing: the same on all nodes.
    ///   - partitions: 1 to 64, the same on all nodes.
    ///   - nodeInfo: what the node tells of itself, as JSON text; asked at every heartbeat, on the event loop.
    package init(
        configuration: RedisConfiguration, eventLoop: any EventLoop, prefix: String = "rollcall", scope: String = "/",
        nodeID: String, policy: DuplicatePolicy = .probe, timing: RegistryTiming = RegistryTiming(),
        partitions: Int = 16, nodeInfo: @escaping @Sendable () -> String = { "{}" }, logger: Logger
    ) {
        self.options = RegistryOptions(
            prefix: prefix, scope: scope, nodeID: nodeID, policy: policy, timing: timing, partitions: partitions,
            nodeInfo: nodeInfo, logger: logger)
        self.eventLoop = eventLoop
        self.gate = LeaseGate(partitions: self.options.constants.partitions)
        self.shared = RegistryShared(gate: self.gate, timing: timing)
        var main = configuration
        main.requireMaster = true
        // A late answer is harmless, a reset costs a handshake: half a lease without any answer.
        main.commandTimeout = .nanoseconds(Int64(clamping: timing.lease.wholeNanoseconds / 2))
        self.client = RedisClient(configuration: main, eventLoop: eventLoop, logger: logger)
        self.subscriber = RedisSubscriber(configuration: configuration, eventLoop: eventLoop, logger: logger)
        self.queries = RegistryQueries(configuration: configuration, options: self.options, eventLoop: eventLoop)
        let (failures, failure) = AsyncStream.makeStream(of: RegistryError.self)
        self.failures = failures
        self.loop = .makeBoxSendingValue(
            RegistryLoop(
                options: self.options, eventLoop: eventLoop, shared: self.shared, client: self.client,
                subscriber: self.subscriber, onFailure: { failure.yield($0) }),
            eventLoop: eventLoop)
    }

    package var acceptsClaims: Bool { self.shared.acceptsClaims }

    package var status: RegistryStatus { self.shared.status }

    package func claim(
        user: String, details: ConnectionDetails, connection: any RegistryConnection
    ) -> ClaimID {
        let hash = UserPartition.crc32(user)
        let id = self.shared.makeID(partition: Int(hash % UInt32(self.options.constants.partitions)))
        let info = RecordInfo.encode(details, scope: self.options.scope)
        self.hand(.claim(id, user: user, hash: hash, info: info, since: details.connectedAt, connection))
        return ClaimID(rawValue: id)
    }

    package func release(_ claim: ClaimID, completion: @escaping @Sendable () -> Void) {
        self.hand(.release(claim.rawValue, completion))
    }

    package func update(_ claim: ClaimID, details: ConnectionDetails) {
        self.hand(.update(claim.rawValue, info: RecordInfo.encode(details, scope: self.options.scope)))
    }

    /// Keeps the leases until cancelled.
    ///
    /// - Throws: ``RegistryError`` with code ``RegistryError/Code/mismatch`` when other nodes live in this registry
    /// under
    ///   other constants; a `RedisError` when the configuration cannot work.
    package func run() async throws {
        guard !self.options.prefix.contains(where: { $0 == "{" || $0 == "}" }) else {
            throw RegistryError(.mismatch, "the registry's prefix must not contain braces")
        }
        try await self.eventLoop.submit {
            self.queries.start()
            self.loop.value.start()
        }.get()
        let result = await self.serve()
        try? await self.eventLoop.submit { self.loop.value.stop() }.get()
        self.shared.hub.finish()
        try result.get()
    }

    private func serve() async -> Result<Void, any Error> {
        await withTaskGroup(of: Result<Void, any Error>.self) { group in
            group.addTask { await Self.result { try await self.client.run() } }
            group.addTask { await Self.result { try await self.subscriber.run() } }
            group.addTask { await Self.result { try await self.queries.client.run() } }
            group.addTask {
                for await failure in self.failures { return .failure(failure) }
                return .success(())
            }
            let first = await group.next() ?? .success(())
            group.cancelAll()
            return first
        }
    }

    private static func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do {
            try await body()
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    package func leave() async {
        await withCheckedContinuation { continuation in
            self.eventLoop.execute { self.loop.value.leave { continuation.resume() } }
        }
    }

    package func events() -> AsyncStream<PresenceEvent> {
        let stream = self.shared.hub.stream()
        self.eventLoop.execute { self.loop.value.updateListening() }
        return stream
    }

    /// All calls go through the inbox, those from the loop itself too: they keep their order, and no callback runs
    /// inside a call.
    private func hand(_ operation: RegistryShared.Operation) {
        if self.shared.add(operation) { self.eventLoop.execute { self.loop.value.drain() } }
    }
}
