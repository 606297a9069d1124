// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// The registry of a single node, in memory: same policies and same answers as the one in Redis, without leases.
///
/// All state stands behind one lock. Callbacks run after it was unlocked, in the order of the decisions, one at a time;
/// those of a claim may come before ``claim(user:details:connection:)`` has returned.
public final class InMemoryUserRegistry: UserRegistry {
    /// Never shut until ``leave()``.
    public let gate: LeaseGate

    let node: String
    let nodeInfo: @Sendable () -> String
    let state: Mutex<State>
    let hub = PresenceEventHub()

    /// Creates a registry without users.
    ///
    /// - Parameters:
    ///   - node: the node's id as presence shows it.
    ///   - policy: what happens when a connected user connects again.
    ///   - timing: of it only the probe timeout matters here.
    ///   - nodeInfo: what the node tells of itself, as JSON text.
    public init(
        node: String, policy: DuplicatePolicy = .probe, timing: RegistryTiming = RegistryTiming(),
        nodeInfo: @escaping @Sendable () -> String = { "{}" }
    ) {
        self.node = node
        self.nodeInfo = nodeInfo
        self.gate = LeaseGate(partitions: 1)
        self.gate.abandon(0, incarnation: Self.incarnation)
        self.gate.extend(0, to: LeaseGate.never)
        self.state = Mutex(State(policy: policy, timing: timing, node: node))
    }

    static let incarnation: UInt32 = 1

    /// True until ``leave()``.
    public var acceptsClaims: Bool { self.gate.deadline(of: 0) == LeaseGate.never }

    /// See ``UserRegistry``. The callback may come before this returns.
    public func claim(
        user: String, details: ConnectionDetails, connection: any RegistryConnection
    ) -> ClaimID {
        let id = self.state.withLock { $0.claim(user: user, details: details, connection: connection) }
        self.work()
        return ClaimID(rawValue: id)
    }

    /// See ``UserRegistry``. `completion` may be called before this returns.
    public func release(_ claim: ClaimID, completion: @escaping @Sendable () -> Void) {
        self.state.withLock { state in
            state.release(claim.rawValue)
            state.outbox.append(.completed(completion))
        }
        self.work()
    }

    /// See ``UserRegistry``.
    public func update(_ claim: ClaimID, details: ConnectionDetails) {
        self.state.withLock { $0.claims[claim.rawValue]?.details = details }
    }

    /// Does nothing until cancelled.
    public func run() async throws {
        for await _ in AsyncStream<Never>.makeStream().stream {}
        self.hub.finish()
    }

    /// Shuts the gate; claims are refused from now on.
    public func leave() async {
        self.state.withLock { $0.hasLeft = true }
        self.gate.extend(0, to: 0)
    }

    /// Runs what the lock collected, unless a thread is at it: callbacks of one claim keep their order that way.
    func work() {
        while let action = self.state.withLock({ $0.nextAction() }) {
            self.perform(action)
            self.state.withLock { $0.isWorking = false }
        }
    }

    private func perform(_ action: Action) {
        switch action {
        case .granted(let connection, let token):
            connection.registryGranted(LeaseGrant(partition: 0, incarnation: Self.incarnation, token: token))
        case .refused(let connection, let refusal):
            connection.registryRefused(refusal)
        case .closes(let connection, let reason):
            connection.registryCloses(reason)
        case .probe(let connection, let id, let timeout):
            connection.registryProbes(timeout: timeout) { [weak self] isAlive in
                guard let self else { return }
                self.state.withLock { $0.probeAnswered(id, isAlive: isAlive) }
                self.work()
            }
        case .completed(let completion):
            completion()
        case .event(let event):
            self.hub.yield(event)
        }
    }
}

extension InMemoryUserRegistry {
    /// What is to be done outside the lock.
    enum Action: Sendable {
        case granted(any RegistryConnection, token: UInt64)
        case refused(any RegistryConnection, RegistryRefusal)
        case closes(any RegistryConnection, RegistryCloseReason)
        case probe(any RegistryConnection, UInt64, timeout: Duration)
        case completed(@Sendable () -> Void)
        case event(PresenceEvent)
    }
}
