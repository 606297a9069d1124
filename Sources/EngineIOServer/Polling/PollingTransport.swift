// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOHTTP1

/// A session's side of HTTP long-polling: at most one GET waits, at most one POST runs, and what is sent meanwhile is queued as
/// frames, which an upgrade can hand over as they are.
final class PollingTransport {
    private unowned(unsafe) let session: EngineSession  // safe: the session owns its transport
    private let limit: Int
    private var waiting: PollResponder?
    private var queue = ByteBuffer()
    private var isPosting = false
    private var isOver = false

    init(session: EngineSession, limit: Int) {
        self.session = session
        self.limit = limit
    }

    var isWritable: Bool { self.waiting != nil && self.queue.readableBytes == 0 }
    var hasQueued: Bool { self.queue.readableBytes > 0 }
    /// Whether a GET waits: during an upgrade it must be ended.
    var isPolled: Bool { self.waiting != nil }

    // MARK: sending

    /// False when more waits than the limit allows.
    func enqueue(_ frames: UnsafeRawBufferPointer) -> Bool {
        guard !self.isOver else { return true }
        self.queue.writeBytes(frames)
        return self.limit == 0 || self.queue.readableBytes <= self.limit
    }

    /// Answers the waiting GET with all that is queued.
    func flush() {
        guard self.queue.readableBytes > 0, let waiting = self.waiting.take() else { return }
        waiting.answer(payload: PayloadCodec.encode(self.takeQueue()))
    }

    /// Ends a waiting GET without a message: the client then sends its upgrade packet.
    func sendNoop() {
        guard let waiting = self.waiting.take() else { return }
        waiting.answer(payload: ByteBuffer(string: "6"))
    }

    private func takeQueue() -> ByteBuffer {
        let frames = self.queue
        self.queue = ByteBuffer()
        return frames
    }

    // MARK: requests

    func receivedGet(_ responder: PollResponder) {
        if let waiting = self.waiting.take() {  // the reference's answer to two GETs at a time
            responder.answer(status: .badRequest)
            waiting.answer(payload: ByteBuffer(string: "1"))
            return self.session.close(.transportError, .discard)
        }
        self.waiting = responder
        if self.isOver { return self.finishLingering() }
        self.flush()
    }

    /// The connection of a waiting GET was lost.
    func lostGet(_ responder: PollResponder) {
        guard let waiting = self.waiting, waiting == responder else { return }
        self.waiting = nil
        self.session.close(.transportError, .discard)
    }

    /// False when another POST is still running: the session is closed then.
    func beginPost() -> Bool {
        guard !self.isPosting, !self.isOver else {
            self.session.close(.transportError, .discard)
            return false
        }
        self.isPosting = true
        return true
    }

    func abortPost() { self.isPosting = false }

    func receivedPost(_ body: ByteBuffer, _ responder: PollResponder) {
        self.isPosting = false
        let session = self.session
        let isWellFormed = body.withUnsafeReadableBytes { bytes in
            PayloadCodec.decode(
                bytes, isOpen: { session.isOpen }, text: { session.receive(text: $0) },
                binary: { session.receive(binary: $0) })
        }
        responder.answer(text: "ok")
        if !isWellFormed { session.close(.parseError, .discard) }
    }

    // MARK: the end

    /// The session goes on over WebSocket: gives out what is queued, as frames.
    func handOver() -> [ByteBuffer] {
        self.isOver = true
        self.sendNoop()
        return self.hasQueued ? [self.takeQueue()] : []
    }

    func end(_ mode: CloseMode) {
        guard !self.isOver else { return }
        self.isOver = true
        switch mode {
        case .flush:
            guard let waiting = self.waiting.take() else { return }  // what is queued waits for the next GET
            let payload = self.hasQueued ? PayloadCodec.encode(self.takeQueue()) : ByteBuffer(string: "6")
            waiting.answer(payload: payload)
        case .comeBack(let code):
            self.queue.clear()
            self.waiting.take()?.answer(
                error: .comeBack(
                    status: .serviceUnavailable, code: code, message: "Please connect again.", retryAfter: 1))
        case .discard:
            self.queue.clear()
            self.waiting.take()?.answer(error: .sessionUnknown)
        }
    }

    private func finishLingering() {
        guard let waiting = self.waiting.take() else { return }
        if self.hasQueued {
            waiting.answer(payload: PayloadCodec.encode(self.takeQueue()))
        } else {
            waiting.answer(error: .sessionUnknown)
        }
        self.session.forget()
    }
}

/// The answer to one request of a polling client. The request's connection may be on another loop than the session.
struct PollResponder: Sendable, Equatable {
    let handler: LoopBound<EngineHTTPHandler>
    /// Numbers the requests of that connection: an answer to an older one is dropped.
    let request: Int
    let connection: ObjectIdentifier

    static func == (left: PollResponder, right: PollResponder) -> Bool {
        left.connection == right.connection && left.request == right.request
    }

    func answer(payload: ByteBuffer) {
        self.handler.execute { [request] in
            $0.respond(to: request, .ok, contentType: "text/plain; charset=UTF-8", body: payload)
        }
    }

    func answer(text: String) {
        self.handler.execute { [request] in
            $0.respond(to: request, .ok, contentType: "text/html", body: ByteBuffer(string: text))
        }
    }

    func answer(error: EngineHTTPError) {
        self.handler.execute { [request] in $0.refuse(request, error) }
    }

    /// Without a body.
    func answer(status: HTTPResponseStatus) {
        self.handler.execute { [request] in $0.respond(to: request, status, contentType: nil, body: ByteBuffer()) }
    }
}
