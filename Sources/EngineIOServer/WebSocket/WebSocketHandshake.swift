// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Answers the opening handshake of a WebSocket: a new session, the upgrade of one, or a plain endpoint.
struct WebSocketHandshake {
    let server: EngineServer
    let loop: EngineLoop
    let channel: any Channel
    /// What the layer above adds to the answer.
    var addedHeaders: [(name: String, value: String)] = []

    /// Writes the answer. `install` is called with the channel's handler if the connection is a WebSocket from now on.
    ///
    /// - Parameters:
    ///   - head: the whole head of the request, which `request` points into.
    ///   - fromProxyHeaders: headers as NIO parsed them, where the request came that way.
    func answer(
        _ request: WebSocketRequest, head: UnsafeRawBufferPointer, install: (any ChannelInboundHandler) -> Void
    ) {
        guard request.isComplete, request.hasValidOrigin, AcceptKey.isValid(request.key) else {
            return self.refuse(.badRequest)
        }
        guard request.isVersion13 else { return self.refuseVersion() }
        var deflate: DeflateParameters?
        if let options = self.server.configuration.perMessageDeflate {
            switch options.negotiate(Self.extensions(in: head)) {
            case .malformed: return self.refuse(.badRequest)
            case .declined: break
            case .accepted(let parameters): deflate = parameters
            }
        }
        let path = request.target.prefix { $0 != UInt8(ascii: "?") }
        let target = String(decoding: request.target, as: UTF8.self)
        if !self.server.configuration.webSocketEndpoints.isEmpty,
            let endpoint = self.server.configuration.webSocketEndpoints[String(decoding: path, as: UTF8.self)]
        {
            return self.openEndpoint(endpoint, request, deflate, install)
        }
        guard self.server.configuration.serves(path) else { return self.refuseUnknownPath() }
        guard let transport = Query.rawValue(of: "transport", in: request.target),
            RequestHeadParser.equals(transport, "websocket"), self.server.configuration.allowsWebSocket
        else { return self.refuseTransport(request.target) }
        if let sid = Query.rawValue(of: "sid", in: request.target) {
            return self.upgradeSession(sid, request, deflate, install)
        }
        let eio = Query.rawValue(of: "EIO", in: request.target).map { String(decoding: $0, as: UTF8.self) }
        guard let version = EngineVersion(eio: eio, allowEIO3: self.server.configuration.allowEIO3) else {
            return self.refuse(.unsupportedProtocolVersion)
        }
        self.openSession(request, version, deflate, head: head, target: target, install)
    }

    private func refuseTransport(_ target: UnsafeRawBufferPointer) {
        let isPolling =
            Query.rawValue(of: "transport", in: target).map { RequestHeadParser.equals($0, "polling") } ?? false
        self.refuse(isPolling ? .badRequest : .transportUnknown)
    }

    // MARK: the three answers

    private func openSession(
        _ request: WebSocketRequest, _ version: EngineVersion, _ deflate: DeflateParameters?,
        head: UnsafeRawBufferPointer, target: String, _ install: (any ChannelInboundHandler) -> Void
    ) {
        let engineRequest = self.engineRequest(head: head, target: target)
        if let refusal = self.server.refusal(of: engineRequest) { return self.refuse(refusal) }
        let connection = WebSocketConnection(
            loop: self.loop, channel: self.channel, maxPayload: self.server.configuration.maxPayload, deflate: deflate)
        connection.wantedForm = BinaryForm(version, isTextOnly: Self.isTextOnly(request.target))
        let session = self.server.makeSession(on: self.loop, version: version, request: engineRequest)
        var out = ByteBufferAllocator().buffer(capacity: 512)
        self.writeAcceptance(of: request, deflate, into: &out)
        var open = ByteBuffer()
        OpenPacket.writeFrame(for: session.id, configuration: self.server.configuration, into: &open)
        if version == .v4 { out.writeImmutableBuffer(open) }
        install(connection)
        connection.sendHandshake(out)  // before the session's frames may be rewritten: this is not all frames
        session.open(on: connection)
        if version == .v4 { return session.receiver?.engineOpened() ?? () }
        // A moment later, as a packet of its own: a client that begins to listen when the WebSocket is open, like the official
        // suite of revision 3, misses what comes in one segment with the answer.
        let bound = LoopBound((session, connection, open), on: self.loop.eventLoop)
        self.loop.eventLoop.scheduleTask(in: .milliseconds(5)) {
            let (session, connection, open) = bound.onLoop
            guard session.isOpen else { return }
            connection.sendNow(open)
            session.receiver?.engineOpened()
        }
    }

