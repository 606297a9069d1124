// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What all connections of one event loop share. Only ever touched on that loop; one instance for each loop, no locks.
///
/// Output goes one of two ways. While a connection is being read, everything for it goes into ``output`` and leaves in one write
/// when the read is over. Everything else goes into the *log* of the turn: each frame is written there once, every recipient's
/// share is a range of it, and at the end of the turn each gets one write of its range.
package final class EngineLoop {
    package let eventLoop: any EventLoop
    package let index: Int
    let configuration: EngineConfiguration
    let receivePool = ReceiveBufferPool()
    /// Nil where compression is off.
    let deflatePool: DeflatePool?
    package var counters = EngineCounters()
    var ids: IDSource
    private var plainIDs = IDSource()
    var wheel: TimerWheel

    /// Output of the connection that is being read. Written when its read is over and then used again for the next one: as soon as
    /// the socket has taken everything, nobody else holds the storage and `clear()` allocates nothing.
    var output: ByteBuffer
    /// Safe: set by a connection when its read begins, and cleared by it when the read ends or it closes, before it can go away.
    unowned(unsafe) var current: WebSocketConnection?

    /// Unmasked payload of the frame that is being looked at.
    private(set) var scratch: UnsafeMutableRawPointer
    private var scratchCapacity = EngineLoop.usualScratch
    private static let usualScratch = 1 << 16

    /// Frames of this turn, each encoded once.
    var log: ByteBuffer
    private var dirty: [Int32] = []
    private var endOfTurnIsDue = false
    private var endOfTurn: @Sendable () -> Void = {}
    /// Above this the log is sent before the turn ends, so that one turn cannot hold unbounded memory.
    private static let longestLog = 8 << 20
    private static let usualLog = 1 << 20
    /// While a range of the log is being handed out it must stay where it is.
    private var deliveries = 0

    /// What a delivery must know of a session, side by side: a thousand of them stay in the first-level cache.
    struct Outlet {
        var descriptor: Int32
        var logStart: UInt32 = 0
        var logEnd: UInt32 = 0

        static let free: Int32 = -1
        /// Output goes through the channel for now.
        static let throughChannel: Int32 = -2
        /// Not a WebSocket: the session's transport takes frames one by one.
        static let polling: Int32 = -3
    }
    private(set) var outlets: [Outlet] = []
    private(set) var sessions: [EngineSession?] = []
    private var generations: [UInt32] = []
    private var freeSlots: [Int32] = []
    package private(set) var sessionCount = 0
    private var outbox: [(target: LoopBound<EngineLoop>, job: @Sendable (EngineLoop) -> Void)] = []

    init(eventLoop: any EventLoop, index: Int, configuration: EngineConfiguration) {
        self.eventLoop = eventLoop
        self.index = index
        self.configuration = configuration
        self.deflatePool = configuration.perMessageDeflate.map { DeflatePool($0) }
        self.ids = IDSource(prefix: configuration.sidPrefix)
        let tick = min(min(configuration.pingInterval, configuration.pingTimeout).nanoseconds / 32, 1_000_000_000)
        self.wheel = TimerWheel(tick: .nanoseconds(max(tick, 1_000_000)), start: configuration.now())
        let allocator = ByteBufferAllocator()
        self.output = allocator.buffer(capacity: 16384)
        self.log = allocator.buffer(capacity: 16384)
        self.scratch = .allocate(byteCount: Self.usualScratch, alignment: 16)
        let bound = LoopBound(Weak(self), on: eventLoop)
        self.endOfTurn = { bound.onLoop.value?.finishTurn() }
    }

    deinit { self.scratch.deallocate() }

    /// The loop of code that runs elsewhere.
    package var bound: LoopBound<EngineLoop> { LoopBound(self, on: self.eventLoop) }

    private final class Weak {
        weak var value: EngineLoop?
        init(_ value: EngineLoop) { self.value = value }
    }

    @inline(__always)
    func reserveScratch(_ count: Int) {
        if count > self.scratchCapacity { self.resizeScratch(1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)) }
    }

    /// Gives back what one large message needed.
    func trimScratch() {
        if self.scratchCapacity > Self.usualScratch { self.resizeScratch(Self.usualScratch) }
    }

    private func resizeScratch(_ capacity: Int) {
        self.scratch.deallocate()
        self.scratchCapacity = capacity
        self.scratch = .allocate(byteCount: capacity, alignment: 16)
    }

    /// A random id without the node's prefix.
    package func makeID() -> SessionID { self.plainIDs.next() }

    // MARK: sessions

    /// A slot is a session's for as long as it is open: rooms and the dirty list name it.
    func add(_ session: EngineSession) -> Int32 {
        self.sessionCount += 1
        if let slot = self.freeSlots.popLast() {
            self.sessions[Int(slot)] = session
            return slot
        }
        self.sessions.append(session)
        self.outlets.append(Outlet(descriptor: Outlet.free))
        self.generations.append(0)
        return Int32(self.sessions.count - 1)
    }

    func remove(_ slot: Int32) {
        self.sessionCount -= 1
        self.sessions[Int(slot)] = nil
        self.outlets[Int(slot)] = Outlet(descriptor: Outlet.free)
        self.generations[Int(slot)] &+= 1
        self.freeSlots.append(slot)
    }

    @inline(__always)
    func setOutlet(_ descriptor: Int32, of slot: Int32) {
        self.outlets[Int(slot)].descriptor = descriptor
    }

    /// The open session in a slot.
    package func session(in slot: Int32) -> EngineSession? {
        slot >= 0 ? self.sessions[Int(slot)] : nil
    }

    package func forEachSession(_ body: (EngineSession) -> Void) {
        for case let session? in self.sessions { body(session) }
    }

    // MARK: sending

    /// Appends to the log; the range is valid for ``deliver(_:to:)`` until the next frames are logged, or within ``fanOut(_:)``.
    @inline(__always)
    package func logFrames(_ write: (inout ByteBuffer) -> Void) -> Range<UInt32> {
        if self.log.writerIndex > Self.longestLog, self.deliveries == 0 { self.flushLog() }
        let start = UInt32(truncatingIfNeeded: self.log.writerIndex)
        write(&self.log)
        return start..<UInt32(truncatingIfNeeded: self.log.writerIndex)
    }

    /// Keeps the log where it is while `body` delivers one range of it to many: a delivery may close a connection, whose handlers
    /// may send.
    @inline(__always)
    package func fanOut(_ body: () -> Void) {
        self.deliveries += 1
        body()
        self.deliveries -= 1
    }

    /// Gives a session a share of the log: three integers, and one write for all frames of the turn.
    @inline(__always)
    package func deliver(_ range: Range<UInt32>, to slot: Int32) {
        let index = Int(slot)
        let outlet = self.outlets[index]
        if outlet.descriptor <= Outlet.polling || outlet.descriptor == Outlet.free {
            return self.deliverToTransport(range, index)
        }
        if let current = self.current, current.slot == slot {  // in order with its own answers
            return self.appendToOutput(range)
        }
        if outlet.logStart == outlet.logEnd {
            self.outlets[index].logStart = range.lowerBound
            self.dirty.append(slot)
        } else if outlet.logEnd != range.lowerBound {  // a gap: frames for others lie in between
            self.flush(index)
            self.outlets[index].logStart = range.lowerBound
        }
        self.outlets[index].logEnd = range.upperBound
        self.scheduleEndOfTurn()
    }

    @inline(never)
    private func deliverToTransport(_ range: Range<UInt32>, _ index: Int) {
        guard let session = self.sessions[index] else { return }
        self.log.withUnsafeReadableBytes { bytes in
            session.enqueue(UnsafeRawBufferPointer(rebasing: bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
        }
        self.dirty.append(Int32(index))
        self.scheduleEndOfTurn()
    }

    /// A copy of a part of the log.
    package func frames(in range: Range<UInt32>) -> ByteBuffer {
        self.log.withUnsafeReadableBytes { bytes in
            ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
        }
    }

    private func appendToOutput(_ range: Range<UInt32>) {
        guard let slice = self.log.getSlice(at: Int(range.lowerBound), length: range.count) else { return }
        self.output.writeImmutableBuffer(slice)
    }

    /// Frames for one session.
    @inline(__always)
    package func send(to session: EngineSession, _ write: (inout ByteBuffer) -> Void) {
        guard session.slot >= 0 else { return }
        if let current = self.current, current.slot == session.slot, current.isOpen {
            write(&self.output)
        } else {
            self.deliver(self.logFrames(write), to: session.slot)
        }
    }

    /// Runs `job` on another loop when this turn ends: one wakeup for all jobs of the turn.
    package func enqueue(on target: LoopBound<EngineLoop>, _ job: @escaping @Sendable (EngineLoop) -> Void) {
        self.outbox.append((target, job))
        self.scheduleEndOfTurn()
    }

    @inline(__always)
    func scheduleEndOfTurn() {
        guard !self.endOfTurnIsDue else { return }
        self.endOfTurnIsDue = true
        self.eventLoop.execute(self.endOfTurn)  // runs when all sockets of this `epoll_wait` have been read; no wakeup
    }

    private func finishTurn() {
        self.endOfTurnIsDue = false
        self.flushLog()
        self.flushOutbox()
    }

    private func flushLog() {
        if self.log.writerIndex > Self.longestLog { self.counters.logOverflows += 1 }
        var position = 0
        self.fanOut {
            // A write that fails closes its connection, whose handlers may send more.
            while position < self.dirty.count {
                self.flush(Int(self.dirty[position]))
                position += 1
            }
        }
        self.dirty.removeAll(keepingCapacity: true)
        if self.log.capacity > Self.usualLog, self.log.writerIndex < self.log.capacity / 8 {
            self.log = ByteBufferAllocator().buffer(capacity: Self.usualLog)  // gives back what a burst needed
        } else {
            self.log.clear()
        }
    }

    private func flushOutbox() {
        guard !self.outbox.isEmpty else { return }
        let jobs = self.outbox
        self.outbox.removeAll(keepingCapacity: true)
        var byLoop: [ObjectIdentifier: (LoopBound<EngineLoop>, [@Sendable (EngineLoop) -> Void])] = [:]
        for (target, job) in jobs {
            byLoop[ObjectIdentifier(target.eventLoop), default: (target, [])].1.append(job)
        }
        for (target, jobs) in byLoop.values {
            target.execute { loop in for job in jobs { job(loop) } }
        }
    }

    @inline(__always)
    private func flush(_ index: Int) {
        let outlet = self.outlets[index]
        if outlet.descriptor == Outlet.polling {
            self.sessions[index]?.flushPolling()
            return
        }
        let count = Int(outlet.logEnd &- outlet.logStart)
        guard count > 0 else { return }
        self.outlets[index].logStart = outlet.logEnd
        self.counters.bytesSent &+= count
        var sent = 0
        if outlet.descriptor >= 0 {
            sent = self.log.withUnsafeReadableBytes { bytes in
                bytes.baseAddress.map { DirectSend.send(outlet.descriptor, $0 + Int(outlet.logStart), count) } ?? 0
            }
            if sent == count { return }
        }
        guard let rest = self.log.getSlice(at: Int(outlet.logStart) + max(0, sent), length: count - max(0, sent)) else {
            return
        }
        self.sessions[index]?.webSocket?.sendFromLog(rest)
    }

    /// What the log holds for this session, moved to the front of its own output or sent now, so that order is kept.
    func takeShare(of slot: Int32) {
        let outlet = self.outlets[Int(slot)]
        guard outlet.logStart != outlet.logEnd else { return }
        self.appendToOutput(outlet.logStart..<outlet.logEnd)
        self.outlets[Int(slot)].logStart = outlet.logEnd
    }

    /// Sends what the log holds for this session now.
    func flushShare(of slot: Int32) {
        self.flush(Int(slot))
    }

    /// Writes that may wait for one client: each costs memory beside its bytes.
    var maximumWaitingWrites: Int {
        let bytes = self.configuration.maxQueuedBytes
        return bytes == 0 ? Int.max : max(1024, bytes / 128)
    }

    // MARK: timers

    /// Connections that have not sent a request yet, oldest first.
    private(set) var unidentified: [(since: NIODeadline, handler: ConnectionHandler)] = []
    private var unidentifiedStart = 0
    /// Connections that speak HTTP.
    var httpHandlers: [ObjectIdentifier: EngineHTTPHandler] = [:]
    private var ticking: RepeatedTask?

    func startTicking() {
        let bound = LoopBound(Weak(self), on: self.eventLoop)
        self.ticking = self.eventLoop.scheduleRepeatedTask(initialDelay: self.wheel.tick, delay: self.wheel.tick) { _ in
            bound.onLoop.value?.tick()
        }
    }

    func stopTicking() {
        self.ticking?.cancel()
        self.ticking = nil
    }

    func watch(_ handler: ConnectionHandler) {
        self.unidentified.append((self.configuration.now(), handler))
    }

    private func checkConnections(_ now: NIODeadline) {
        while self.unidentifiedStart < self.unidentified.count {
            let (since, handler) = self.unidentified[self.unidentifiedStart]
            if !handler.isDone {
                guard now - since > self.configuration.requestTimeout else { break }
                handler.timedOut()
            }
            self.unidentifiedStart += 1
        }
        if self.unidentifiedStart > 1024 || self.unidentifiedStart == self.unidentified.count {
            self.unidentified.removeFirst(self.unidentifiedStart)
            self.unidentifiedStart = 0
        }
        for handler in Array(self.httpHandlers.values) { handler.checkTimes(now) }
    }

    func addTimer(after delay: TimeAmount, session: EngineSession, serial: UInt16, kind: TimerWheel.Kind) {
        guard session.slot >= 0 else { return }
        self.wheel.add(
            after: delay, slot: session.slot, generation: self.generations[Int(session.slot)], serial: serial,
            kind: kind)
    }

    /// Does what is due. The loop does it by itself; what sets the clock of the configuration forward asks for it.
    package func tick() {
        let now = self.configuration.now()
        self.checkConnections(now)
        for entry in self.wheel.advance(to: now) where self.generations[Int(entry.slot)] == entry.generation {
            self.sessions[Int(entry.slot)]?.timerFired(entry.kind, serial: entry.serial)
        }
    }
}

/// Bytes straight to a socket, past the channel.
enum DirectSend {
    /// How many bytes the socket took; negative when it took none.
    @inline(__always)
    static func send(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
        #else
            Musl.send(descriptor, bytes, count, Int32(MSG_NOSIGNAL))
        #endif
    }
}
