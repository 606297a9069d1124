// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import Logging
import NIOCore
import Synchronization
import TestSupport
import UserRegistryCore

@testable import Rollcall

/// Runs `body` against a server on loopback, on threads that may block, and stops the server afterwards. Its clock stands
/// still, so that no client is too slow.
func withServer(
    loops: Int = 1, admission: Admission? = nil, logger: Logger = .silent, clock: TestClock = TestClock(),
    _ change: (inout ServerConfiguration) -> Void = { _ in },
    setUp: (SocketIOServer) -> Void = { _ in },
    _ body: @escaping @Sendable (SocketIOServer, Int) async throws -> Void
) async throws {
    var configuration = ServerConfiguration()
    configuration.port = 0
    configuration.eventLoops = loops
    configuration.limits.eventRate = 0
    configuration.now = { clock.now }
    configuration.closeTimeout = .seconds(300)  // nor finds who still writes its connection reset
    change(&configuration)
    let server = SocketIOServer(configuration, logger: logger)
    server.of("/", admission: admission)
    setUp(server)
    let port = try await server.start()
    do {
        try await blocking { try await body(server, port) }
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

extension SocketIOServer {
    /// Lets time pass on the server's clock, with everything that becomes due.
    func advance(_ clock: TestClock, by amount: TimeAmount) async throws {
        clock.advance(by: amount)
        for loop in self.engine.loops { try await loop.eventLoop.submit { loop.onLoop.tick() }.get() }
    }
}

extension TestClient {
    /// A client with a session and a socket in `/`.
    convenience init(connectedTo port: Int, receiveBuffer: Int32? = nil, auth: String = "") throws {
        try self.init(port: port, receiveBuffer: receiveBuffer)
        try self.openSession()
        try self.joinRoot(auth)
    }

    /// The socket's id.
    @discardableResult
    func joinRoot(_ auth: String = "") throws -> String {
        try self.send("40\(auth)")
        let answer = try self.readText()
        guard answer.hasPrefix("40{\"sid\":\"") else { throw TestFailure("no CONNECT: \(answer)") }
        return String(answer.dropFirst(10).prefix(20))
    }
}

/// A registry that answers when the test says so.
final class FakeRegistry: UserRegistry {
    struct Claim {
        var user: String
        var connection: (any RegistryConnection)?
        var transport: String
    }
    private struct State {
        var claims: [UInt64: Claim] = [:]
        var made: UInt64 = 0
        var releases: [UInt64: Int] = [:]
        var completions: [@Sendable () -> Void] = []
        var holdsReleases = false
        var grantsAtOnce = false
        var updates: [String] = []
    }
    let gate = LeaseGate(partitions: 4)
    private let state = Mutex(State())

    init(grantsAtOnce: Bool = false) {
        for partition in 0..<4 {
            self.gate.abandon(partition, incarnation: 1)
            self.gate.extend(partition, to: LeaseGate.never)
        }
        self.state.withLock { $0.grantsAtOnce = grantsAtOnce }
    }

    var acceptsClaims: Bool { true }
    /// Claims that were made and not released.
    var open: Int { self.state.withLock { $0.claims.count } }
    var made: Int { self.state.withLock { Int($0.made) } }
    var released: Int { self.state.withLock { $0.releases.count } }
    var isEachReleasedOnce: Bool { self.state.withLock { $0.releases.values.allSatisfy { $0 == 1 } } }
    var updates: [String] { self.state.withLock { $0.updates } }

    func holdReleases() { self.state.withLock { $0.holdsReleases = true } }
    func completeReleases() {
        let all = self.state.withLock { state in
            let all = state.completions
            state.completions = []
            state.holdsReleases = false
            return all
        }
        for completion in all { completion() }
    }

    func connection(of user: String) -> (any RegistryConnection)? {
        self.state.withLock { $0.claims.values.first { $0.user == user }?.connection }
    }

    func grant(_ user: String, incarnation: UInt32 = 1, partition: Int = 0) {
        self.connection(of: user)?.registryGranted(
            LeaseGrant(partition: partition, incarnation: incarnation, token: 1))
    }

    func claim(user: String, details: ConnectionDetails, connection: any RegistryConnection) -> ClaimID {
        let (id, isGranted) = self.state.withLock { state in
            state.made += 1
            state.claims[state.made] = Claim(user: user, connection: connection, transport: details.transport)
            return (state.made, state.grantsAtOnce)
        }
        // Users whose name ends so are of partition 1, all others of partition 0.
        let partition = user.hasSuffix("@1") ? 1 : 0
        if isGranted { connection.registryGranted(LeaseGrant(partition: partition, incarnation: 1, token: 1)) }
        return ClaimID(rawValue: id)
    }

    func release(_ claim: ClaimID, completion: @escaping @Sendable () -> Void) {
        let isHeld = self.state.withLock { state in
            state.claims[claim.rawValue] = nil
            state.releases[claim.rawValue, default: 0] += 1
            if state.holdsReleases { state.completions.append(completion) }
            return state.holdsReleases
        }
        if !isHeld { completion() }
    }

    func update(_ claim: ClaimID, details: ConnectionDetails) {
        self.state.withLock { $0.updates.append(details.transport) }
    }

    func run() async throws {}
    func leave() async {}
    var status: RegistryStatus {
        RegistryStatus(wasReached: true, renewalAge: .zero, isRecovering: false, counters: [:])
    }
    func presence(cursor: String?, limit: Int, node: String?) async throws(RegistryError) -> PresencePage {
        throw RegistryError(.unavailable, "")
    }
    func presence(of user: String) async throws(RegistryError) -> PresenceEntry? { nil }
    func disconnect(user: String, reason: String) async throws(RegistryError) -> Int { 0 }
    func nodes() async throws(RegistryError) -> [RegistryNode] { [] }
    func events() -> AsyncStream<PresenceEvent> { AsyncStream { $0.finish() } }
}

extension Namespace {
    /// What `body` makes of this node's sockets that the options mean.
    func mapLocalSockets<T: Sendable>(
        _ options: BroadcastOptions, _ body: @escaping @Sendable (Socket) -> T
    ) async -> [T] {
        await withCheckedContinuation { continuation in
            self.gatherLocally(options, body, then: { continuation.resume(returning: $0) })
        }
    }
}
