// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import Logging
import NIOCore
import SocketIOCodec

/// One Engine.IO session and its sockets in the namespaces: packets in, packets out. Belongs to the session's event loop.
final class Connection: EngineSessionReceiver {
    let session: EngineSession
    let loop: EngineLoop
    private let server: SocketIOServer
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

    /// Whether packets still count.
    var isReceiving: Bool { self.ending == nil }

    @inline(__always)
    func engineReceived(text: UnsafeRawBufferPointer) {
        guard self.ending == nil else { return }
        let packet: SocketPacketSlices
        do {
            guard self.incomplete == nil else { return self.violate(.textAmongAttachments) }
            packet = try SocketPacketSlices.parse(
                text, maximumAttachments: self.server.configuration.limits.maxAttachments)
        } catch {
            return self.violate(PacketViolation(error))
        }
        guard packet.attachmentCount == 0 else {
            self.incomplete = (ByteBuffer(bytes: text), packet.attachmentCount, [], 0)
            return
        }
        if packet.type == .connect, self.isVersion2 { return self.connect(packet, query: text) }
        self.receive(packet, attachments: [])
    }

    func engineReceived(binary: UnsafeRawBufferPointer) {
        guard self.ending == nil else { return }
        guard var incomplete = self.incomplete else { return self.violate(.attachmentWithoutPacket) }
        self.incomplete = nil
        incomplete.attachments.append(ByteBuffer(bytes: binary))
        incomplete.missing -= 1
        incomplete.bytes += binary.count
        guard incomplete.bytes <= self.server.configuration.limits.maxAttachmentBytes else {
            return self.violate(.attachmentsTooLarge)
        }
        guard incomplete.missing == 0 else {
            self.incomplete = incomplete
            return
        }
        incomplete.text.withUnsafeReadableBytes { text in
            guard
                let packet = try? SocketPacketSlices.parse(
                    text, maximumAttachments: self.server.configuration.limits.maxAttachments)
            else { return self.violate(.malformedPayload) }
            self.receive(packet, attachments: incomplete.attachments)
        }
    }

    @inline(__always)
    func receive(_ packet: SocketPacketSlices, attachments: [ByteBuffer]) {
        switch packet.type {
        case .event, .binaryEvent:
            guard let socket = self.socket(in: packet.namespace) else { return self.violate(.beforeConnect) }
            if let violation = socket.receive(event: packet.payload, id: packet.id, attachments: attachments) {
                self.violate(violation)
            }
        case .ack, .binaryAck:
            guard let socket = self.socket(in: packet.namespace) else { return self.violate(.beforeConnect) }
            let violation = socket.receive(
                acknowledgement: packet.payload, id: packet.id, attachments: attachments)
            if let violation { self.violate(violation) }
        case .connect: self.connect(packet)
        case .disconnect:
            guard let socket = self.socket(in: packet.namespace) else { return self.violate(.beforeConnect) }
            socket.close(.clientNamespaceDisconnect)
        case .connectError: self.violate(.connectErrorFromClient)
        }
    }

    @inline(__always)
    private func socket(in namespace: UnsafeRawBufferPointer) -> Socket? {
        if namespace.isEmpty { return self.root }
        return self.others[String(decoding: namespace, as: UTF8.self)]
    }

    /// The peer broke the protocol: the session ends, as with the reference.
    func violate(_ violation: PacketViolation) {
        self.loop.counters.refused["packet_\(violation.rawValue)", default: 0] += 1
        self.closeSockets(.forcedClose, each: { _, _ in }) { $0.session.close(.forcedClose, .flush) }
    }

    // MARK: connecting

    private func connect(_ packet: SocketPacketSlices) {
        do throws(JSONError) {
            self.connect(packet, auth: packet.payload.isEmpty ? [:] : try JSONReader.value(packet.payload))
        } catch {
            self.violate(PacketViolation(error))
        }
    }

    /// A CONNECT of Socket.IO 2, `0/name?key=value,`: the query stands for the payload.
    private func connect(_ packet: SocketPacketSlices, query text: UnsafeRawBufferPointer) {
        let target = String(decoding: text.prefix { $0 != UInt8(ascii: ",") }, as: UTF8.self)
        self.connect(packet, auth: .object(Query.parameters(of: target).mapValues { .string($0) }))
    }

