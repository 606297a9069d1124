// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// A WebSocket that wants to take a polling session over: `2probe` → `3probe`, then `5` (Engine.IO protocol, "Upgrade"). Whatever
/// else it sends ends it alone; the session stays on polling.
final class UpgradeCandidate: WebSocketReceiver {
    private unowned(unsafe) let session: EngineSession  // safe: `cancel` is called by the session before it goes away
    private let connection: WebSocketConnection
    private var isProbed = false
    private var isOver = false {
        didSet { self.timeout.take()?.cancel() }
    }
    private var timeout: Scheduled<Void>?

    /// How often a waiting GET is looked for. Not at once: the official client counts packets of the first 100 ms.
    private static let noopInterval = TimeAmount.milliseconds(100)

    init(session: EngineSession, connection: WebSocketConnection) {
        self.session = session
        self.connection = connection
    }

    func start() {
        self.connection.attach(to: self)
        let bound = LoopBound(self, on: self.session.loop.eventLoop)
        self.timeout = self.session.loop.eventLoop.scheduleTask(
            in: self.session.loop.configuration.upgradeTimeout
        ) {
            bound.onLoop.timedOut()
        }
    }

    func webSocket(_ connection: WebSocketConnection, receivedText text: UnsafeRawBufferPointer) {
        guard !self.isOver else { return }
        if !self.isProbed, Self.equals(text, "2probe") {
            self.isProbed = true
            "3probe".utf8.withContiguousStorageIfAvailable {
                connection.sendFrame(WebSocketCodec.text, UnsafeRawBufferPointer($0))
            }
            self.scheduleNoop()
        } else if self.isProbed, Self.equals(text, "5") {
            self.isOver = true
            self.session.upgrade(to: connection)
        } else {
            self.abandon()
        }
    }

    func webSocket(_ connection: WebSocketConnection, receivedBinary bytes: UnsafeRawBufferPointer) { self.abandon() }

    func webSocketClosed(_ connection: WebSocketConnection) {
        guard !self.isOver else { return }
        self.isOver = true
        self.session.candidate = nil
    }

    /// The session is over.
    func cancel() {
        guard !self.isOver else { return }
        self.isOver = true
        self.connection.shutDown(code: nil)
    }

    private func abandon() {
        guard !self.isOver else { return }
        self.isOver = true
        self.session.candidate = nil
        self.connection.shutDown(code: nil)
    }

    private func timedOut() {
        if !self.isOver { self.abandon() }
    }

    private func scheduleNoop() {
        let bound = LoopBound(self, on: self.session.loop.eventLoop)
        self.session.loop.eventLoop.scheduleTask(in: Self.noopInterval) { bound.onLoop.endWaitingPoll() }
    }

    private func endWaitingPoll() {
        guard !self.isOver else { return }
        self.session.polling?.sendNoop()
        self.scheduleNoop()
    }

    private static func equals(_ text: UnsafeRawBufferPointer, _ expected: StaticString) -> Bool {
        text.elementsEqual(UnsafeBufferPointer(start: expected.utf8Start, count: expected.utf8CodeUnitCount))
    }
}
