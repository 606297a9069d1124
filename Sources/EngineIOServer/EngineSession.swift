// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Who gets the messages of a session: one object for each, called on the session's event loop.
package protocol EngineSessionReceiver: AnyObject {
    /// A message of text, without the Engine.IO type. The bytes are valid during the call.
    func engineReceived(text: UnsafeRawBufferPointer)
    /// A message of bytes, valid during the call.
    func engineReceived(binary: UnsafeRawBufferPointer)
    /// The session is open, and its client was told.
    func engineOpened()
    /// The session changed to WebSocket.
    func engineUpgraded()
    /// The session has been open for as long as ``EngineConfiguration/connectTimeout``.
    func engineConnectTimedOut()
    /// The time of ``EngineSession/scheduleExpiry(after:)`` has come.
    func engineExpired()
    /// The session is over; nothing comes after this.
    func engineClosed(_ reason: CloseReason)
}

/// One Engine.IO session: its transport, heartbeat and end. Belongs to the event loop of its first channel.
///
/// States: open on polling → (probing → upgrading) → open on WebSocket; closed from any of them, once.
package final class EngineSession {
    package let id: SessionID
    package let loop: EngineLoop
    /// The revision of the protocol that the client speaks.
    package let version: EngineVersion
    /// The request that opened the session; whoever no longer needs it sets it to nil.
    package var request: EngineRequest?
    package var receiver: (any EngineSessionReceiver)?

    /// The session's place in the tables of its loop; -1 when closed.
    private(set) package var slot: Int32 = -1
    private(set) var webSocket: WebSocketConnection?
    private(set) var polling: PollingTransport?
    var candidate: UpgradeCandidate?

    private var heartbeatSerial: UInt16 = 0
    private var awaitsPong = false
    /// Pings of ours; in protocol 3 those of ``probe(timeout:answer:)``.
    private(set) var pingsSent: UInt32 = 0
    private var pongsReceived: UInt32 = 0
    /// When the client took part in the heartbeat last: answered a ping, or (protocol 3) sent one.
    private var lastSign: NIODeadline
    private var probes: [(id: UInt32, pings: UInt32, answer: (Bool) -> Void)] = []
    private var probeCount: UInt32 = 0
    private let onEnd: @Sendable (SessionID) -> Void

    init(
        id: SessionID, loop: EngineLoop, version: EngineVersion, request: EngineRequest,
        onEnd: @escaping @Sendable (SessionID) -> Void
    ) {
        self.id = id
        self.loop = loop
        self.lastSign = loop.configuration.now()
        self.version = version
        self.request = request
        self.onEnd = onEnd
    }

    /// False after the end.
    package var isOpen: Bool { self.slot >= 0 }

    /// `websocket` or `polling`.
    package var transportName: String { self.webSocket != nil ? "websocket" : "polling" }

    /// Whether output would leave at once: what volatile events ask for.
    package var isWritable: Bool { self.webSocket?.isDrained ?? self.polling?.isWritable ?? false }

    // MARK: opening

    func open(on webSocket: WebSocketConnection) {
        self.slot = self.loop.add(self)
        self.loop.counters.opened += 1
        self.loop.counters.webSocketSessions += 1
        self.webSocket = webSocket
        webSocket.attach(to: self)
        self.startTimers()
    }

    func open(on polling: PollingTransport) {
        self.slot = self.loop.add(self)
        self.loop.counters.opened += 1
        self.loop.counters.pollingSessions += 1
        self.polling = polling
        self.loop.setOutlet(EngineLoop.Outlet.polling, of: self.slot)
        self.startTimers()
    }

    private func startTimers() {
        self.scheduleHeartbeat(
            after: self.version == .v4 ? self.loop.configuration.pingInterval : self.longestSilence)
        guard let connectTimeout = self.loop.configuration.connectTimeout else { return }
        self.loop.addTimer(after: connectTimeout, session: self, serial: 0, kind: .connectTimeout)
    }

    /// The candidate sent its upgrade packet: from now on everything goes over WebSocket.
    func upgrade(to webSocket: WebSocketConnection) {
        self.polling?.finishPost()
        guard self.isOpen, let polling = self.polling else { return webSocket.shutDown(code: nil) }
        self.candidate = nil
        self.polling = nil
        self.webSocket = webSocket
        self.loop.counters.upgrades += 1
        self.loop.counters.pollingSessions -= 1
        self.loop.counters.webSocketSessions += 1
        webSocket.attach(to: self)
        for packet in polling.handOver() { webSocket.sendNow(packet) }
        if self.version == .v3, !self.probes.isEmpty { self.sendPingFrame() }  // no poll will answer them any more
        self.receiver?.engineUpgraded()
    }

    // MARK: receiving

    /// One packet of text: Engine.IO's type, then its data.
    @inline(__always)
    func receive(text packet: UnsafeRawBufferPointer) {
        guard packet.count > 0 else { return self.close(.parseError, .flush) }
        switch packet[0] {
        case UInt8(ascii: "4"):
            self.loop.counters.messagesReceived &+= 1
            self.receiver?.engineReceived(text: UnsafeRawBufferPointer(rebasing: packet[1...]))
        case UInt8(ascii: "3"): self.receivedPong()
        case UInt8(ascii: "1"): self.close(.transportClose, .flush)
        case UInt8(ascii: "2"): self.receivedPing()
        case UInt8(ascii: "5"), UInt8(ascii: "6"): break
        case UInt8(ascii: "b"): self.receive(base64: UnsafeRawBufferPointer(rebasing: packet[1...]))
        default: self.close(.parseError, .flush)
        }
    }

    /// Bytes that are not text; in protocol 3 the packet type goes first.
    func receive(binary packet: UnsafeRawBufferPointer) {
        guard self.version == .v3 else { return self.receive(message: packet) }
        guard packet.first == 4 else { return self.close(.parseError, .flush) }
        self.receive(message: UnsafeRawBufferPointer(rebasing: packet[1...]))
    }

    /// A binary message as text, behind the `b`; in protocol 3 the packet type goes first.
    @inline(never)
    private func receive(base64 text: UnsafeRawBufferPointer) {
        var text = text
        if self.version == .v3 {
            guard text.first == UInt8(ascii: "4") else { return self.close(.parseError, .flush) }
            text = UnsafeRawBufferPointer(rebasing: text[1...])
        }
        guard let bytes = Base64.decode(text) else { return self.close(.parseError, .flush) }
        bytes.withUnsafeReadableBytes { self.receive(message: $0) }
    }

    private func receive(message: UnsafeRawBufferPointer) {
        self.loop.counters.messagesReceived &+= 1
        self.receiver?.engineReceived(binary: message)
    }

    // MARK: sending

    /// Frames of this session's own, written by `write` as WebSocket frames whatever the transport is.
    @inline(__always)
    package func send(_ write: (inout ByteBuffer) -> Void) {
        self.loop.send(to: self, write)
    }

    /// The loop hands over frames for a session that is not on WebSocket.
    func enqueue(_ frames: UnsafeRawBufferPointer) {
        guard let polling = self.polling else { return }
        if !polling.enqueue(frames) { self.closeSoon(.slowConsumer) }
    }

    func flushPolling() { self.polling?.flush() }

    // MARK: heartbeat

    private func scheduleHeartbeat(after delay: TimeAmount) {
        self.heartbeatSerial &+= 1
        self.loop.addTimer(after: delay, session: self, serial: self.heartbeatSerial, kind: .heartbeat)
    }

    func timerFired(_ kind: TimerWheel.Kind, serial: UInt16) {
        switch kind {
        case .heartbeat:
            guard serial == self.heartbeatSerial else { return }
            guard self.version == .v4 else { return self.checkSilence() }
            if self.awaitsPong { return self.close(.pingTimeout, .discard) }
            self.sendPing()
            self.awaitsPong = true
            self.scheduleHeartbeat(after: self.loop.configuration.pingTimeout)
        case .connectTimeout: self.receiver?.engineConnectTimedOut()
        case .expiry:
            if self.now < self.expiryDeadline { return self.addExpiryTimer() }
            self.receiver?.engineExpired()
        }
    }

    /// Tells the receiver when that much time is over. Only one such time counts, the last.
    package func scheduleExpiry(after delay: TimeAmount) {
        self.expiryDeadline = self.now + delay
        self.addExpiryTimer()
    }

    private var expiryDeadline = NIODeadline.distantFuture

    /// In steps: the wheel keeps the entries of closed sessions until they are due, and a token may last for days.
    private func addExpiryTimer() {
        let left = min(self.expiryDeadline - self.now, .minutes(10))
        self.loop.addTimer(after: left, session: self, serial: 0, kind: .expiry)
    }

    private func sendPing() {
        self.pingsSent &+= 1
        self.loop.counters.pingsSent &+= 1
        if self.version == .v4 { return self.send { $0.writeFrame(WebSocketCodec.text, "2") } }
        if let polling = self.polling { polling.askForPoll() } else { self.sendPingFrame() }
    }

    private func receivedPong() {
        guard self.version == .v4 else { return self.close(.transportError, .flush) }  // the client pings
        guard self.pongsReceived != self.pingsSent else { return }  // nobody asked
        self.pongsReceived &+= 1
        if self.pongsReceived == self.pingsSent, self.awaitsPong {
            self.awaitsPong = false
            self.lastSign = self.now
            self.scheduleHeartbeat(after: self.loop.configuration.pingInterval)
        }
        self.answerProbes(upTo: self.pongsReceived)
    }

    private func answerProbes(upTo pings: UInt32) {
        guard !self.probes.isEmpty else { return }
        let answered = self.probes.filter { Int32(bitPattern: pings &- $0.pings) >= 0 }
        self.probes.removeAll { Int32(bitPattern: pings &- $0.pings) >= 0 }
        for probe in answered { probe.answer(true) }
    }

    /// Pings now, and says whether as many pongs as pings have come within `timeout`. Nothing else is a sign of life: neither
    /// bytes that were already in the socket nor the pong of an earlier ping.
    ///
    /// Clients of protocol 3 answer no ping of Engine.IO: on a WebSocket they get a ping of RFC 6455, which every WebSocket
    /// answers; while polling, their GET is answered, and the GET that follows the answer is the sign of life.
    package func probe(timeout: TimeAmount, answer: @escaping (Bool) -> Void) {
        guard self.isOpen else { return answer(false) }
        self.probeCount &+= 1
        let id = self.probeCount
        self.probes.append((id, self.pingsSent &+ 1, answer))
        self.sendPing()
        let bound = LoopBound(self, on: self.loop.eventLoop)
        self.loop.eventLoop.scheduleTask(in: timeout) { bound.onLoop.probeTimedOut(id) }
    }

    private func probeTimedOut(_ id: UInt32) {
        guard let index = self.probes.firstIndex(where: { $0.id == id }) else { return }
        self.probes.remove(at: index).answer(false)
    }

    private var now: NIODeadline { self.loop.configuration.now() }

    /// How long a client may take no part in the heartbeat.
    private var longestSilence: TimeAmount {
        self.loop.configuration.pingInterval + self.loop.configuration.pingTimeout
    }

    /// The timers are coarse: a request that comes too late finds the session closed all the same.
    func closeIfSilent() -> Bool {
        guard self.isOpen, self.lastSign + self.longestSilence <= self.now else { return false }
        self.close(.pingTimeout, .discard)
        return true
    }

    // MARK: heartbeat of protocol 3

    private func receivedPing() {
        guard self.version == .v3 else { return self.close(.transportError, .flush) }  // the server pings
        self.lastSign = self.now
        self.send { $0.writeFrame(WebSocketCodec.text, "3") }
    }

    private func checkSilence() {
        let left = self.lastSign + self.longestSilence - self.now
        if left > .zero { self.scheduleHeartbeat(after: left) } else { self.close(.pingTimeout, .discard) }
    }

    /// Its payload says how many pings a pong answers.
    private func sendPingFrame() {
        let count = self.pingsSent
        self.send {
            $0.writeFrame(WebSocketCodec.ping, payloadLength: 4) {
                $0.storeBytes(of: count.bigEndian, as: UInt32.self)
            }
        }
    }

    /// A pong of RFC 6455.
    func receivedPong(frame payload: UnsafeRawBufferPointer) {
        guard self.version == .v3, payload.count == 4 else { return }
        let count = UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self))
        guard Int32(bitPattern: self.pingsSent &- count) >= 0 else { return }
        self.answerProbes(upTo: count)
    }

    /// A GET came behind an answer that had left after so many pings.
    func polledAgain(after pings: UInt32) {
        if self.version == .v3 { self.answerProbes(upTo: pings) }
    }

    // MARK: back-pressure

    /// Stops and resumes reading from the transport: what the receiver asks for while it cannot take more.
    package func setReading(_ isOn: Bool) {
        self.webSocket?.setReading(isOn, .receiver)
    }

    // MARK: the end

    /// Closes when the present piece of work is over: called where closing at once would disturb the caller's iteration.
    func closeSoon(_ reason: CloseReason) {
        let bound = LoopBound(self, on: self.loop.eventLoop)
        self.loop.eventLoop.execute { bound.onLoop.close(reason, .discard) }
    }

    /// Ends the session. Only the first call counts.
    package func close(_ reason: CloseReason, _ mode: CloseMode) {
        guard self.isOpen else { return }
        let slot = self.slot
        self.loop.counters.closed[reason.rawValue, default: 0] += 1
        if let webSocket = self.webSocket {
            self.loop.counters.webSocketSessions -= 1
            webSocket.end(mode)
        } else if let polling = self.polling {
            self.loop.counters.pollingSessions -= 1
            polling.end(mode)
        }
        self.candidate?.cancel()
        self.candidate = nil
        self.slot = -1
        self.loop.remove(slot)
        self.webSocket = nil
        if self.polling?.hasQueued == true { self.linger() } else { self.onEnd(self.id) }
        let probes = self.probes
        self.probes = []
        for probe in probes { probe.answer(false) }
        let receiver = self.receiver
        self.receiver = nil
        receiver?.engineClosed(reason)
    }

    /// What a polling client has not fetched yet (a DISCONNECT packet, say) waits for its next GET.
    private func linger() {
        let bound = LoopBound(self, on: self.loop.eventLoop)
        self.loop.eventLoop.scheduleTask(in: .seconds(10)) { bound.onLoop.forget() }
    }

    /// The session's id is unknown from now on.
    func forget() { self.onEnd(self.id) }
}
