// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOHTTP1

/// A session's side of HTTP long-polling: at most one GET waits, at most one POST runs, and what is sent meanwhile is queued as
/// frames, which an upgrade can hand over as they are.
final class PollingTransport {
    private unowned(unsafe) let session: EngineSession  // safe: the session owns its transport
    private let format: PollingFormat
    private let limit: Int
    private var waiting: PollResponder?
    private var queue = ByteBuffer()
    private(set) var isPosting = false
    private var isOver = false
    /// What is left of a POST whose messages came faster than they may.
    private var post: (reader: PayloadReader, responder: PollResponder)?
    private var messagesLeft: Int
    private var windowStart: NIODeadline = .uptimeNanoseconds(0)
    /// Somebody wants to see the client poll again: the next answer is not waited for.
    private var isAsked = false
    /// How many pings had been asked for when the last answer left: a GET that follows it answers them.
    private var pingsAnswered: UInt32 = 0

    init(session: EngineSession, format: PollingFormat) {
        self.session = session
        self.format = format
        self.limit = session.loop.configuration.maxQueuedBytes
        self.messagesLeft = session.loop.configuration.eventRate
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

    /// Answers the waiting GET with what is queued, up to what one answer may hold.
    func flush() {
        guard self.hasQueued || self.isAsked, let waiting = self.waiting.take() else { return }
        self.answer(waiting, self.hasQueued ? self.takePayload() : self.format.payload("6"))
    }

    /// Ends a waiting GET without a message: the client then polls again, or sends its upgrade packet.
    func sendNoop() {
        guard let waiting = self.waiting.take() else { return }
        self.answer(waiting, self.format.payload("6"))
    }

    /// Has the client poll again as soon as it can: a sign of life that needs no answer of its own.
    func askForPoll() {
        self.isAsked = true
        self.flush()
    }

    private func answer(_ waiting: PollResponder, _ payload: PollingPayload) {
        self.isAsked = false
        self.pingsAnswered = self.session.pingsSent
        waiting.answer(payload: payload)
    }

    private func takePayload() -> PollingPayload {
        let payload = self.format.takePayload(from: &self.queue)
        if !self.hasQueued {
            self.queue = ByteBuffer()
        } else if self.queue.readerIndex > self.queue.readableBytes {
            self.queue.discardReadBytes()
        }
        return payload
    }

    // MARK: GET

    func receivedGet(_ responder: PollResponder) {
        if self.session.closeIfSilent() { return responder.answer(error: .sessionUnknown) }
        if let waiting = self.waiting.take() {  // the reference's answer to two GETs at a time
            responder.refuse(.badRequest, "overlapping_requests")
            waiting.answer(payload: self.format.payload("1"))
            return self.session.close(.transportError, .discard)
        }
        self.waiting = responder
        if self.isOver { return self.finishLingering() }
        self.session.polledAgain(after: self.pingsAnswered)
        self.flush()
    }

    /// The connection of a waiting GET was lost.
    func lostGet(_ responder: PollResponder) {
        guard let waiting = self.waiting, waiting == responder else { return }
        self.waiting = nil
        self.session.close(.transportError, .discard)
    }

    // MARK: POST

    /// False when another POST is still running: the session is closed then.
    func beginPost() -> Bool {
        if self.session.closeIfSilent() { return false }
        guard !self.isPosting, !self.isOver else {
            self.session.close(.transportError, .discard)
            return false
        }
        self.isPosting = true
        return true
    }

    /// The body was too large: as in the reference, the session goes on.
    func abortPost() { self.isPosting = false }

    /// The connection was lost before the whole body had come.
    func lostPost() {
        guard self.isPosting else { return }
        self.isPosting = false
        self.session.close(.transportError, .discard)
    }

    func receivedPost(_ body: ByteBuffer, isBytes: Bool, _ responder: PollResponder) {
        var body = body
        if self.format.callback != nil {
            guard let data = FormBody.data(in: body) else {  // as in the reference
                self.isPosting = false
                return responder.answer(text: "ok")
            }
            body = data
        }
        let framing: PayloadReader.Framing = self.format.version == .v4 ? .separated : isBytes ? .bytes : .counted
        self.post = (PayloadReader(body, framing), responder)
        self.continuePost(isPaced: true)
    }

    /// Handles the messages of a POST. Above the rate the rest waits, and the answer with it: the client then sends no other POST,
    /// nothing is lost.
    private func continuePost(isPaced: Bool) {
        guard let post = self.post.take() else { return }
        var reader = post.reader
        let responder = post.responder
        let session = self.session
        var progress = PayloadReader.Progress.packet
        while progress == .packet, session.isOpen {
            if isPaced, let end = self.endOfFullWindow() {
                self.post = (reader, responder)
                let bound = LoopBound(self, on: session.loop.eventLoop)
                session.loop.eventLoop.scheduleTask(deadline: end) { bound.onLoop.continuePost(isPaced: true) }
                return
            }
            progress = reader.next { packet in
                switch packet {
                case .text(let text): session.receive(text: text)
                case .binary(let bytes): session.receive(binary: bytes)
                }
            }
        }
        self.isPosting = false
        responder.answer(text: "ok")
        if progress == .malformed { session.close(.parseError, .discard) }
    }

    /// Counts a message down. Until when nothing more may be handled, when as many have come as may.
    private func endOfFullWindow() -> NIODeadline? {
        let rate = self.session.loop.configuration.eventRate
        guard rate > 0 else { return nil }
        guard self.messagesLeft == 0 else {
            self.messagesLeft -= 1
            return nil
        }
        self.messagesLeft = rate
        let now = NIODeadline.now()
        guard now - self.windowStart < .seconds(1) else {
            self.windowStart = now
            return nil
        }
        self.windowStart = self.windowStart + .seconds(1)
        self.session.loop.counters.readingPauses += 1
        return self.windowStart
    }

    /// The session is about to go on over WebSocket: what came before must be handled before.
    func finishPost() { self.continuePost(isPaced: false) }

    // MARK: the end

    /// The session goes on over WebSocket: gives out what is queued, as frames.
    func handOver() -> [ByteBuffer] {
        self.isOver = true
        self.sendNoop()
        defer { self.queue = ByteBuffer() }
        return self.hasQueued ? [self.queue] : []
    }

    func end(_ mode: CloseMode) {
        guard !self.isOver else { return }
        self.isOver = true
        switch mode {
        case .flush:
            guard let waiting = self.waiting.take() else { return }  // what is queued waits for the next GET
            self.answer(waiting, self.hasQueued ? self.takePayload() : self.format.payload("6"))
        case .comeBack(let code):
            self.queue = ByteBuffer()
            self.waiting.take()?.answer(
                error: .comeBack(
                    status: .serviceUnavailable, code: code, message: "Please connect again.", retryAfter: 1))
        case .discard:
            self.queue = ByteBuffer()
            self.waiting.take()?.answer(error: .sessionUnknown)
        }
    }

    private func finishLingering() {
        guard let waiting = self.waiting.take() else { return }
        if self.hasQueued {
            self.answer(waiting, self.takePayload())
        } else {
            waiting.answer(error: .sessionUnknown)
        }
        if !self.hasQueued { self.session.forget() }
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

    func answer(payload: PollingPayload) {
        self.handler.execute { [request] in $0.respond(to: request, payload) }
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
    ///
    /// - Parameter reason: for the counter.
    func refuse(_ status: HTTPResponseStatus, _ reason: String) {
        self.handler.execute { [request] in $0.refuse(request, status, reason) }
    }
}
