// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import Synchronization
import UserRegistryCore

/// The registry on its event loop: performs what the partitions decide, and tells them what happens. Confined to the
/// loop.
final class RegistryLoop {
    /// One partition with what its calls need.
    final class Partition {
        let machine: RegistryPartition
        let caller: PartitionCaller
        var controlChannel: String
        /// What the store was told about this node, as far as it answered; nil when it must be told anew.
        var writtenInfo: String?
        var sentInfo: String?
        /// The number of the last presence event.
        var lastEvent: Int64?

        init(machine: RegistryPartition, caller: PartitionCaller) {
            self.machine = machine
            self.caller = caller
            self.controlChannel = caller.keys.control(of: machine.lease.incarnation)
        }
    }

    let options: RegistryOptions
    let eventLoop: any EventLoop
    let shared: RegistryShared
    let client: RedisClient
    let subscriber: RedisSubscriber
    let partitions: [Partition]
    let logger: Logger

    /// Counts the connections; 0 while there is none or the constants are not compared yet.
    var generation = 0
    var runID = ""
    var nodeInfo = ""
    var scriptsAreLoading = false
    var channels: [String: ChannelTarget] = [:]
    var isListening = false
    var mustListen: Set<Int> = []
    var departure: Departure?
    var mismatch: MismatchWatch?
    var isComparing = false

    /// The memory of actions that were performed, to be used again.
    private var spare: [PartitionAction] = []
    private var pacer = ClaimPacer()
    private var isRunning = false
    private var hasStopped = false
    private var hasFailed = false
    private var beat: Scheduled<Void>?
    private var alarm: (time: UInt64, task: Scheduled<Void>)?
    private var clockOffset: UInt64?
    private var nextSelfCheck: UInt64 = 0
    private var wasRecovering = false
    private var lastWarning: UInt64 = 0
    private let onFailure: @Sendable (RegistryError) -> Void

    /// Claims that may be undecided at a time.
    private static let maximumUndecided = 10_000

    /// What a message on a channel is about.
    enum ChannelTarget {
        case control(Int, incarnation: String)
        case events(Int)
    }

    /// Who waits for the answers to `leave`.
    struct Departure {
        var unanswered: Int
        var completions: [@Sendable () -> Void]
    }

    init(
        options: RegistryOptions, eventLoop: any EventLoop, shared: RegistryShared, client: RedisClient,
        subscriber: RedisSubscriber, onFailure: @escaping @Sendable (RegistryError) -> Void
    ) {
        self.options = options
        self.eventLoop = eventLoop
        self.shared = shared
        self.client = client
        self.subscriber = subscriber
        self.logger = options.logger
        self.onFailure = onFailure
        self.partitions = options.keys.enumerated().map { index, keys in
            Partition(
                machine: RegistryPartition(
                    index: index, base: options.instance, policy: options.policy, timing: options.timing),
                caller: PartitionCaller(keys: keys, constants: options.constants))
        }
        for index in self.partitions.indices { shared.gate.abandon(index, incarnation: 1) }
    }

    // MARK: - Life

    func start() {
        guard !self.isRunning else { return }
        self.isRunning = true
        self.nodeInfo = self.options.describeNode()
        // These hold on to the loop until stop().
        self.client.onConnected = { self.connected($0) }
        self.client.onDisconnected = { self.disconnected($0) }
        self.subscriber.onMessage = { self.received(channel: $0, payload: $1) }
        self.subscriber.onGap = { self.missedMessages() }
        for index in self.partitions.indices { self.listenForControl(index) }
        self.nextSelfCheck = self.selfCheckTime(after: LeaseGate.now())
        self.scheduleBeat()
    }

    /// Nothing is renewed any more; the gates close by themselves.
    func stop() {
        self.isRunning = false
        self.hasStopped = true
        self.beat?.cancel()
        self.alarm?.task.cancel()
        self.departed()
        self.client.onConnected = nil
        self.client.onDisconnected = nil
        self.subscriber.onMessage = nil
        self.subscriber.onGap = nil
    }

    /// This node must not take part: it ends as if it had been cut off.
    func fail(_ error: RegistryError) {
        guard !self.hasFailed else { return }
        self.hasFailed = true
        self.onFailure(error)
    }

    private func scheduleBeat() {
        guard self.isRunning else { return }
        let heartbeat = TimeAmount.nanoseconds(Int64(clamping: self.options.timing.heartbeat.wholeNanoseconds))
        self.beat = self.eventLoop.assumeIsolated().scheduleTask(in: heartbeat) {
            self.tick()
            self.scheduleBeat()
        }
    }