    private func connect(_ packet: SocketPacketSlices, auth: SocketValue) {
        let name = packet.namespace.isEmpty ? "/" : String(decoding: packet.namespace, as: UTF8.self)
        guard let socket = self.socket(in: packet.namespace) else { return self.connect(name, auth: auth) }
        guard socket.state.phase == .closing, self.waitingConnects[name] == nil else {
            return self.violate(.secondConnect)
        }
        self.waitingConnects[name] = auth  // the client has left and may come again
    }

    private func connect(_ name: String, auth: SocketValue) {
        let namespace: Namespace
        do throws(NamespaceRefusal) {
            namespace = try self.server.enter(name, auth: auth)
        } catch {
            return self.sendInvalidNamespace(name, error)
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
        self.server.enterOnceMore(namespace)
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
        let privateID = socket.state.recovery.map { ",\"pid\":\"\($0.privateID)\"" } ?? ""
        var text = self.isVersion2 ? "" : "{\"sid\":\"\(socket.id)\"\(privateID)}"
        self.session.send { out in
            text.withUTF8 {
                socket.namespace.write(.connect, payload: UnsafeRawBufferPointer($0), into: &out)
            }
        }
    }

    func sendConnectError(_ error: ConnectError, namespace: Namespace) {
        let text = self.isVersion2 ? Self.version2Payload(of: error) : Self.payload(of: error)
        self.session.send { out in
            text.withUnsafeReadableBytes { namespace.write(.connectError, payload: $0, into: &out) }
        }
    }

    private func sendInvalidNamespace(_ name: String, _ refusal: NamespaceRefusal) {
        self.loop.counters.refused[refusal.rawValue, default: 0] += 1
        let error = ConnectError("Invalid namespace")
        self.server.refusals.note(self.entry("connection refused", refusal.rawValue.uppercased(), error.message))
        let text = Self.payload(of: error)
        let encoder = PacketEncoder(self.server.configuration.parser, namespace: name)
        self.session.send { out in
            text.withUnsafeReadableBytes { payload in
                if let encoder {
                    encoder.write(.connectError, id: nil, payload: payload, attachments: [], into: &out)
                } else {
                    PacketWriter.write(.connectError, namespace: Array("\(name),".utf8), payload: payload, into: &out)
                }
            }
        }
    }

    private static func payload(of error: ConnectError) -> ByteBuffer {
        var text = ByteBuffer(string: "{\"message\":")
        JSONWriter.write(error.message, into: &text)
        if let data = error.data {
            text.writeStaticString(",\"data\":")
            var attachments: [ByteBuffer] = []  // CONNECT_ERROR has none: binary in it is lost
            JSONWriter.write(data, into: &text, attachments: &attachments)
        }
        text.writeStaticString("}")
        return text
    }

    /// As the reference tells clients of Socket.IO 2: the data where there is some, else the message alone.
    private static func version2Payload(of error: ConnectError) -> ByteBuffer {
        var text = ByteBuffer()
        var attachments: [ByteBuffer] = []
        JSONWriter.write(error.data ?? .string(error.message), into: &text, attachments: &attachments)
        return text
    }

    func sendDisconnect(_ namespace: Namespace) {
        self.session.send {
            namespace.write(.disconnect, payload: UnsafeRawBufferPointer(start: nil, count: 0), into: &$0)
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
        if self.ending == nil { self.server.refusals.note(self.entry("connection closed", code, reason.rawValue)) }
        self.loop.counters.refused["closed_\(code.lowercased())", default: 0] += 1
        self.closeSockets(reason, each: { _, _ in }) { connection in
            connection.session.close(.forcedClose, .comeBack(code: code))
        }
    }

    private func entry(_ message: Logger.Message, _ code: String, _ reason: String) -> RefusalLog.Entry {
        RefusalLog.Entry(
            message: message, code: code, reason: reason, user: self.root?.data.user?.id,
            address: self.session.request?.address ?? "")
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
