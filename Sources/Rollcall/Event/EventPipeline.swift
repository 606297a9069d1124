// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec

/// Called for each event of a socket before its handlers; throwing drops the event.
enum EventMiddleware: Sendable {
    case synchronous(@Sendable (String, Arguments) throws -> Void)
    case asynchronous(@Sendable (String, Arguments) async throws -> Void)
}

/// The events of one socket that wait for a middleware: one at which it looks, and those behind.
struct EventPipeline {
    enum Stage {
        /// Nothing waits.
        case idle
        /// An asynchronous middleware looks at an event.
        case running
        /// It has decided.
        case decided(HeldPacket, next: Int, (any Error)?)
        /// The next event may come.
        case ready
    }
    var stage = Stage.idle
    var waiting = CircularBuffer<HeldPacket>()
    var waitingBytes = 0
    /// ``Socket/workOffEvents()`` is under way, further out.
    var isWorking = false
    var isReadingPaused = false

    var isIdle: Bool {
        if case .idle = self.stage { true } else { false }
    }

    /// Above this the client is not read.
    var isFull: Bool { self.waiting.count >= 64 || self.waitingBytes >= 65536 }

    /// Above this the connection ends: only reached over polling, where what was posted has been read already.
    func overflows(_ limits: ServerConfiguration.Limits) -> Bool {
        self.waiting.count > 1000 || self.waitingBytes > 65536 + limits.maxPayload + limits.maxAttachmentBytes
    }
}

extension HeldPacket {
    fileprivate var bytes: Int { self.attachments.reduce(self.payload.readableBytes) { $0 + $1.readableBytes } }
}

extension Socket {
    /// Per-socket middleware and catch-all listeners. False: the event is dropped, or waits.
    @inline(never)
    func passesExtras(_ event: EventSlices, _ incoming: IncomingEvent, _ payload: UnsafeRawBufferPointer) -> Bool {
        guard let extras = self.state.extras, !extras.middleware.isEmpty || !extras.anyListeners.isEmpty else {
            return true
        }
        guard extras.pipeline.isIdle else {
            self.wait(HeldPacket(incoming, payload))
            return false
        }
        return self.passes(from: 0, event, incoming) { HeldPacket(incoming, payload) }
    }

    /// Runs the middleware from one on.
    ///
    /// - Parameter packet: the event, to be kept while an asynchronous middleware looks at it.
    private func passes(
        from index: Int, _ event: EventSlices, _ incoming: IncomingEvent, _ packet: () -> HeldPacket
    ) -> Bool {
        guard let extras = self.state.extras else { return false }
        let name = event.decodedName
        let arguments = Arguments(incoming)
        var index = index
        while index < extras.middleware.count, self.state.phase == .connected {
            switch extras.middleware[index] {
            case .synchronous(let body):
                do {
                    try body(name, arguments)
                } catch {
                    self.fail(incoming.acknowledgementID, error)
                    return false
                }
            case .asynchronous(let body):
                extras.pipeline.stage = .running
                self.run(packet(), next: index + 1) { try await body(name, arguments) }
                return false
            }
            index += 1
        }
        for listener in extras.anyListeners where self.state.phase == .connected { listener(name, arguments) }
        return self.state.phase == .connected
    }

    private func run(_ packet: HeldPacket, next: Int, _ body: @escaping @Sendable () async throws -> Void) {
        self.runTask {
            var failure: (any Error)?
            do { try await body() } catch { failure = error }
            let result = failure
            self.onLoop { socket in
                guard socket.state.phase == .connected, let extras = socket.state.extras else { return }
                extras.pipeline.stage = .decided(packet, next: next, result)
                socket.workOffEvents()
            }
        }
    }

    /// Goes on with the events that wait, as far as neither a middleware nor the gate makes them.
    func workOffEvents() {
        guard let extras = self.state.extras, !extras.pipeline.isWorking else { return }
        extras.pipeline.isWorking = true
        defer { extras.pipeline.isWorking = false }
        while self.state.phase == .connected {
            switch extras.pipeline.stage {
            case .idle, .running: return
            case .decided(let packet, let next, let failure):
                guard !self.mustHold() else { return self.suspend() }
                extras.pipeline.stage = .ready
                if let failure { self.fail(packet.id, failure) } else { self.proceed(packet, from: next) }
            case .ready:
                guard !extras.pipeline.waiting.isEmpty else {
                    extras.pipeline.stage = .idle
                    return
                }
                guard !self.mustHold() else { return self.suspend() }
                self.proceed(extras.pipeline.waiting.removeFirst(), from: 0)
            }
        }
    }

    private func proceed(_ packet: HeldPacket, from index: Int) {
        if index == 0, let extras = self.state.extras {
            extras.pipeline.waitingBytes -= packet.bytes
            self.resumeReading(extras)
        }
        packet.payload.withUnsafeReadableBytes { payload in
            guard let event = try? EventSlices.parse(payload) else { return }  // it was checked
            let incoming = IncomingEvent(
                name: event.name, arguments: event.arguments, attachments: packet.attachments,
                acknowledgementID: packet.id)
            guard self.passes(from: index, event, incoming, { packet }) else { return }
            self.callListeners(event, incoming)
        }
    }

    // MARK: back-pressure

    private func wait(_ packet: HeldPacket) {
        guard let extras = self.state.extras else { return }
        extras.pipeline.waiting.append(packet)
        extras.pipeline.waitingBytes += packet.bytes
        guard extras.pipeline.isFull, let connection = self.state.connection else { return }
        if extras.pipeline.overflows(self.namespace.server.configuration.limits) {
            return connection.closeTransport(code: "EVENTS_WAITING", .forcedClose)
        }
        // Each time: another socket of the connection, or the transport, may have resumed meanwhile.
        extras.pipeline.isReadingPaused = true
        connection.session.setReading(false)
    }

    /// The socket ends: the others of the connection are read again.
    func releaseReading() {
        guard self.state.extras?.pipeline.isReadingPaused == true, let session = self.state.connection?.session else {
            return
        }
        let bound = LoopBound(session, on: self.loop.eventLoop)
        self.loop.eventLoop.execute { bound.onLoop.setReading(true) }
    }

    private func resumeReading(_ extras: SocketExtras) {
        guard extras.pipeline.isReadingPaused, !extras.pipeline.isFull else { return }
        extras.pipeline.isReadingPaused = false
        // Not now: what was read already would be dispatched in the midst of this.
        self.afterwards { socket in
            guard let extras = socket.state.extras, !extras.pipeline.isReadingPaused else { return }
            socket.state.connection?.session.setReading(true)
        }
    }
}

extension HeldPacket {
    fileprivate init(_ incoming: IncomingEvent, _ payload: UnsafeRawBufferPointer) {
        self.init(
            payload: ByteBuffer(bytes: payload), id: incoming.acknowledgementID, attachments: incoming.attachments,
            isEvent: true)
    }
}