    /// Whether the client wants no binary frames.
    private static func isTextOnly(_ target: UnsafeRawBufferPointer) -> Bool {
        Query.rawValue(of: "b64", in: target)?.isEmpty == false
    }

    private func upgradeSession(
        _ sid: UnsafeRawBufferPointer, _ request: WebSocketRequest, _ deflate: DeflateParameters?,
        _ install: (any ChannelInboundHandler) -> Void
    ) {
        guard let id = SessionID(sid), let session = self.server.session(id) else {
            return self.refuse(.sessionUnknown)
        }
        var out = ByteBuffer()
        self.writeAcceptance(of: request, deflate, into: &out)
        if session.eventLoop === self.loop.eventLoop {
            let session = session.onLoop
            guard Self.canUpgrade(session) else { return self.turnAway(out) }
            let connection = WebSocketConnection(
                loop: self.loop, channel: self.channel, maxPayload: self.server.configuration.maxPayload,
                deflate: deflate)
            connection.wantedForm = BinaryForm(session.version, isTextOnly: Self.isTextOnly(request.target))
            install(connection)
            connection.sendHandshake(out)
            Self.startCandidate(session, connection)
            return
        }
        // The session lives on another loop. Its side of the connection is made there when the answer is on its way; until then
        // nothing can come in, since the client waits for the answer.
        let channel = self.channel
        let maxPayload = self.server.configuration.maxPayload
        let isTextOnly = Self.isTextOnly(request.target)
        let forwarder = PendingForwarder()
        install(forwarder)
        let pending = LoopBound(forwarder, on: self.loop.eventLoop)
        let answer = out
        session.execute { session in
            guard Self.canUpgrade(session) else {
                return channel.eventLoop.execute { pending.onLoop.turnAway(answer) }
            }
            let connection = WebSocketConnection(
                loop: session.loop, channel: channel, maxPayload: maxPayload, deflate: deflate)
            connection.wantedForm = BinaryForm(session.version, isTextOnly: isTextOnly)
            let bound = LoopBound(connection, on: session.loop.eventLoop)
            Self.startCandidate(session, connection)
            channel.eventLoop.execute { pending.onLoop.forward(to: bound, answer: answer) }
        }
    }

    private static func canUpgrade(_ session: EngineSession) -> Bool {
        session.isOpen && session.polling != nil && session.candidate == nil && session.loop.configuration.allowUpgrades
    }

    /// The session has a WebSocket already, or is about to: like the reference, accept another one and close it at once.
    private func turnAway(_ acceptance: ByteBuffer) {
        self.loop.counters.refused["upgrade_not_possible", default: 0] += 1
        Self.turnAway(acceptance, self.channel)
    }

    fileprivate static func turnAway(_ acceptance: ByteBuffer, _ channel: any Channel) {
        var out = acceptance
        out.writeBytes([0x88, 0])  // a close frame without a code
        channel.writeAndFlush(out).whenComplete { _ in channel.close(promise: nil) }
    }

    private static func startCandidate(_ session: EngineSession, _ connection: WebSocketConnection) {
        let candidate = UpgradeCandidate(session: session, connection: connection)
        session.candidate = candidate
        candidate.start()
    }

