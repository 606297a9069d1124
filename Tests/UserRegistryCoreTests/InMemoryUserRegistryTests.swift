// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization
import Testing

@testable import UserRegistryCore

/// The registry of a single node: same answers as the one in Redis.
@Suite struct InMemoryUserRegistryTests {
    /// A connection that notes what it is told; its test says what becomes of it.
    final class Connection: RegistryConnection {
        struct State {
            var grants: [LeaseGrant] = []
            var refusals: [RegistryRefusal] = []
            var closes: [RegistryCloseReason] = []
            var probes: [@Sendable (Bool) -> Void] = []
            var isReleased = false
        }

        let state = Mutex(State())
        let id = Mutex<ClaimID?>(nil)
        let registry: InMemoryUserRegistry

        init(_ user: String, _ registry: InMemoryUserRegistry) {
            self.registry = registry
            let details = ConnectionDetails(
                sid: "s", namespace: "/", connectedAt: 17, transport: "websocket", address: "::1")
            let id = registry.claim(user: user, details: details, connection: self)
            self.id.withLock { $0 = id }
        }

        var grant: LeaseGrant? { self.state.withLock { $0.grants.last } }
        var refusal: RegistryRefusal? { self.state.withLock { $0.refusals.first } }
        var closes: [RegistryCloseReason] { self.state.withLock { $0.closes } }
        var isServed: Bool { self.grant.map { self.registry.gate.isOpen($0) } ?? false }
        var isReleased: Bool { self.state.withLock { $0.isReleased } }

        func release() {
            guard let id = self.id.withLock({ $0 }) else { return }
            self.registry.release(id) { self.state.withLock { $0.isReleased = true } }
        }

        func answerProbe(_ isAlive: Bool) {
            let answers = self.state.withLock { state in
                defer { state.probes = [] }
                return state.probes
            }
            for answer in answers { answer(isAlive) }
        }

        var probes: Int { self.state.withLock { $0.probes.count } }

        func registryGranted(_ grant: LeaseGrant) { self.state.withLock { $0.grants.append(grant) } }
        func registryRefused(_ refusal: RegistryRefusal) { self.state.withLock { $0.refusals.append(refusal) } }
        func registryProbes(timeout: Duration, answer: @escaping @Sendable (Bool) -> Void) {
            self.state.withLock { $0.probes.append(answer) }
        }
        func registryResumed() {}
        func registryCloses(_ reason: RegistryCloseReason) { self.state.withLock { $0.closes.append(reason) } }
    }

    static let duplicate = RegistryRefusal.duplicate(since: 17, retryAfterMilliseconds: nil)
    /// Under `probe` a pong answers for a second.
    static let probed = RegistryRefusal.duplicate(since: 17, retryAfterMilliseconds: 1_000)

    @Test func rejectRefusesAtOnceAndFreesAtOnce() {
        let registry = InMemoryUserRegistry(node: "n", policy: .reject)
        let first = Connection("u", registry)
        let second = Connection("u", registry)
        #expect(first.isServed && second.refusal == Self.duplicate)
        second.release()
        #expect(second.isReleased && first.isServed)
        first.release()
        first.release()
        let third = Connection("u", registry)
        #expect(third.isServed && (third.grant?.token ?? 0) > (first.grant?.token ?? 0))
    }

    @Test func probeAsksOnceForAllWaiters() {
        let registry = InMemoryUserRegistry(node: "n", policy: .probe)
        let first = Connection("u", registry)
        let waiters = (0..<200).map { _ in Connection("u", registry) }
        #expect(first.probes == 1 && waiters.allSatisfy { $0.refusal == nil && $0.grant == nil })
        let start = ContinuousClock.now
        first.answerProbe(true)
        #expect(waiters.allSatisfy { $0.refusal == Self.probed } && first.isServed)
        // Answered from the result of a moment ago.
        let late = Connection("u", registry)
        #expect(late.refusal == Self.probed && first.probes == 0 || ContinuousClock.now - start >= .seconds(1))
    }

    @Test func probeMakesRoomForTheNewest() {
        let registry = InMemoryUserRegistry(node: "n", policy: .probe)
        let first = Connection("u", registry)
        let second = Connection("u", registry)
        let third = Connection("u", registry)
        first.answerProbe(false)
        #expect(first.closes == [.probeTimeout] && third.grant == nil)
        first.release()
        #expect(third.isServed && second.grant == nil && third.probes == 1)
        third.answerProbe(true)
        #expect(second.refusal == Self.probed && third.isServed)
    }

    @Test func replaceShutsTheOldOneFirst() {
        let registry = InMemoryUserRegistry(node: "n", policy: .replace)
        let first = Connection("u", registry)
        let second = Connection("u", registry)
        let third = Connection("u", registry)
        #expect(first.closes == [.replaced] && second.grant == nil && third.grant == nil)
        first.release()
        #expect(third.isServed && second.refusal == Self.duplicate && third.closes == [])
    }

    @Test func aWaiterWhoLeavesIsForgotten() {
        let registry = InMemoryUserRegistry(node: "n", policy: .probe)
        let first = Connection("u", registry)
        let second = Connection("u", registry)
        second.release()
        #expect(second.isReleased)
        first.answerProbe(false)
        first.release()
        #expect(second.grant == nil)
        #expect(Connection("u", registry).isServed)
        #expect(registry.status.counters["claims_waiting"] == 0)
    }

    @Test func waitersAreBounded() {
        let registry = InMemoryUserRegistry(node: "n", policy: .probe)
        let owner = Connection("u", registry)
        let waiters = (0..<10_000).map { _ in Connection("u", registry) }
        #expect(Connection("u", registry).refusal == .unavailable)
        #expect(waiters.allSatisfy { $0.refusal == nil } && owner.isServed)
    }

