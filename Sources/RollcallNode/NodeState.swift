// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Rollcall
import RollcallAdmin
import Synchronization
import UserRegistryCore

/// What the parts of a node tell each other: addresses, whether it drains, whether it is ready.
final class NodeState: Sendable {
    let nodeID: String
    let hasRedis: Bool
    private let lease: Duration

    private struct Values {
        var description = NodeDescription()
        var listener: String?
        var admin: String?
        var isAnnounced = false
        var isDraining = false
        var drain: (@Sendable () -> Void)?
        var sessionCount: (@Sendable () -> Int)?
        var adapterIsReady: (@Sendable () -> Bool)?
    }
    private let values = Mutex(Values())

    init(_ configuration: NodeConfiguration) {
        self.nodeID = configuration.nodeID
        self.hasRedis = configuration.redis != nil
        self.lease = configuration.registry.timing.lease
        self.values.withLock { values in
            values.description.started = Clock.milliseconds()
            values.description.version = RollcallVersion.current
            values.description.sidPrefix = configuration.sessionIDPrefix
        }
    }

    // MARK: what is told

    func setSessionCount(_ count: @escaping @Sendable () -> Int) { self.values.withLock { $0.sessionCount = count } }
    func setAdapterReadiness(_ isReady: @escaping @Sendable () -> Bool) {
        self.values.withLock { $0.adapterIsReady = isReady }
    }
    func setDrain(_ drain: @escaping @Sendable () -> Void) { self.values.withLock { $0.drain = drain } }

    func listens(on address: String) {
        self.values.withLock { values in
            values.listener = address
            values.description.address = address
        }
        self.announce()
    }

    func adminListens(on address: String) {
        self.values.withLock { $0.admin = address }
        self.announce()
    }

    func startsDraining() {
        self.values.withLock { values in
            values.isDraining = true
            values.description.draining = true
        }
    }

    func requestDrain() { self.values.withLock { $0.drain }?() }

    /// The one line of standard output, when both listeners are there.
    private func announce() {
        let line = self.values.withLock { values -> String? in
            guard let listener = values.listener, let admin = values.admin, !values.isAnnounced else { return nil }
            values.isAnnounced = true
            return "listening on \(listener), admin on \(admin), node \(self.nodeID)"
        }
        if let line { StandardOutput.write(line) }
    }

    // MARK: what is asked

    var isDraining: Bool { self.values.withLock { $0.isDraining } }

    /// What the other nodes are told, as JSON.
    var descriptionText: String {
        let (values, count) = self.values.withLock { ($0.description, $0.sessionCount) }
        var description = values
        description.connections = count?() ?? 0
        return description.json
    }

    /// Not ready: draining, never reached Redis, the last good renewal older than 5/12 of the lease, the adapter not subscribed.
    func readiness(of registry: any UserRegistry) -> ReadinessReport {
        let (isDraining, isListening, adapter) = self.values.withLock {
            ($0.isDraining, $0.listener != nil, $0.adapterIsReady)
        }
        var checks = [
            ReadinessCheck(
                name: "listener", ok: isListening, detail: isListening ? "listening" : "not listening yet", ageMs: 0),
            ReadinessCheck(name: "drain", ok: !isDraining, detail: isDraining ? "draining" : "serving", ageMs: 0),
        ]
        let status = registry.status
        if self.hasRedis {
            let isFresh = status.wasReached && status.renewalAge <= self.lease * 5 / 12
            checks.append(
                ReadinessCheck(
                    name: "registry", ok: isFresh,
                    detail: !status.wasReached ? "never reached" : isFresh ? "renewed" : "renewal is too old",
                    ageMs: status.wasReached ? Int(status.renewalAge / .milliseconds(1)) : 0))
            let isSubscribed = adapter?() ?? true
            checks.append(
                ReadinessCheck(
                    name: "adapter", ok: isSubscribed, detail: isSubscribed ? "subscribed" : "not subscribed", ageMs: 0)
            )
        }
        return ReadinessReport(ready: checks.allSatisfy(\.ok), recovering: status.isRecovering, checks: checks)
    }
}
