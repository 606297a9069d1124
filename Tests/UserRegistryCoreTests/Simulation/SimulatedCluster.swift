// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

@testable import UserRegistryCore

/// SplitMix64: the same schedule for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// A socket that does nothing by itself: the simulation reads the partition's actions instead.
final class SilentConnection: RegistryConnection {
    func registryGranted(_ grant: LeaseGrant) {}
    func registryRefused(_ refusal: RegistryRefusal) {}
    func registryProbes(timeout: Duration, answer: @escaping @Sendable (Bool) -> Void) {}
    func registryResumed() {}
    func registryCloses(_ reason: RegistryCloseReason) {}
}

/// Several nodes, their clients and one Redis in virtual time, with faults. Finds what breaks the invariants.
final class SimulatedCluster {
    enum Fault: CaseIterable {
        case pause, crash, reset, hold, holdReplies, restartEmpty, restartWithData, restartWithOldData, flush, deleteKey
        case redisPause, clockStep
    }

    /// A connection to Redis.
    final class Link {
        let run: Int
        var isOpen = true
        var lastExecution: UInt64 = 0
        var lastReply: UInt64 = 0
        var underWay: [(id: Int, command: PartitionCommand)] = []
        init(run: Int) { self.run = run }
    }

    final class Socket {
        let user: String
        let id: UInt64
        var grant: LeaseGrant?
        var isOpen = true
        var wasRefused = false
        init(user: String, id: UInt64) {
            self.user = user
            self.id = id
        }
    }

    final class Node {
        let partition: RegistryPartition
        var link: Link?
        var isUp = true
        var pausedUntil: UInt64 = 0
        var incarnation: UInt32 = 1
        var deadline: UInt64 = 0
        var sockets: [UInt64: Socket] = [:]
        var lastID: UInt64 = 0
        var wakeAt = UInt64.max
        // What it sends, and what is sent to it, stays on the way until then.
        var sendsHeldUntil: UInt64 = 0
        var repliesHeldUntil: UInt64 = 0
        init(partition: RegistryPartition) { self.partition = partition }
    }

    static let millisecond: UInt64 = 1_000_000
    let flaws: Set<ScriptModel.Flaw>
    let timing: RegistryTiming
    let policy: DuplicatePolicy
    let users: [String]
    var random: SeededGenerator
    var model = ScriptModel()
    var nodes: [Node] = []
    var now: UInt64 = 1_000_000_000
    var clockOffset: Int64 = 0
    var redisPausedUntil: UInt64 = 0
    var redisIsUp = true
    private var snapshots: [ScriptModel] = []
    var clientsConnect = true

    var violation: String?
    var admissions = 0
    var refusals = 0

    private var queue = EventQueue()
    private var commandID = 0
    private var bases = 0

    init(seed: UInt64, flaws: Set<ScriptModel.Flaw> = [], nodes: Int = 3, users: Int = 2) {
        self.random = SeededGenerator(state: seed)
        self.flaws = flaws
        var timing = RegistryTiming(lease: .seconds(2), probeTimeout: .milliseconds(300))
        if flaws.contains(.noMargin) { timing.margin = .zero }
        self.timing = timing
        self.policy = [.reject, .probe, .replace][Int(seed % 3)]
        self.users = (0..<users).map { "user\($0)" }
        self.model.flaws = flaws
        self.model.lease = timing.lease.wholeMilliseconds
        self.model.step = timing.step.wholeMilliseconds
        self.nodes = (0..<nodes).map { _ in self.makeNode() }
        for index in self.nodes.indices { self.boot(index) }
        for user in self.users { self.scheduleClient(user) }
        self.scheduleSnapshot()
    }

    // MARK: - Running

    func schedule(after delay: UInt64, _ action: @escaping () -> Void) {
        self.queue.push(self.now + delay, action)
    }

    /// Runs events up to that time, or to the first violation.
    func run(until end: UInt64) {
        while self.violation == nil, let (time, action) = self.queue.pop(before: end) {
            self.now = max(self.now, time)
            action()
            self.checkOneServed()
        }
        self.now = max(self.now, end)
    }

