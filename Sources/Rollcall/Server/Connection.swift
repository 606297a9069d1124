// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec

/// One Engine.IO session and its sockets in the namespaces: packets in, packets out. Belongs to the session's event loop.
final class Connection: EngineSessionReceiver {
    let session: EngineSession
    let loop: EngineLoop
    private unowned let server: SocketIOServer
    /// The socket in `/`, which nearly every client has and most have alone.
    private var root: Socket?
    private var others: [String: Socket] = [:]
    /// A binary packet whose attachments are still coming.
    private var incomplete: (text: ByteBuffer, missing: Int, attachments: [ByteBuffer], bytes: Int)?
    private var wasUsed = false
    /// Whether the client speaks Socket.IO 2, which has rules of its own for namespaces and refusals.
    var isVersion2: Bool { self.session.version == .v3 }
    /// Set when the connection is to end as soon as its last socket has released its claim. Nothing is received any more.
    private var ending: ((Connection) -> Void)?
    /// CONNECT packets for namespaces that a socket of this client is just leaving, by namespace.
    private var waitingConnects: [String: SocketValue] = [:]

    init(session: EngineSession, server: SocketIOServer) {
        self.session = session
        self.loop = session.loop
        self.server = server
    }

    /// A client of Socket.IO 2 does not ask for `/`: the server connects it by itself, without a payload.
    func engineOpened() {
        if self.isVersion2 { self.connect("/", auth: [:]) }
    }

    // MARK: packets in

    @inline(__always)
    func engineReceived(text: UnsafeRawBufferPointer) {
        guard self.ending == nil else { return }
        let packet: SocketPacketSlices
        do {
            guard self.incomplete == nil else { return self.violate("text_among_attachments") }
            packet = try SocketPacketSlices.parse(
                text, maximumAttachments: self.server.configuration.limits.maxAttachments)
        } catch {
            return self.violate(error.reason)
        }
        guard packet.attachmentCount == 0 else {
            self.incomplete = (ByteBuffer(bytes: text), packet.attachmentCount, [], 0)
            return
        }
        self.receive(packet, text, attachments: [])
    }

    func engineReceived(binary: UnsafeRawBufferPointer) {
        guard self.ending == nil else { return }
        guard var incomplete = self.incomplete else { return self.violate("attachment_without_packet") }
        self.incomplete = nil
        incomplete.attachments.append(ByteBuffer(bytes: binary))
        incomplete.missing -= 1
        incomplete.bytes += binary.count
        guard incomplete.bytes <= self.server.configuration.limits.maxAttachmentBytes else {
            return self.violate("attachments_too_large")
        }
        guard incomplete.missing == 0 else {
            self.incomplete = incomplete
            return
        }
        incomplete.text.withUnsafeReadableBytes { text in
            guard
                let packet = try? SocketPacketSlices.parse(
                    text, maximumAttachments: self.server.configuration.limits.maxAttachments)
            else { return self.violate("malformed") }
            self.receive(packet, text, attachments: incomplete.attachments)
        }
    }

    @inline(__always)
    private func receive(_ packet: SocketPacketSlices, _ text: UnsafeRawBufferPointer, attachments: [ByteBuffer]) {
        switch packet.type {
        case .event, .binaryEvent:
            guard let socket = self.socket(in: packet.namespace) else { return self.violate("packet_before_connect") }
            if !socket.receive(event: packet.payload, id: packet.id, attachments: attachments) {
                self.violate(socket.isBeforeConnect ? "packet_before_connect" : "malformed_event")
            }
        case .ack, .binaryAck:
            guard let socket = self.socket(in: packet.namespace) else { return self.violate("packet_before_connect") }
            if !socket.receive(acknowledgement: packet.payload, id: packet.id, attachments: attachments) {
                self.violate(socket.isBeforeConnect ? "packet_before_connect" : "malformed_ack")
            }
        case .connect: self.connect(packet, text)
        case .disconnect:
            guard let socket = self.socket(in: packet.namespace) else { return self.violate("packet_before_connect") }
            socket.close(.clientNamespaceDisconnect)
        case .connectError: self.violate("connect_error_from_client")
        }
    }