    @Test func presenceWalksAllOnce() async throws {
        let registry = InMemoryUserRegistry(node: "n")
        var connections = (0..<500).map { Connection("u\($0)", registry) }
        for connection in connections where Int.random(in: 0..<3) == 0 { connection.release() }
        connections.removeAll { $0.isReleased }
        var users: [String] = []
        var cursor: String?
        repeat {
            let page = try await registry.presence(cursor: cursor, limit: 7, node: nil)
            #expect(page.total == connections.count && !page.isRecovering && page.entries.count <= 7)
            users += page.entries.map(\.user)
            cursor = page.cursor
        } while cursor != nil
        #expect(users.count == connections.count && Set(users).count == users.count)
        #expect(try await registry.presence(cursor: nil, limit: 7, node: "other").entries.isEmpty)
        await #expect(throws: RegistryError.self) {
            _ = try await registry.presence(cursor: "x", limit: 7, node: nil)
        }
        let nodes = try await registry.nodes()
        #expect(nodes.count == 1 && nodes[0].id == "n" && nodes[0].users == connections.count)
    }

    @Test func oneUserIsShownAndKicked() async throws {
        let registry = InMemoryUserRegistry(node: "n")
        #expect(try await registry.presence(of: "u") == nil)
        #expect(try await registry.disconnect(user: "u", reason: "x") == 0)
        let connection = Connection("u", registry)
        var details = ConnectionDetails(
            sid: "s", namespace: "/", connectedAt: 17, transport: "polling", address: "::1")
        let id = connection.id.withLock { $0 }
        if let id { registry.update(id, details: details) }
        #expect(try await registry.presence(of: "u")?.connections == [.init(node: "n", details: details)])
        details.transport = "websocket"
        #expect(try await registry.disconnect(user: "u", reason: "x") == 1)
        #expect(connection.closes == [.kicked("x")])
    }

    @Test func eventsFollowTheDecisions() async throws {
        let registry = InMemoryUserRegistry(node: "n")
        let stream = registry.events()
        let running = Task { try await registry.run() }
        // Time enough for a `run()` that returns by itself to end the stream.
        try await Task.sleep(for: .milliseconds(50))
        let connection = Connection("u", registry)
        connection.release()
        var iterator = stream.makeAsyncIterator()
        let first = await iterator.next()
        let second = await iterator.next()
        #expect(first?.kind == .join && first?.user == "u" && first?.node == "n")
        #expect(second?.kind == .leave && second?.user == "u")
        running.cancel()
        _ = await running.result
        #expect(await iterator.next() == nil)
    }

    @Test func afterLeavingNobodyIsServedOrAdmitted() async {
        let registry = InMemoryUserRegistry(node: "n")
        let connection = Connection("u", registry)
        #expect(registry.acceptsClaims)
        await registry.leave()
        #expect(!registry.acceptsClaims && !connection.isServed)
        #expect(Connection("v", registry).refusal == .unavailable)
    }

    /// Many threads at once: one holder at a time, and no callback after a release is over.
    @Test func holdsUnderContention() async {
        let registry = InMemoryUserRegistry(node: "n", policy: .replace)
        let holders = Holders()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<200 { if await !Contender.live(registry, holders) { return false } }
                    return true
                }
            }
            for await isRight in group { #expect(isRight) }
        }
        #expect(holders.admissions > 0)
        #expect(registry.status.counters["claims_waiting"] == 0)
    }

    /// Counts who holds the user.
    final class Holders: Sendable {
        private let state = Mutex((now: 0, ever: 0))

        var admissions: Int { self.state.withLock { $0.ever } }

        /// Returns how many there are now.
        func enter() -> Int {
            self.state.withLock { state in
                state.now += 1
                state.ever += 1
                return state.now
            }
        }

        func leave() { self.state.withLock { $0.now -= 1 } }
    }

    /// Claims, holds for a moment, releases.
    final class Contender: RegistryConnection {
        struct State {
            var isHolding = false
            var wantsToLeave = false
            var isOver = false
            var isLate = false
        }

        private let state = Mutex(State())

        /// Returns whether nothing was wrong.
        static func live(_ registry: InMemoryUserRegistry, _ holders: Holders) async -> Bool {
            let contender = Contender()
            let details = ConnectionDetails(sid: "", namespace: "/", connectedAt: 0, transport: "", address: "")
            let claim = registry.claim(user: "u", details: details, connection: contender)
            while !contender.now({ $0.isHolding || $0.wantsToLeave }) { await Task.yield() }
            if contender.now({ $0.isHolding }) {
                if holders.enter() > 1 { return false }
                holders.leave()
            }
            registry.release(claim) { contender.state.withLock { $0.isOver = true } }
            while !contender.now({ $0.isOver }) { await Task.yield() }
            return !contender.now { $0.isLate }
        }

        private func now(_ question: (State) -> Bool) -> Bool { self.state.withLock { question($0) } }

        private func note(_ change: (inout State) -> Void) {
            self.state.withLock { state in
                if state.isOver { state.isLate = true }
                change(&state)
            }
        }

        func registryGranted(_ grant: LeaseGrant) { self.note { $0.isHolding = true } }
        func registryRefused(_ refusal: RegistryRefusal) { self.note { $0.wantsToLeave = true } }
        func registryProbes(timeout: Duration, answer: @escaping @Sendable (Bool) -> Void) { answer(false) }
        func registryResumed() {}
        func registryCloses(_ reason: RegistryCloseReason) { self.note { $0.wantsToLeave = true } }
    }
}