    /// Once per heartbeat: the renewals of all partitions leave in one write.
    private func tick() {
        let now = LeaseGate.now()
        self.noticeStandstill(now: now)
        self.nodeInfo = self.options.describeNode()
        self.updateListening()
        let mustCheck = now >= self.nextSelfCheck
        if mustCheck { self.nextSelfCheck = self.selfCheckTime(after: now) }
        for partition in self.partitions {
            partition.machine.heartbeat(now: now)
            if mustCheck { partition.machine.beginSelfCheck(now: now) }
            self.settle(partition, now: now)
        }
        self.publishFigures(now: now)
    }

    /// A hypervisor that freezes the machine may stop its clocks. Where the time of day is corrected afterwards, it
    /// shows.
    private func noticeStandstill(now: UInt64) {
        let offset = WallClock.nanoseconds() &- now
        defer { self.clockOffset = offset }
        guard let before = self.clockOffset, Int64(bitPattern: offset &- before) > 1_000_000_000 else { return }
        self.logger.warning("the time of day leapt ahead; all connections are suspended until the leases are renewed")
        for partition in self.partitions {
            partition.machine.clockJumped(now: now)
            self.settle(partition, now: now)
        }
    }

    private func selfCheckTime(after now: UInt64) -> UInt64 {
        let interval = self.options.timing.selfCheck.wholeNanoseconds
        return now &+ UInt64(Double(interval) * Double.random(in: 0.8...1.2))
    }

    // MARK: - Calls

    /// Works off what the callers left.
    func drain() {
        let now = LeaseGate.now()
        for operation in self.shared.takeOperations() {
            switch operation {
            case .claim(let id, let user, let hash, let info, let since, let connection):
                self.claim(id, user, hash, info, since, connection, now: now)
            case .release(let id, let completion):
                guard !self.hasStopped, let partition = self.partition(of: id) else {
                    completion()
                    continue
                }
                partition.machine.release(id, now: now, completion: completion)
                self.settle(partition, now: now)
            case .update(let id, let info):
                guard let partition = self.partition(of: id) else { continue }
                partition.machine.update(id, info: info, now: now)
                self.settle(partition, now: now)
            }
        }
    }

    private func claim(
        _ id: UInt64, _ user: String, _ hash: UInt32, _ info: String, _ since: Int64,
        _ connection: any RegistryConnection, now: UInt64
    ) {
        let undecided = self.partitions.reduce(0) { $0 + $1.machine.undecided }
        guard let partition = self.partition(of: id), undecided < Self.maximumUndecided, self.departure == nil,
            !self.hasFailed, !self.hasStopped
        else { return connection.registryRefused(.unavailable) }
        let claim = Claim(
            id: id, user: user, info: info, connectedAt: since, connection: connection,
            deadline: now &+ self.options.claimWait, notBefore: self.pacer.claim(by: hash, now: now))
        partition.machine.claim(claim, now: now)
        self.settle(partition, now: now)
    }

    func partition(of id: UInt64) -> Partition? {
        let index = RegistryShared.partition(of: id)
        return index < self.partitions.count ? self.partitions[index] : nil
    }

    /// Ends the leases. `completion` is called when the store has answered, or after a second.
    func leave(_ completion: @escaping @Sendable () -> Void) {
        guard self.departure == nil else {
            self.departure?.completions.append(completion)
            if self.departure?.unanswered == 0 { self.departed() }
            return
        }
        let now = LeaseGate.now()
        let isConnected = self.generation != 0
        self.departure = Departure(unanswered: isConnected ? self.partitions.count : 0, completions: [completion])
        self.shared.renewedAt.store(0, ordering: .relaxed)
        for partition in self.partitions {
            if isConnected, !partition.machine.lease.isRegistered { self.departure?.unanswered -= 1 }
            partition.machine.leave(now: now)
            self.settle(partition, now: now)
        }
        if isConnected {
            let key = PartitionKeys.configuration(prefix: self.options.prefix, scope: self.options.scope)
            self.client.send(RedisCommand("HDEL", key, "i:" + self.options.instance)) { _ in }
        }
        guard let departure = self.departure, departure.unanswered > 0 else { return self.departed() }
        self.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { self.departed() }
    }

    func departed() {
        let completions = self.departure?.completions ?? []
        self.departure?.unanswered = 0
        self.departure?.completions = []
        for completion in completions { completion() }
    }

    // MARK: - Actions