    private func openEndpoint(
        _ endpoint: WebSocketEndpoint, _ request: WebSocketRequest, _ deflate: DeflateParameters?,
        _ install: (any ChannelInboundHandler) -> Void
    ) {
        let connection = WebSocketConnection(
            loop: self.loop, channel: self.channel, maxPayload: endpoint.maxPayload, deflate: deflate)
        connection.attach(to: WebSocketEcho())
        var out = ByteBuffer()
        self.writeAcceptance(of: request, deflate, isEngine: false, into: &out)
        install(connection)
        connection.sendHandshake(out)
    }

    // MARK: bytes

    func engineRequest(head: UnsafeRawBufferPointer, target: String) -> EngineRequest {
        let raw = ByteBuffer(bytes: head)
        let peer = self.channel.remoteAddress?.ipAddress ?? ""
        var forwarded: String?
        if !self.server.configuration.trustedProxies.isEmpty {
            let plain = EngineRequest(head: raw, target: target, address: peer, isSecure: false)
            forwarded = plain.joinedHeader("x-forwarded-for")
        }
        return EngineRequest(
            head: raw, target: target,
            address: EngineRequest.clientAddress(
                peer: peer, forwardedFor: forwarded, trusted: self.server.configuration.trustedProxies),
            isSecure: self.server.configuration.makeTLSHandler != nil)
    }

    /// The values of all headers `Sec-WebSocket-Extensions`, as one list.
    private static func extensions(in head: UnsafeRawBufferPointer) -> String {
        var values: [String] = []
        RequestHeadParser.forEachHeader(in: head) { name, value in
            guard RequestHeadParser.equals(name, "sec-websocket-extensions") else { return }
            values.append(String(decoding: value, as: UTF8.self))
        }
        return values.joined(separator: ",")
    }

    private func writeAcceptance(
        of request: WebSocketRequest, _ deflate: DeflateParameters?, isEngine: Bool = true, into out: inout ByteBuffer
    ) {
        out.writeStaticString(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
        out.writeWithUnsafeMutableBytes(minimumWritableBytes: AcceptKey.length) { room in
            guard let start = room.baseAddress else { return 0 }
            AcceptKey.write(for: request.key, at: start)
            return AcceptKey.length
        }
        if let deflate { out.writeString("\r\nSec-WebSocket-Extensions: \(deflate.answer)") }
        // Before those of the layer above, as on a polling answer. There is no cookie here: as in the reference, only polling
        // clients have one.
        if isEngine, let cors = self.server.configuration.cors {
            let origin = request.origin.map { String(decoding: $0, as: UTF8.self) }
            for header in cors.headers(for: origin) { out.writeString("\r\n\(header.name): \(header.value)") }
        }
        for header in self.addedHeaders { out.writeString("\r\n\(header.name): \(header.value)") }
        out.writeStaticString("\r\n\r\n")
    }

    func refuse(_ error: EngineHTTPError) {
        self.loop.counters.refused[error.reason, default: 0] += 1
        self.close(with: error.webSocketResponse)
    }

    /// RFC 6455, 4.4.
    private func refuseVersion() {
        self.loop.counters.refused["websocket_version", default: 0] += 1
        self.close(
            with: "HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n")
    }

    private func refuseUnknownPath() {
        self.loop.counters.refused["unknown_path", default: 0] += 1
        self.close(with: "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    }

    private func close(with response: String) {
        let channel = self.channel
        channel.writeAndFlush(ByteBuffer(string: response)).whenComplete { _ in channel.close(promise: nil) }
    }
}

/// The channel's handler while a session on another loop decides about an upgrade.
private final class PendingForwarder: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func turnAway(_ acceptance: ByteBuffer) {
        if let context = self.context { WebSocketHandshake.turnAway(acceptance, context.channel) }
    }

    func forward(to connection: LoopBound<WebSocketConnection>, answer: ByteBuffer) {
        guard let context = self.context, context.channel.isActive else {
            return connection.execute { $0.channelClosed() }
        }
        let pipeline = context.pipeline.syncOperations
        do {
            try pipeline.addHandler(WebSocketForwarder(connection), position: .after(self))
            context.writeAndFlush(Self.wrapOutboundOut(answer), promise: nil)
            pipeline.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
            connection.execute { $0.channelClosed() }
        }
    }
}