    @inline(__always)
    private func socket(in namespace: UnsafeRawBufferPointer) -> Socket? {
        if namespace.isEmpty { return self.root }
        return self.others[String(decoding: namespace, as: UTF8.self)]
    }

    /// The peer broke the protocol: the session ends, as with the reference.
    private func violate(_ reason: String) {
        self.loop.counters.refused["packet_\(reason)", default: 0] += 1
        self.closeSockets(.forcedClose, each: { _, _ in }) { $0.session.close(.forcedClose, .flush) }
    }

    // MARK: connecting

    private func connect(_ packet: SocketPacketSlices, _ text: UnsafeRawBufferPointer) {
        let name = packet.namespace.isEmpty ? "/" : String(decoding: packet.namespace, as: UTF8.self)
        let auth: SocketValue?
        if self.isVersion2 {
            // `0/name?key=value,`: the query stands for the payload.
            let target = String(decoding: text.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
            auth = .object(Query.parameters(of: target).mapValues { .string($0) })
        } else {
            auth = packet.payload.isEmpty ? [:] : try? JSONReader.value(packet.payload)
        }
        guard let auth else { return self.violate("malformed_connect") }
        guard let socket = self.socket(in: packet.namespace) else { return self.connect(name, auth: auth) }
        guard socket.state.phase == .closing, self.waitingConnects[name] == nil else {
            return self.violate("second_connect")
        }
        self.waitingConnects[name] = auth  // the client has left and may come again
    }

    private func connect(_ name: String, auth: SocketValue) {
        guard let namespace = self.server.existingNamespace(name) else {
            return self.sendConnectError(object: ConnectError("Invalid namespace"), prefix: Array("\(name),".utf8))
        }
        let handshake = Handshake(request: self.session.request, auth: auth, issued: Clock.milliseconds())
        let recovered = self.isVersion2 ? nil : namespace.recover(auth)
        let socket = Socket(namespace: namespace, handshake: handshake, connection: self, recovered: recovered)
        self.add(socket)
        if recovered != nil, namespace.skipsMiddleware { return socket.passedMiddleware(.success(())) }
        MiddlewareChain.run(namespace.middleware, for: socket) { socket.passedMiddleware($0) }
    }

    /// Once more from the beginning, without regard to the session that the client wanted to come back to.
    func connect(afresh handshake: Handshake, in namespace: Namespace) {
        guard self.session.isOpen, self.ending == nil else { return }
        let socket = Socket(namespace: namespace, handshake: handshake, connection: self)
        self.add(socket)
        MiddlewareChain.run(namespace.middleware, for: socket) { socket.passedMiddleware($0) }
    }

    private func add(_ socket: Socket) {
        let name = socket.namespace.name
        if name == "/" { self.root = socket } else { self.others[name] = socket }
    }

    /// A client of Socket.IO 2 is not told its sockets' ids: it makes them from the session's.
    func makeID(for namespace: Namespace) -> String {
        guard self.isVersion2 else { return self.loop.makeID().description }
        return namespace.name == "/" ? self.session.id.description : "\(namespace.name)#\(self.session.id)"
    }

    func sendConnect(_ socket: Socket) {
        self.wasUsed = true
        let prefix = socket.namespace.wirePrefix
        let privateID = socket.state.recovery.map { ",\"pid\":\"\($0.privateID)\"" } ?? ""
        var text = self.isVersion2 ? "" : "{\"sid\":\"\(socket.id)\"\(privateID)}"
        self.session.send { out in
            text.withUTF8 {
                PacketWriter.write(.connect, namespace: prefix, payload: UnsafeRawBufferPointer($0), into: &out)
            }
        }
    }

    func sendConnectError(_ error: ConnectError, namespace: Namespace) {
        guard self.isVersion2 else { return self.sendConnectError(object: error, prefix: namespace.wirePrefix) }
        var text = ByteBuffer()  // as the reference: the data where there is some, else the message alone
        var attachments: [ByteBuffer] = []
        JSONWriter.write(error.data ?? .string(error.message), into: &text, attachments: &attachments)
        self.sendConnectError(json: text, prefix: namespace.wirePrefix)
    }

    private func sendConnectError(object error: ConnectError, prefix: [UInt8]) {
        var text = ByteBuffer(string: "{\"message\":")
        JSONWriter.write(error.message, into: &text)
        if let data = error.data {
            text.writeStaticString(",\"data\":")
            var attachments: [ByteBuffer] = []  // CONNECT_ERROR has none: binary in it is lost
            JSONWriter.write(data, into: &text, attachments: &attachments)
        }
        text.writeStaticString("}")
        self.sendConnectError(json: text, prefix: prefix)
    }

    private func sendConnectError(json text: ByteBuffer, prefix: [UInt8]) {
        self.session.send { out in
            text.withUnsafeReadableBytes {
                PacketWriter.write(.connectError, namespace: prefix, payload: $0, into: &out)
            }
        }
    }

    func sendDisconnect(_ namespace: Namespace) {
        self.session.send {
            PacketWriter.write(
                .disconnect, namespace: namespace.wirePrefix, payload: UnsafeRawBufferPointer(start: nil, count: 0),
                into: &$0)
        }
    }

    /// No namespace was joined in time (`connectTimeout`).
    func engineConnectTimedOut() {
        guard !self.wasUsed else { return }
        self.closeTransport(code: "CONNECT_TIMEOUT", .forcedClose)
    }

    // MARK: the end

    private var sockets: [Socket] { (self.root.map { [$0] } ?? []) + self.others.values }

    func remove(_ socket: Socket) {
        if self.root === socket { self.root = nil }
        if self.others[socket.namespace.name] === socket { self.others[socket.namespace.name] = nil }
    }

    /// A socket is gone, and its client was told so.
    func removed(_ socket: Socket) {
        if let ending = self.ending {
            if self.sockets.isEmpty { ending(self) }
        } else if let auth = self.waitingConnects.removeValue(forKey: socket.namespace.name), self.session.isOpen {
            self.connect(socket.namespace.name, auth: auth)
        }
    }

    /// Leaves all namespaces with a DISCONNECT packet each, then closes the session.
    func disconnectAll(_ reason: DisconnectReason) {
        self.closeSockets(reason, each: { connection, socket in connection.sendDisconnect(socket.namespace) }) {
            connection in
            connection.session.close(.forcedClose, .flush)
        }
    }

    /// The last socket was disconnected by the server.
    func closeIfUnused() {
        guard self.root == nil, self.others.isEmpty, self.waitingConnects.isEmpty, self.ending == nil else { return }
        self.session.close(.forcedClose, .flush)
    }

    /// Ends the connection so that the client comes back by itself: no DISCONNECT packet, and every claim is released first.
    func closeTransport(code: String, _ reason: DisconnectReason) {
        self.loop.counters.refused["closed_\(code.lowercased())", default: 0] += 1
        self.closeSockets(reason, each: { _, _ in }) { connection in
            connection.session.close(.forcedClose, .comeBack(code: code))
        }
    }

    private func closeSockets(
        _ reason: DisconnectReason, each: @escaping @Sendable (Connection, Socket) -> Void,
        then: @escaping @Sendable (Connection) -> Void
    ) {
        guard self.ending == nil else { return }
        let sockets = self.sockets
        guard !sockets.isEmpty else { return then(self) }
        self.ending = then
        self.waitingConnects = [:]
        self.incomplete = nil
        // Those that are closing already have their own way of telling the client.
        for socket in sockets { socket.close(reason, then: each) }
    }

    /// A token that admitted the client is over.
    func engineExpired() { self.closeTransport(code: "TOKEN_EXPIRED", .tokenExpired) }

    func engineUpgraded() {
        for socket in self.sockets { socket.transportChanged() }
    }

    func engineClosed(_ reason: CloseReason) {
        self.waitingConnects = [:]
        for socket in self.sockets { socket.close(DisconnectReason(reason)) }
    }
}
