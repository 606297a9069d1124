// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// The end of a connection (RFC 6455, 7): both close frames, then the server ends the connection first.
extension WebSocketConnection {
    func receiveClose(_ payload: UnsafeRawBufferPointer) {
        switch CloseFrame(payload) {
        case .valid(let code): self.finish(.transportClose, code: code)
        case .violation(let code): self.violate(code)
        }
        self.closeWhenWritten()  // both close frames are out: the server ends the connection first (RFC 6455, 7.1.1)
    }

    private func closeWhenWritten() {
        guard self.writesInChannel > 0 || self.descriptor < 0 else { return self.closeChannel() }
        let bound = LoopBound(self, on: self.loop.eventLoop)
        self.channel.writeAndFlush(ByteBuffer()).whenComplete { _ in bound.execute { $0.closeChannel() } }
    }

    func violate(_ code: UInt16, reason: String? = nil) {
        self.loop.counters.refused[reason ?? "websocket_\(code)", default: 0] += 1
        self.finish(.transportError, code: code)
    }

    func fail(_ reason: CloseReason) {
        self.leftover = nil
        self.finish(reason, code: nil)
    }

    private func finish(_ reason: CloseReason, code: UInt16?) {
        guard self.phase == .open else { return }
        self.shutDown(code: code)
        self.tellOwner(reason)
    }

    private func tellOwner(_ reason: CloseReason) {
        let session = self.session
        let receiver = self.receiver
        self.session = nil
        self.receiver = nil
        session?.close(reason, .discard)
        receiver?.webSocketClosed(self)
    }

    /// The session is over.
    func end(_ mode: CloseMode) {
        self.session = nil
        if self.phase == .open {
            switch mode {
            case .flush: self.shutDown(code: nil)
            // Going away. A frame without a code is a normal end to the C++ client, after which it does not come back.
            case .comeBack: self.shutDown(code: 1001)
            case .discard: self.closeChannel()
            }
        }
        self.slot = -1
    }

    /// Sends what waits and a close frame, then waits for the peer's end: closing at once while input is unread would reset the
    /// connection and take back what the client has not read yet.
    func shutDown(code: UInt16?) {
        guard self.phase == .open else { return }
        withUnsafeTemporaryAllocation(byteCount: 2, alignment: 2) { memory in
            if let code { memory.storeBytes(of: code.bigEndian, as: UInt16.self) }
            self.sendControl(WebSocketCodec.close, UnsafeRawBufferPointer(rebasing: memory[..<(code == nil ? 0 : 2)]))
        }
        self.endTurn()
        self.phase = .closing
        self.message = nil
        self.deflate = nil
        if !self.pauses.isEmpty { self.setAutoRead(true) }
        let bound = LoopBound(self, on: self.loop.eventLoop)
        self.loop.eventLoop.scheduleTask(in: self.loop.configuration.closeTimeout) { bound.onLoop.closeChannel() }
        if let kept = self.leftover.take() { self.receivedWhileClosing(kept) }
    }

    /// Nothing that the peer still sends is of interest but its close frame. Until then it is read and dropped: closing while it
    /// still writes would take our close frame back.
    func receivedWhileClosing(_ input: ByteBuffer) {
        guard self.phase == .closing else { return }
        let skipper = self.skipper ?? FrameSkipper()
        self.skipper = skipper
        if input.withUnsafeReadableBytes({ skipper.skip($0) }) { self.closeWhenWritten() }
    }

    private func closeChannel() {
        guard self.phase != .closed else { return }
        self.phase = .closed
        self.forgetDescriptor()
        if self.loop.current === self { self.loop.current = nil }
        self.receiver = nil  // which refers to this connection
        self.channel.close(promise: nil)
    }

    func channelClosed() {
        guard self.phase != .closed else { return }
        self.forgetDescriptor()
        if self.loop.current === self { self.loop.current = nil }
        self.phase = .closed
        self.tellOwner(.transportClose)
    }
}