    func isServed(_ socket: Socket, on node: Node) -> Bool {
        guard node.isUp, self.now >= node.pausedUntil, socket.isOpen, let grant = socket.grant else { return false }
        if self.flaws.contains(.noFence) { return true }
        return grant.incarnation == node.incarnation && self.now < node.deadline
    }

    func served(_ user: String) -> [(Node, Socket)] {
        self.nodes.flatMap { node in
            node.sockets.values.filter { $0.user == user && self.isServed($0, on: node) }.map { (node, $0) }
        }
    }

    private func checkOneServed() {
        for user in self.users {
            let served = self.served(user)
            guard served.count > 1 else { continue }
            let names = served.map { "\($0.0.partition.lease.incarnation)#\($0.1.id)" }
            self.violation = "I1: \(user) is served by \(names) at \(self.now / Self.millisecond) ms"
        }
    }

    func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self.random) < share }
    func delay(_ range: ClosedRange<UInt64>) -> UInt64 {
        UInt64.random(in: range, using: &self.random) * Self.millisecond / 10
    }

    // MARK: - Nodes

    private func makeNode() -> Node {
        self.bases += 1
        let base = String("inc0000000".prefix(8)) + String(self.bases + 1_000, radix: 10).suffix(2)
        return Node(partition: RegistryPartition(index: 0, base: base, policy: self.policy, timing: self.timing))
    }

    private func boot(_ index: Int) {
        let node = self.nodes[index]
        self.schedule(after: self.delay(1...50)) { self.connect(node) }
        self.beat(node)
    }

    private func beat(_ node: Node) {
        self.schedule(after: self.timing.heartbeat.wholeNanoseconds) {
            guard node.isUp else { return }
            self.onNode(node) { node.partition.heartbeat(now: self.now) }
            self.beat(node)
        }
    }

    private func connect(_ node: Node) {
        guard node.isUp, node.link == nil else { return }
        guard self.redisIsUp else {
            return self.schedule(after: self.delay(200...600)) { self.connect(node) }
        }
        self.onNode(node) {
            guard node.link == nil, self.redisIsUp else { return self.connect(node) }
            node.link = Link(run: self.model.run)
            node.partition.connected(now: self.now)
        }
    }

    /// Runs now, or when the node's process runs again.
    func onNode(_ node: Node, _ action: @escaping () -> Void) {
        guard node.isUp else { return }
        guard self.now >= node.pausedUntil else {
            return self.queue.push(node.pausedUntil) { self.onNode(node, action) }
        }
        action()
        self.perform(node)
    }

    private func perform(_ node: Node) {
        while node.partition.hasActions {
            for action in node.partition.takeActions() { self.perform(action, node) }
        }
        let wake = node.partition.nextWake
        guard wake < node.wakeAt else { return }
        node.wakeAt = wake
        self.queue.push(max(wake, self.now)) {
            self.onNode(node) {
                if node.wakeAt <= self.now { node.wakeAt = .max }
                node.partition.wake(now: self.now)
            }
        }
    }

    private func perform(_ action: PartitionAction, _ node: Node) {
        switch action {
        case .send(let command): self.send(command, node)
        case .gateExtended(let deadline): node.deadline = deadline
        case .incarnationBegan(let number):
            node.deadline = 0
            node.incarnation = number
        case .epochChanged: break
        case .granted(let claim, let grant):
            guard let socket = node.sockets[claim.id] else { return }
            if socket.grant == nil { self.admissions += 1 }
            socket.grant = grant
            self.checkOneServed()
        case .refused(let claim, _):
            self.refusals += 1
            node.sockets[claim.id]?.wasRefused = true
            self.close(claim.id, node)
        case .closes(let claim, _):
            self.close(claim.id, node)
        case .probe(let claim):
            let lives = self.chance(0.7) && node.sockets[claim.id]?.isOpen == true
            let delay = lives ? self.delay(50...1_000) : self.timing.probeTimeout.wholeNanoseconds
            self.schedule(after: delay) {
                self.onNode(node) { node.partition.probeAnswered(claim.id, isAlive: lives, now: self.now) }
            }
        case .resumed: self.checkOneServed()
        case .completed(let completions): for completion in completions { completion() }
        }
    }

    // MARK: - Redis

    private func send(_ command: PartitionCommand, _ node: Node) {
        self.commandID += 1
        let id = self.commandID
        guard let link = node.link, link.isOpen else {
            return self.schedule(after: 0) {
                self.onNode(node) { node.partition.replied(.notExecuted, to: command, now: self.now) }
            }
        }
        link.underWay.append((id, command))
        var caller = ScriptModel.Caller(
            run: link.run, epoch: command.stamp.epoch, inc: node.partition.lease.name(of: command.stamp.number),
            session: command.stamp.session)
        if case .release(_, _, let claim?) = command.script, let number = claim.sentUnder {
            caller.inc = node.partition.lease.name(of: number)
        }
        link.lastExecution = max(link.lastExecution, max(self.now, node.sendsHeldUntil) + self.delay(1...40))
        let sentBy = caller
        self.queue.push(link.lastExecution) { self.execute(id, command, sentBy, link, node) }
    }

    private func execute(
        _ id: Int, _ command: PartitionCommand, _ caller: ScriptModel.Caller, _ link: Link, _ node: Node
    ) {
        guard self.redisIsUp, link.run == self.model.run else { return }
        guard self.now >= self.redisPausedUntil else {
            return self.queue.push(self.redisPausedUntil) { self.execute(id, command, caller, link, node) }
        }
        self.model.wall = Int64(self.now / Self.millisecond) + 1_000_000 + self.clockOffset
        let reply = self.model.execute(command.script, by: caller)
        let published = self.model.published
        self.model.published = []
        for (inc, message) in published where !self.chance(0.1) { self.publish(inc, message) }
        link.lastReply = max(link.lastReply, max(self.now, node.repliesHeldUntil) + self.delay(1...40))
        self.queue.push(link.lastReply) {
            self.onNode(node) {
                guard link.isOpen, let index = link.underWay.firstIndex(where: { $0.id == id }) else { return }
                link.underWay.remove(at: index)
                let isLate = self.flaws.contains(.deadlineFromReply)
                let answered =
                    isLate
                    ? PartitionCommand(script: command.script, stamp: command.stamp, sentAt: self.now) : command
                node.partition.replied(reply, to: answered, now: self.now)
            }
        }
    }

    private func publish(_ inc: String, _ message: ControlMessage) {
        for node in self.nodes where node.isUp {
            self.schedule(after: self.delay(1...100)) {
                self.onNode(node) { node.partition.received(message, incarnation: inc, now: self.now) }
            }
        }
    }

    /// The connection breaks: what was under way executes late or never, and has no answer.
    func reset(_ node: Node) {
        guard let link = node.link else { return }
        link.isOpen = false
        node.link = nil
        let underWay = link.underWay
        self.onNode(node) {
            for (_, command) in underWay { node.partition.replied(.unknown, to: command, now: self.now) }
            node.partition.disconnected(now: self.now)
        }
        self.schedule(after: self.delay(200...3_000)) { self.connect(node) }
    }

    private func scheduleSnapshot() {
        self.schedule(after: self.delay(500...5_000)) {
            if self.redisIsUp { self.snapshots = self.snapshots.suffix(9) + [self.model] }
            self.scheduleSnapshot()
        }
    }

    // MARK: - Clients

    private func scheduleClient(_ user: String) {
        self.schedule(after: self.delay(100...6_000)) {
            if self.clientsConnect { self.open(user) }
            self.scheduleClient(user)
        }
    }

    @discardableResult
    func open(_ user: String, on index: Int? = nil) -> Socket? {
        let node = self.nodes[index ?? Int.random(in: self.nodes.indices, using: &self.random)]
        guard node.isUp, self.now >= node.pausedUntil else { return nil }
        node.lastID += 1
        let socket = Socket(user: user, id: node.lastID)
        node.sockets[socket.id] = socket
        let claim = Claim(
            id: socket.id, user: user, info: "", connectedAt: 0, connection: SilentConnection(),
            deadline: self.now + self.timing.claimWait.wholeNanoseconds, notBefore: self.now)
        self.onNode(node) { node.partition.claim(claim, now: self.now) }
        if self.chance(0.6) {
            self.schedule(after: self.delay(500...60_000)) { self.onNode(node) { self.close(socket.id, node) } }
        }
        return socket
    }

    func close(_ id: UInt64, _ node: Node) {
        guard let socket = node.sockets[id], socket.isOpen else { return }
        socket.isOpen = false
        node.partition.release(id, now: self.now) {}
        node.sockets[id] = nil
        self.perform(node)
    }

    // MARK: - Faults

    func inject(_ fault: Fault) {
        let node = self.nodes[Int.random(in: self.nodes.indices, using: &self.random)]
        let lease = self.timing.lease.wholeNanoseconds
        switch fault {
        case .pause:
            node.pausedUntil = max(
                node.pausedUntil, self.now + UInt64.random(in: lease / 4...lease * 2, using: &self.random))
        case .crash: self.crash(node)
        case .reset: self.reset(node)
        case .hold: node.sendsHeldUntil = self.now + UInt64.random(in: lease / 8...lease, using: &self.random)
        case .holdReplies: node.repliesHeldUntil = self.now + UInt64.random(in: lease / 8...lease, using: &self.random)
        case .restartEmpty, .restartWithData, .restartWithOldData:
            let run = self.model.run
            if fault == .restartEmpty { self.model.loseAll() }
            // As after a failover to a replica that lagged behind.
            if fault == .restartWithOldData, let old = self.snapshots.randomElement(using: &self.random) {
                self.model = old
            }
            self.model.run = run + 1
            self.snapshots = []
            self.redisIsUp = false
            for node in self.nodes where node.isUp { self.reset(node) }
            self.schedule(after: self.delay(10...10_000)) { self.redisIsUp = true }
        case .flush: self.model.loseAll()
        case .deleteKey:
            switch Int.random(in: 0..<3, using: &self.random) {
            case 0: self.model.meta = nil
            case 1: self.model.leases = nil
            default: self.model.claims = nil
            }
        case .redisPause:
            self.redisPausedUntil = self.now + UInt64.random(in: lease / 4...lease * 3 / 2, using: &self.random)
        case .clockStep:
            self.clockOffset += Int64.random(in: -100_000...100_000, using: &self.random)
        }
    }

    private func crash(_ node: Node) {
        guard let index = self.nodes.firstIndex(where: { $0 === node }) else { return }
        node.isUp = false
        node.link?.isOpen = false
        node.sockets = [:]
        self.nodes[index] = self.makeNode()
        self.boot(index)
    }
}

/// A heap of events; those of one time in the order in which they were pushed.
struct EventQueue {
    private var heap: [(time: UInt64, number: Int, action: () -> Void)] = []
    private var number = 0

    mutating func push(_ time: UInt64, _ action: @escaping () -> Void) {
        self.number += 1
        self.heap.append((time, self.number, action))
        var child = self.heap.count - 1
        while child > 0, self.isLess(child, (child - 1) / 2) {
            self.heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop(before end: UInt64) -> (UInt64, () -> Void)? {
        guard let first = self.heap.first, first.time <= end else { return nil }
        let last = self.heap.removeLast()
        guard !self.heap.isEmpty else { return (first.time, first.action) }
        self.heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < self.heap.count {
                if self.isLess(child, least) { least = child }
            }
            guard least != parent else { return (first.time, first.action) }
            self.heap.swapAt(parent, least)
            parent = least
        }
    }

    private func isLess(_ left: Int, _ right: Int) -> Bool {
        (self.heap[left].time, self.heap[left].number) < (self.heap[right].time, self.heap[right].number)
    }
}
