// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Glibc
import Testing

@testable import UserRegistryCore

/// Random schedules in virtual time: several nodes, the model of the scripts, faults of all kinds.
@Suite(.serialized) struct SimulationTests {
    /// Faults for a while, then none; returns what went wrong.
    static func run(
        seed: UInt64, flaws: Set<ScriptModel.Flaw> = [],
        faults: [SimulatedCluster.Fault] = SimulatedCluster.Fault.allCases,
        seconds: UInt64 = 40
    ) -> SimulatedCluster {
        let second: UInt64 = 1_000_000_000
        let cluster = SimulatedCluster(seed: seed, flaws: flaws)
        let end = cluster.now + seconds * second
        while cluster.now < end, cluster.violation == nil {
            cluster.run(until: cluster.now + UInt64.random(in: second / 10...3 * second, using: &cluster.random))
            if let fault = faults.randomElement(using: &cluster.random) { cluster.inject(fault) }
        }
        if cluster.violation == nil { Self.settle(cluster) }
        return cluster
    }

    /// All faults are over: everybody is decided, no ghost stays, and every user can connect at once.
    static func settle(_ cluster: SimulatedCluster) {
        let lease = cluster.timing.lease.wholeNanoseconds
        cluster.clientsConnect = false
        // The last faults end, Redis may be up again for a moment only: a window, a lease, and all claims decided.
        cluster.run(until: cluster.now + 6 * lease + cluster.timing.claimWait.wholeNanoseconds)
        guard cluster.violation == nil else { return }
        for user in cluster.users {
            let open = cluster.nodes.flatMap { node in node.sockets.values.filter { $0.user == user && $0.isOpen } }
            let served = cluster.served(user)
            if open.count != served.count || served.count > 1 {
                cluster.violation = "L1: \(user) has \(open.count) sockets, \(served.count) served"
            }
            let owner = cluster.model.claims?[user]?.owner.conn
            if cluster.violation == nil, served.first?.1.id != owner {
                cluster.violation = "L2: \(user): the store says \(String(describing: owner))"
            }
        }
        guard cluster.violation == nil else { return }
        for node in cluster.nodes { for id in Array(node.sockets.keys) { cluster.close(id, node) } }
        cluster.run(until: cluster.now + lease / 4)
        if let ghosts = cluster.model.claims, !ghosts.isEmpty { cluster.violation = "L2: ghosts \(ghosts)" }
        let sockets = cluster.users.map { cluster.open($0, on: 0) }
        cluster.run(until: cluster.now + lease / 10)
        guard cluster.violation == nil else { return }
        for socket in sockets where socket?.grant == nil { cluster.violation = "L1: \(socket?.user ?? "") locked out" }
    }

    @Test func keepsItsPromisesUnderAllFaults() async {
        // More by ROLLCALL_SIMULATIONS=5000 and an optimised build.
        let count = getenv("ROLLCALL_SIMULATIONS").flatMap { UInt64(String(cString: $0)) } ?? 12
        let (violations, admissions) = await aside {
            var violations: [String] = []
            var admissions = 0
            for seed in 0..<count {
                let cluster = Self.run(seed: seed)
                if let violation = cluster.violation { violations.append("seed \(seed): \(violation)") }
                admissions += cluster.admissions
            }
            return (violations, admissions)
        }
        #expect(violations == [])
        #expect(admissions > 100)
    }

    /// A checker that has not been shown to fail proves nothing.
    @Test(
        arguments: [
            ([.noFence], [.pause, .hold]),
            ([.noWindow], [.restartEmpty, .flush, .deleteKey]),
            ([.releaseWithoutCompare], [.pause, .reset]),
            ([.deadlineFromReply], [.holdReplies, .hold, .redisPause]),
            ([.lossUnnoticed], [.restartEmpty, .flush, .deleteKey]),
            ([.renewalRevives], [.pause, .hold]),
            ([.newestWinsAtOnce], [.pause]),
            ([.noMargin], [.clockStep, .hold, .pause]),
            ([.reapByUser], [.pause, .hold]),
            ([.nothingListed], [.restartWithOldData]),
        ] as [([ScriptModel.Flaw], [SimulatedCluster.Fault])])
    func findsWhatIsBroken(flaws: [ScriptModel.Flaw], faults: [SimulatedCluster.Fault]) async {
        let found = await aside {
            (UInt64(1_000)..<1_200).first { seed in
                Self.run(seed: seed, flaws: Set(flaws), faults: faults, seconds: 30).violation != nil
            }
        }
        #expect(found != nil, "\(flaws) was not found")
    }
}

/// Long computations have no place on the threads that asynchronous tests share: they get one of their own, and a
/// lower priority; not the lowest, which on a busy machine gets no time at all.
func aside<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        let work = Unmanaged.passRetained(Work { continuation.resume(returning: body()) })
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                // On Linux this is the thread's own.
                setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 5)
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, work.toOpaque())
        pthread_detach(thread)
    }
}

private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
