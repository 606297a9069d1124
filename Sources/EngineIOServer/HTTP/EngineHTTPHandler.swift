// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOHTTP1

/// The requests of one HTTP connection: long-polling, and upgrades that arrive on a connection that was used before.
///
/// NIO's pipelining handler in front of it lets one request through at a time.
final class EngineHTTPHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum Phase {
        case idle
        /// The layer above is asked about the request; what follows its head waits.
        case checking(CheckedRequest)
        /// Reading the body of a POST.
        case receiving(session: LoopBound<EngineSession>, body: ByteBuffer, isBytes: Bool)
        /// Reading a body of no interest; the answer was given or is given at its end.
        case ignoring(EngineHTTPAnswer?)
        case answering
    }

    /// What came of a request while the layer above was asked.
    private struct CheckedRequest {
        var body = ByteBuffer()
        var isComplete = false
        var isTooLarge = false
    }

    private let server: EngineServer
    private let loop: EngineLoop
    private var context: ChannelHandlerContext?
    /// NIO's handlers in front of this one.
    private var codec: [any RemovableChannelHandler] = []
    private var phase = Phase.idle
    private var head: HTTPRequestHead?
    private var request = 0
    private var waitsOn: LoopBound<EngineSession>?
    private var idleSince: NIODeadline
    private var bodyDeadline: NIODeadline?
    /// What the layer above adds to the answer of the present request.
    private var addedHeaders: [(name: String, value: String)] = []
    private var isRejected = false

    init(server: EngineServer, loop: EngineLoop) {
        self.server = server
        self.loop = loop
        self.idleSince = server.configuration.now()
    }

    /// Bytes of all headers of a request.
    private static let longestHeaders = 32768

    /// Puts NIO's handlers of HTTP/1.1 and this one behind `handler`.
    static func addHandlers(
        to channel: any Channel, server: EngineServer, loop: EngineLoop, after handler: any ChannelHandler
    ) throws {
        let own = EngineHTTPHandler(server: server, loop: loop)
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Self.longestHeaders
        limits.maxHeaderListSize = Self.longestHeaders
        limits.maxHeaderFieldCount = RequestHeadParser.maximumHeaderCount
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
        own.codec = [HTTPResponseEncoder(), ByteToMessageHandler(decoder), HTTPServerPipelineHandler()]
        let handlers: [any ChannelHandler] = own.codec + [own]
        try channel.pipeline.syncOperations.addHandlers(handlers, position: .after(handler))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.httpHandlers[ObjectIdentifier(self)] = self
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.lostConnection() }

    func channelInactive(context: ChannelHandlerContext) {
        self.lostConnection()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: self.reject(.requestHeaderFieldsTooLarge, "headers_too_large")
        case is HTTPParserError: self.reject(.badRequest, "malformed_request")
        default:
            self.loop.counters.refused["http_error", default: 0] += 1
            context.close(promise: nil)
        }
    }

    /// What came is no request: answers without a body, and closes.
    private func reject(_ status: HTTPResponseStatus, _ reason: String) {
        let head = "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n"
        self.reject(head + "Connection: close\r\nContent-Length: 0\r\n\r\n", reason)
    }

    /// Past the handlers of HTTP, which may know of no request to answer; answers before this one were written whole.
    private func reject(_ answer: String, _ reason: String) {
        guard let context = self.context, !self.isRejected else { return }
        self.isRejected = true
        self.loop.counters.refused[reason, default: 0] += 1
        self.head = nil
        guard let encoder = self.codec.first,
            let below = try? context.pipeline.syncOperations.context(handler: encoder)
        else { return context.close(promise: nil) }
        let channel = context.channel
        let done = context.eventLoop.makePromise(of: Void.self)
        done.futureResult.whenComplete { _ in channel.close(promise: nil) }
        below.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: done)
    }

    private func lostConnection() {
        self.context = nil
        self.loop.httpHandlers[ObjectIdentifier(self)] = nil
        let responder = self.responder
        self.waitsOn.take()?.execute { $0.polling?.lostGet(responder) }
        if case .receiving(let session, _, _) = self.phase { session.execute { $0.polling?.lostPost() } }
        self.phase = .idle
    }

    private var responder: PollResponder {
        PollResponder(
            handler: LoopBound(self, on: self.loop.eventLoop), request: self.request, connection: ObjectIdentifier(self)
        )
    }

    /// Closes connections on which nothing happens, and those whose body comes too slowly.
    func checkTimes(_ now: NIODeadline) {
        let isLate = self.bodyDeadline.map { $0 < now } ?? false
        var isIdle = false
        if case .idle = self.phase {
            let configuration = self.server.configuration
            // The head of the first request is on its way already.
            let limit = self.request == 0 ? configuration.requestTimeout : configuration.keepAliveTimeout
            isIdle = now - self.idleSince > limit
        }
        if isLate && self.head != nil || isIdle && self.request == 0 {
            self.reject(.requestTimeout, "request_timeout")
        } else if isLate || isIdle {
            self.context?.close(promise: nil)
        }
    }

    // MARK: requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isRejected else { return }
        switch Self.unwrapInboundIn(data) {
        case .head(let head): self.receiveHead(head)
        case .body(let part): self.receiveBody(part)
        case .end:
            self.bodyDeadline = nil
            self.finishRequest(context)
        }
    }

    private func receiveHead(_ head: HTTPRequestHead) {
        self.request += 1
        self.head = head
        self.addedHeaders = []
        self.bodyDeadline = self.server.configuration.now() + self.server.configuration.requestTimeout
        let path = head.uri.prefix { $0 != "?" }
        let opensSession = Query.parameters(of: head.uri)["sid"] == nil
        guard self.server.mustCheck(opensSession: opensSession), self.server.configuration.serves(path.utf8),
            let request = self.engineRequest
        else {
            self.phase = self.begin(head)
            return
        }
        self.phase = .checking(CheckedRequest())
        let bound = LoopBound(self, on: self.loop.eventLoop)
        let number = self.request
        self.server.check(request, opensSession: opensSession, on: self.loop.eventLoop) {
            bound.onLoop.checked(number, $0)
        }
    }

    /// The layer above has decided: the request goes its way as if it came now.
    private func checked(_ number: Int, _ verdict: EngineCheck.Verdict) {
        guard number == self.request, let context = self.context, let head = self.head,
            case .checking(let checked) = self.phase
        else { return }
        switch verdict {
        case .success(let headers):
            self.addedHeaders = headers
            self.phase = checked.isTooLarge ? Self.tooLarge : self.begin(head)
        case .failure(let error) where Self.asksForWebSocket(head):
            return self.reject(error.webSocketResponse, error.reason)
        case .failure(let error): self.phase = .ignoring(.refusal(error))
        }
        if checked.body.readableBytes > 0 { self.receiveBody(checked.body) }
        if checked.isComplete { self.finishRequest(context) }
    }

    private static var tooLarge: Phase { .ignoring(.status(.payloadTooLarge, "payload_too_large")) }

    private func begin(_ head: HTTPRequestHead) -> Phase {
        let path = head.uri.prefix { $0 != "?" }
        guard self.server.configuration.serves(path.utf8) else { return .ignoring(.status(.notFound, "unknown_path")) }
        if head.method == .OPTIONS, self.server.configuration.cors != nil { return .ignoring(.preflight) }
        if Self.asksForWebSocket(head) { return .ignoring(.webSocket) }
        do {
            return try self.route(head)
        } catch {
            return .ignoring(.refusal(error))
        }
    }

    /// The checks in the reference's order (`Server.verify`, `BaseServer.handshake`).
    private func route(_ head: HTTPRequestHead) throws(EngineHTTPError) -> Phase {
        let query = Query.parameters(of: head.uri)
        guard let transport = query["transport"], transport == "polling" || transport == "websocket",
            transport == "websocket"
                ? self.server.configuration.allowsWebSocket : self.server.configuration.allowsPolling
        else { throw .transportUnknown }
        guard let sid = query["sid"] else {
            guard head.method == .GET else { throw .badHandshakeMethod }
            guard transport == "polling" else { throw .badRequest }
            guard let version = EngineVersion(eio: query["EIO"], allowEIO3: self.server.configuration.allowEIO3) else {
                throw .unsupportedProtocolVersion
            }
            return .ignoring(.handshake(PollingFormat(version: version, query: query)))
        }
        guard let id = SessionID(sid), let session = self.server.session(id) else { throw .sessionUnknown }
        guard transport == "polling" else { throw .badRequest }
        switch head.method {
        case .GET: return .ignoring(.poll(session))
        case .POST: return try self.beginPost(head, session)
        default: return .ignoring(.status(.internalServerError, "bad_method"))
        }
    }

    private func beginPost(_ head: HTTPRequestHead, _ session: LoopBound<EngineSession>) throws(EngineHTTPError)
        -> Phase
    {
        let isBytes = head.headers.first(name: "content-type") == "application/octet-stream"
        // The version never changes: it may be read from any loop.
        if isBytes, session.unchecked.version == .v4 {
            session.execute { $0.close(.transportError, .discard) }
            return .ignoring(.status(.badRequest, "bad_content_type"))
        }
        if let length = head.headers.first(name: "content-length").flatMap(Int.init),
            length > self.server.configuration.maxPayload
        {
            return Self.tooLarge
        }
        let responder = self.responder
        session.execute { session in
            guard let polling = session.polling else { return responder.answer(error: .badRequest) }
            if !polling.beginPost() { responder.refuse(.badRequest, "overlapping_requests") }
        }
        return .receiving(session: session, body: ByteBuffer(), isBytes: isBytes)
    }

    private func receiveBody(_ part: ByteBuffer) {
        if case .checking(var checked) = self.phase {
            checked.isTooLarge = checked.body.readableBytes + part.readableBytes > self.server.configuration.maxPayload
            if !checked.isTooLarge { checked.body.writeImmutableBuffer(part) }
            self.phase = .checking(checked)
        }
        guard case .receiving(let session, var body, let isBytes) = self.phase else { return }
        self.phase = .idle  // so that appending does not copy
        guard body.readableBytes + part.readableBytes <= self.server.configuration.maxPayload else {
            session.execute { $0.polling?.abortPost() }
            self.phase = Self.tooLarge
            return
        }
        body.writeImmutableBuffer(part)
        self.phase = .receiving(session: session, body: body, isBytes: isBytes)
    }

    private func finishRequest(_ context: ChannelHandlerContext) {
        if case .checking(var checked) = self.phase {
            checked.isComplete = true
            self.phase = .checking(checked)
            return
        }
        let phase = self.phase
        if case .receiving = phase, self.head == nil {  // was refused when it began
            self.phase = .idle
            return
        }
        self.phase = .answering
        let responder = self.responder
        switch phase {
        case .receiving(let session, let body, let isBytes):
            session.execute { session in
                guard session.isOpen, let polling = session.polling else {
                    return responder.answer(error: .sessionUnknown)
                }
                polling.receivedPost(body, isBytes: isBytes, responder)
            }
        case .ignoring(let answer): self.give(answer, responder, context)
        case .idle, .answering, .checking: break
        }
    }

    private func give(_ answer: EngineHTTPAnswer?, _ responder: PollResponder, _ context: ChannelHandlerContext) {
        switch answer {
        case .status(let status, let reason): self.refuse(self.request, status, reason)
        case .refusal(let error): self.refuse(self.request, error)
        case .preflight: self.respond(to: self.request, .noContent, contentType: nil, body: ByteBuffer())
        case .handshake(let format): self.openSession(format)
        case .poll(let session):
            self.waitsOn = session
            session.execute { session in
                guard let polling = session.polling else { return responder.answer(error: .badRequest) }
                polling.receivedGet(responder)
            }
        case .webSocket: self.becomeWebSocket(context)
        case nil: self.phase = .idle  // answered before its body had come
        }
    }

    // MARK: handshake

    /// The present request, as the layers above see it.
    private var engineRequest: EngineRequest? {
        guard let head = self.head, let context = self.context else { return nil }
        return EngineRequest(
            headers: head.headers, target: head.uri,
            address: EngineRequest.clientAddress(
                peer: context.channel.remoteAddress?.ipAddress ?? "",
                forwardedFor: Self.forwardedFor(head),
                trusted: self.server.configuration.trustedProxies),
            isSecure: self.server.configuration.makeTLSHandler != nil)
    }

    private func openSession(_ format: PollingFormat) {
        guard let request = self.engineRequest else { return }
        if let refusal = self.server.refusal(of: request) { return self.refuse(self.request, refusal) }
        let session = self.server.makeSession(on: self.loop, version: format.version, request: request)
        let configuration = self.server.configuration
        session.open(on: PollingTransport(session: session, format: format))
        let text = OpenPacket.text(
            for: session.id, upgrades: configuration.allowUpgrades && configuration.allowsWebSocket,
            configuration: configuration)
        self.respond(to: self.request, format.payload(text), session: session.id)
        session.receiver?.engineOpened()
    }

    private static func forwardedFor(_ head: HTTPRequestHead) -> String? {
        let values = head.headers["x-forwarded-for"]
        return values.isEmpty ? nil : values.joined(separator: ",")
    }

    // MARK: WebSocket on a used connection

    private static func asksForWebSocket(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && head.headers.first(name: "upgrade")?.lowercased() == "websocket"
    }

    /// Takes NIO's handlers off and lets the handshake answer, as for a fresh connection.
    private func becomeWebSocket(_ context: ChannelHandlerContext) {
        guard let head = self.head else { return }
        var text = "GET \(head.uri) HTTP/1.1\r\n"
        for (name, value) in head.headers { text += "\(name): \(value)\r\n" }
        text += "\r\n"
        let channel = context.channel
        let (server, loop) = (self.server, LoopBound(self.loop, on: self.loop.eventLoop))
        let own = LoopBound(self, on: self.loop.eventLoop)
        let bytes = ByteBuffer(string: text)
        let addedHeaders = self.addedHeaders
        let removals = self.codec.reversed().map { context.pipeline.syncOperations.removeHandler($0) }
        self.codec = []
        EventLoopFuture.andAllSucceed(removals, on: context.eventLoop)
            .whenComplete { result in
                guard case .success = result else { return channel.close(promise: nil) }
                own.onLoop.shakeHandsAsWebSocket(
                    bytes,
                    WebSocketHandshake(
                        server: server, loop: loop.onLoop, channel: channel, addedHeaders: addedHeaders))
            }
    }

    private func shakeHandsAsWebSocket(_ bytes: ByteBuffer, _ handshake: WebSocketHandshake) {
        guard let context = self.context else { return }
        bytes.withUnsafeReadableBytes { all in
            guard case .webSocket(let request) = RequestHeadParser.parse(all) else {
                return context.close(promise: nil)
            }
            handshake.answer(request, head: UnsafeRawBufferPointer(rebasing: all[..<request.length])) { handler in
                do {
                    try context.pipeline.syncOperations.addHandler(handler, position: .after(self))
                    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
                } catch {
                    context.close(promise: nil)
                }
            }
        }
    }

    // MARK: answers

    func refuse(_ request: Int, _ error: EngineHTTPError) {
        self.loop.counters.refused[error.reason, default: 0] += 1
        self.respond(
            to: request, error.status, contentType: "application/json", body: ByteBuffer(string: error.body),
            retryAfter: error.retryAfter)
    }

    /// Without a body.
    func refuse(_ request: Int, _ status: HTTPResponseStatus, _ reason: String) {
        self.loop.counters.refused[reason, default: 0] += 1
        self.respond(to: request, status, contentType: nil, body: ByteBuffer())
    }

    func respond(to request: Int, _ payload: PollingPayload, session: SessionID? = nil) {
        if let threshold = self.server.configuration.httpCompression, payload.body.readableBytes >= threshold,
            let coding = HTTPCompression(accepting: self.head?.headers["accept-encoding"].joined(separator: ",")),
            let compressed = coding.compress(payload.body)
        {
            self.respond(
                to: request, .ok, contentType: payload.contentType, body: compressed, coding: coding, session: session)
        } else {
            self.respond(to: request, .ok, contentType: payload.contentType, body: payload.body, session: session)
        }
    }

    private func corsHeaders(for head: HTTPRequestHead) -> [(name: String, value: String)] {
        guard let cors = self.server.configuration.cors else { return [] }
        let origin = head.headers.first(name: "origin")
        guard head.method == .OPTIONS else { return cors.headers(for: origin) }
        return cors.preflightHeaders(
            for: origin, asking: head.headers.first(name: "access-control-request-headers"))
    }

    func respond(
        to request: Int, _ status: HTTPResponseStatus, contentType: String?, body: ByteBuffer,
        coding: HTTPCompression? = nil, session: SessionID? = nil, retryAfter: Int? = nil
    ) {
        guard request == self.request, let context = self.context, let head = self.head else { return }
        self.head = nil
        self.waitsOn = nil
        var headers = HTTPHeaders()
        if let contentType { headers.add(name: "Content-Type", value: contentType) }
        if let coding { headers.add(name: "Content-Encoding", value: coding.rawValue) }
        if status != .noContent { headers.add(name: "Content-Length", value: String(body.readableBytes)) }
        headers.add(name: "Cache-Control", value: "no-store")
        if let retryAfter { headers.add(name: "Retry-After", value: String(retryAfter)) }
        if let session, let cookie = self.server.configuration.cookie {
            headers.add(name: "Set-Cookie", value: "\(cookie.name)=\(session); \(cookie.attributes)")
        }
        for header in self.corsHeaders(for: head) { headers.add(name: header.name, value: header.value) }
        for header in self.addedHeaders { headers.add(name: header.name, value: header.value) }
        if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
        context.write(
            Self.wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
        if body.readableBytes > 0 { context.write(Self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
        let channel = context.channel
        let done = head.isKeepAlive ? nil : context.eventLoop.makePromise(of: Void.self)
        done?.futureResult.whenComplete { _ in channel.close(promise: nil) }
        self.loop.counters.bytesSent &+= body.readableBytes
        if case .answering = self.phase { self.phase = .idle } else { self.phase = .ignoring(nil) }
        self.idleSince = self.server.configuration.now()
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: done)
    }
}

/// What a request without a body of interest is answered with at its end.
enum EngineHTTPAnswer {
    /// Without a body; counted with the reason.
    case status(HTTPResponseStatus, String)
    case refusal(EngineHTTPError)
    case preflight
    case handshake(PollingFormat)
    case poll(LoopBound<EngineSession>)
    case webSocket
}
