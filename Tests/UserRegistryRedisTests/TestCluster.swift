// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Glibc
import HiredisClient
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing
import UserRegistryCore

@testable import UserRegistryRedis

/// Several registries, as of several nodes, over one real Redis.
final class TestCluster: Sendable {
    let server: RedisServerProcess
    let nodes: [TestNode]
    /// One for each node, if they are wanted.
    let proxies: [TestProxy]

    /// With a lease that no pause of a busy machine ends, and otherwise quick.
    static let timing = TestCluster.timing(lease: .seconds(30))

    /// For those who wait for the end of a lease. That it holds is no matter of course then.
    static let shortLease = TestCluster.timing(lease: .seconds(2))

    private static func timing(lease: Duration) -> RegistryTiming {
        var timing = RegistryTiming(lease: lease, probeTimeout: .seconds(30))
        timing.heartbeat = .milliseconds(150)
        timing.poll = .milliseconds(200)
        timing.claimWait = .seconds(60)
        return timing
    }

    /// Runs `body` with registries that accept claims, outside of any recovery window.
    static func with(
        nodes count: Int = 2, policy: DuplicatePolicy = .reject, timing: RegistryTiming = TestCluster.timing,
        partitions: Int = 4, keepsData: Bool = false, isNew: Bool = true, proxied: Bool = false,
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        let server =
            try keepsData ? RedisServerProcess("--appendonly", "yes", "--appendfsync", "always") : RedisServerProcess()
        if isNew {
            try await RedisUserRegistry.initialize(
                configuration: .testing(server), eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                timing: timing, partitions: partitions)
        }
        var proxies: [TestProxy] = []
        if proxied { for _ in 1...count { proxies.append(try await TestProxy(to: server.port)) } }
        let nodes = (1...count).map {
            TestNode(
                "n\($0)", port: proxied ? proxies[$0 - 1].port : server.port, policy: policy, timing: timing,
                partitions: partitions)
        }
        let cluster = TestCluster(server: server, nodes: nodes, proxies: proxies)
        defer { for proxy in proxies { proxy.stop() } }
        do {
            for node in nodes { node.start() }
            for node in nodes { try await eventually("\(node.id) accepts claims") { node.registry.acceptsClaims } }
            try await body(cluster)
        } catch {
            for node in nodes { await node.stop() }
            throw error
        }
        for node in nodes { await node.stop() }
    }

    private init(server: RedisServerProcess, nodes: [TestNode], proxies: [TestProxy]) {
        self.server = server
        self.nodes = nodes
        self.proxies = proxies
    }
}

/// One registry and its sockets.
final class TestNode: Sendable {
    let id: String
    let registry: RedisUserRegistry
    private let task = Mutex<Task<Void, any Error>?>(nil)

    init(
        _ id: String, port: Int, policy: DuplicatePolicy = .reject,
        timing: RegistryTiming = TestCluster.timing, partitions: Int = 4, log: Recorder<String>? = nil
    ) {
        self.id = id
        self.registry = RedisUserRegistry(
            configuration: .testing(port: port), eventLoop: MultiThreadedEventLoopGroup.singleton.next(), nodeID: id,
            policy: policy, timing: timing, partitions: partitions, nodeInfo: { #"{"id":"\#(id)"}"# },
            logger: log.map { Logger(recording: $0, level: .info) } ?? .silent)
    }

    func start() {
        let registry = self.registry
        self.task.withLock { $0 = Task { try await registry.run() } }
    }

    /// Dead: nothing is renewed, nothing released, nobody told.
    func stop() async {
        let task = self.task.withLock { $0 }
        task?.cancel()
        _ = await task?.result
    }

    /// How `run()` ended.
    func outcome() async throws { try await self.task.withLock { $0 }?.value }

    /// - Parameter probe: where it does not answer probes, they are not given up before this latch is open.
    func connect(
        _ user: String, answersProbes: Bool = true, probe: Latch? = nil, transport: String = "websocket"
    ) -> TestSocket {
        let socket = TestSocket(
            user: user, node: self, answersProbes: answersProbes, probe: probe, transport: transport)
        socket.claim()
        return socket
    }
}

/// A connection as the server has it: shuts itself before it releases, and does what the registry says.
final class TestSocket: RegistryConnection {
    let user: String
    let node: TestNode
    let details: ConnectionDetails

    private struct State {
        var claim: ClaimID?
        var grants: [LeaseGrant] = []
        var refusals: [RegistryRefusal] = []
        var closes: [RegistryCloseReason] = []
        var resumptions = 0
        var probes = 0
        var isShut = false
        var isReleased = false
        var callbacksAfterRelease = 0
    }

    private let state = Mutex(State())
    private let answersProbes: Bool
    private let probe: Latch?

    init(user: String, node: TestNode, answersProbes: Bool, probe: Latch? = nil, transport: String = "websocket") {
        self.user = user
        self.node = node
        self.answersProbes = answersProbes
        self.probe = probe
        self.details = ConnectionDetails(
            sid: "sid-\(user)", namespace: "/", connectedAt: WallClock.milliseconds(), transport: transport,
            address: "127.0.0.1")
    }