    /// Performs what the partition decided, and looks when it wants to be woken.
    func settle(_ partition: Partition, now: UInt64) {
        while partition.machine.hasActions {
            var actions = partition.machine.takeActions(spare: self.spare)
            self.spare = []
            for action in actions { self.perform(action, of: partition, now: now) }
            actions.removeAll(keepingCapacity: actions.capacity <= 1_024)
            self.spare = actions
        }
        let wake = partition.machine.nextWake
        if wake < self.alarm?.time ?? .max { self.setAlarm(wake, now: now) }
    }

    private func perform(_ action: PartitionAction, of partition: Partition, now: UInt64) {
        let index = partition.machine.index
        switch action {
        case .send(let command):
            self.send(command, of: partition)
        case .gateExtended(let deadline):
            let before = self.shared.gate.deadline(of: index)
            self.shared.gate.extend(index, to: deadline)
            // The gate may have closed after `now`, and a packet been queued behind it.
            if before > now, deadline > before, LeaseGate.now() >= before { partition.machine.gateWasShut() }
        case .incarnationBegan(let number):
            self.shared.gate.abandon(index, incarnation: number)
            partition.writtenInfo = nil
            self.listenForControl(index)
            self.compareConstantsSoon()
        case .epochChanged:
            partition.writtenInfo = nil
            partition.lastEvent = nil
            if self.isListening { self.mustListen.insert(index) }
            self.compareConstantsSoon()
        case .granted(let claim, let grant):
            claim.connection.registryGranted(grant)
        case .refused(let claim, let refusal):
            claim.connection.registryRefused(refusal)
        case .probe(let claim):
            self.probe(claim)
        case .resumed(let claim):
            claim.connection.registryResumed()
        case .closes(let claim, let reason):
            claim.connection.registryCloses(reason)
        case .completed(let completions):
            for completion in completions { completion() }
        }
    }

    private func probe(_ claim: Claim) {
        let id = claim.id
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        claim.connection.registryProbes(timeout: self.options.timing.probeTimeout) { isAlive in
            bound.eventLoop.execute {
                guard let partition = bound.value.partition(of: id) else { return }
                let now = LeaseGate.now()
                partition.machine.probeAnswered(id, isAlive: isAlive, now: now)
                bound.value.settle(partition, now: now)
            }
        }
    }

    // MARK: - Time

    private func setAlarm(_ time: UInt64, now: UInt64) {
        guard self.isRunning else { return }
        self.alarm?.task.cancel()
        // Up to the next multiple of about 8 ms: what many claims wait for takes few wake-ups.
        let grid: UInt64 = 1 << 23
        let pause = TimeAmount.nanoseconds(Int64(clamping: (max(time, now) / grid &+ 1) &* grid &- now))
        let task = self.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.wake() }
        self.alarm = (time, task)
    }

    private func wake() {
        self.alarm = nil
        let now = LeaseGate.now()
        for partition in self.partitions {
            if partition.machine.nextWake <= now { partition.machine.wake(now: now) }
            self.settle(partition, now: now)
        }
    }

    // MARK: - Figures

    /// A renewal was answered.
    func renewalsChanged() {
        guard self.departure == nil else { return }
        var oldest = UInt64.max
        for partition in self.partitions { oldest = min(oldest, partition.machine.lease.lastRenewal ?? 0) }
        self.shared.renewedAt.store(oldest, ordering: .relaxed)
        self.publishFigures(now: LeaseGate.now())
    }

    private func publishFigures(now: UInt64) {
        var counters = RegistryCounters()
        var waiting = 0
        var claims = 0
        var margin = UInt64.max
        var isRecovering = false
        for partition in self.partitions {
            let machine = partition.machine
            counters.add(machine.counters)
            waiting += machine.undecided
            claims += machine.claims.count
            margin = min(margin, machine.lease.deadline &- min(machine.lease.deadline, now))
            if machine.recoversUntil > now { isRecovering = true }
        }
        var byName = counters.byName
        byName["claims_waiting"] = waiting
        byName["claims_known"] = claims
        byName["lease_margin_milliseconds"] = Int(clamping: margin / 1_000_000)
        self.shared.publish(RegistryShared.Figures(isRecovering: isRecovering, counters: byName))
        if isRecovering, !self.wasRecovering {
            self.logger.notice("the registry's data began a new life: newcomers wait until every node has spoken")
        }
        self.wasRecovering = isRecovering
    }

    /// At most one warning a second.
    func warn(_ message: Logger.Message, _ metadata: Logger.Metadata) {
        let now = LeaseGate.now()
        guard now &- self.lastWarning > 1_000_000_000 else { return }
        self.lastWarning = now
        self.logger.warning(message, metadata: metadata)
    }
}