    func claim() {
        let claim = self.node.registry.claim(user: self.user, details: self.details, connection: self)
        self.state.withLock { $0.claim = claim }
    }

    var claimID: ClaimID? { self.state.withLock { $0.claim } }
    var grant: LeaseGrant? { self.state.withLock { $0.grants.last } }
    var grants: Int { self.state.withLock { $0.grants.count } }
    var isGranted: Bool { self.grant != nil }
    var refusal: RegistryRefusal? { self.state.withLock { $0.refusals.first } }
    var decisions: Int { self.state.withLock { min(1, $0.grants.count) + $0.refusals.count } }
    var closeReason: RegistryCloseReason? { self.state.withLock { $0.closes.first } }
    var resumptions: Int { self.state.withLock { $0.resumptions } }
    var probes: Int { self.state.withLock { $0.probes } }
    var isReleased: Bool { self.state.withLock { $0.isReleased } }
    var callbacksAfterRelease: Int { self.state.withLock { $0.callbacksAfterRelease } }

    /// Whether a packet would be dispatched now.
    var isServed: Bool {
        let grant: LeaseGrant? = self.state.withLock { $0.isShut ? nil : $0.grants.last }
        return grant.map { self.node.registry.gate.isOpen($0) } ?? false
    }

    /// The client leaves.
    func close() {
        let claim: ClaimID? = self.state.withLock { state in
            state.isShut = true
            return state.claim
        }
        guard let claim else { return }
        self.node.registry.release(claim) { self.state.withLock { $0.isReleased = true } }
    }

    func closeAndWait() async throws {
        self.close()
        try await eventually("\(self.user) is released") { self.isReleased }
    }

    func registryGranted(_ grant: LeaseGrant) {
        self.note { $0.grants.append(grant) }
    }

    func registryRefused(_ refusal: RegistryRefusal) {
        self.note { $0.refusals.append(refusal) }
        self.closeLater()
    }

    func registryProbes(timeout: Duration, answer: @escaping @Sendable (Bool) -> Void) {
        self.note { $0.probes += 1 }
        let (answers, probe) = (self.answersProbes, self.probe)
        Task {
            try await probe?.wait()
            try await Task.sleep(for: .milliseconds(answers ? 20 : 300))
            answer(answers)
        }
    }

    func registryResumed() { self.note { $0.resumptions += 1 } }

    func registryCloses(_ reason: RegistryCloseReason) {
        self.note { $0.closes.append(reason) }
        self.closeLater()
    }

    private func note(_ change: (inout State) -> Void) {
        self.state.withLock { state in
            if state.isReleased { state.callbacksAfterRelease += 1 }
            change(&state)
        }
    }

    /// As a socket does: on a loop of its own.
    private func closeLater() { MultiThreadedEventLoopGroup.singleton.next().execute { self.close() } }
}

/// Looks all the time whether two connections of one user are served at once, from a thread of its own.
final class Checker: Sendable {
    private struct State {
        var sockets: [String: [TestSocket]] = [:]
        var violations: [String] = []
        var isStopped = false
        var samples = 0
    }

    private let state = Mutex(State())

    init() {
        let thread = Thread { [weak self] in
            while let self, !self.sample() { usleep(300) }
        }
        thread.start()
    }

    func watch(_ socket: TestSocket) {
        self.state.withLock { $0.sockets[socket.user, default: []].append(socket) }
    }

    var samples: Int { self.state.withLock { $0.samples } }

    var found: Bool { self.state.withLock { !$0.violations.isEmpty } }

    /// Ends, and tells what it saw.
    func stop() -> (violations: [String], samples: Int) {
        self.state.withLock { state in
            state.isStopped = true
            return (state.violations, state.samples)
        }
    }

    /// Returns true at the end.
    private func sample() -> Bool {
        let sockets: [[TestSocket]]? = self.state.withLock { state in
            state.samples += 1
            for (user, all) in state.sockets { state.sockets[user] = all.filter { !$0.isReleased } }
            return state.isStopped ? nil : Array(state.sockets.values)
        }
        guard let sockets else { return true }
        for ofUser in sockets {
            for (index, one) in ofUser.enumerated() where one.isServed {
                for two in ofUser[(index + 1)...] where two.isServed && one.isServed {
                    // One was served before and after two was: at once.
                    self.state.withLock {
                        $0.violations.append("\(one.user) on \(one.node.id) and \(two.node.id)")
                    }
                }
            }
        }
        return false
    }
}

/// A thread that runs a closure.
struct Thread {
    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    func start() {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(self.body))
        pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        pthread_detach(thread)
    }
}

extension RedisConfiguration {
    /// Quick to notice and to come back.
    static func testing(_ server: RedisServerProcess) -> RedisConfiguration { .testing(port: server.port) }

    static func testing(port: Int) -> RedisConfiguration {
        let url = RedisURL(address: .tcp(host: "127.0.0.1", port: port))
        var configuration = RedisConfiguration(url: url)
        configuration.backoff = Backoff(initial: .milliseconds(5), maximum: .milliseconds(50))
        return configuration
    }
}
