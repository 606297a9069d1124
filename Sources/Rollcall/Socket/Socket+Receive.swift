// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import NIOCore
import SocketIOCodec
import UserRegistryCore

extension Socket {
    /// An event of this socket's client. What is returned must end the connection. What still comes when the socket is closing is
    /// dropped.
    @inline(__always)
    func receive(event payload: UnsafeRawBufferPointer, id: UInt64?, attachments: [ByteBuffer]) -> PacketViolation? {
        guard self.state.phase == .connected else { return self.isBeforeConnect ? .beforeConnect : nil }
        let event: EventSlices
        do throws(JSONError) {
            event = try EventSlices.parse(payload)
        } catch {
            return PacketViolation(error)
        }
        guard !event.isReserved else { return .reservedEventName }
        guard Self.fits(event.arguments, attachments) else { return .placeholderOutOfRange }
        if self.mustHold() {
            self.hold(payload, id, attachments, isEvent: true)
            return nil
        }
        self.dispatch(event, payload, id, attachments)
        return nil
    }

    /// Whether every placeholder names an attachment that is there: passed on, a wrong one would end each recipient's connection.
    @inline(__always)
    private static func fits(_ arguments: UnsafeRawBufferPointer, _ attachments: [ByteBuffer]) -> Bool {
        guard !attachments.isEmpty else { return true }
        return (try? JSONScanner.validatePlaceholders(arguments, attachmentCount: attachments.count)) != nil
    }

    /// An acknowledgement of an event that we sent. What is returned must end the connection.
    func receive(
        acknowledgement payload: UnsafeRawBufferPointer, id: UInt64?, attachments: [ByteBuffer]
    ) -> PacketViolation? {
        guard self.state.phase == .connected else { return self.isBeforeConnect ? .beforeConnect : nil }
        let inner: UnsafeRawBufferPointer
        do throws(JSONError) {
            inner = try JSONScanner.validateArray(payload)
        } catch {
            return PacketViolation(error)
        }
        guard Self.fits(inner, attachments) else { return .placeholderOutOfRange }
        if self.mustHold() {
            self.hold(payload, id, attachments, isEvent: false)
            return nil
        }
        guard let id, let pending = self.state.extras?.acknowledgements.removeValue(forKey: id) else { return nil }
        pending.timeout?.cancel()
        pending.completion(.success(Arguments(text: ByteBuffer(bytes: inner), attachments: attachments)))
        return nil
    }

    @inline(__always)
    private func dispatch(
        _ event: EventSlices, _ payload: UnsafeRawBufferPointer, _ id: UInt64?, _ attachments: [ByteBuffer]
    ) {
        self.members.eventsReceived &+= 1
        let incoming = IncomingEvent(
            name: event.name, arguments: event.arguments, attachments: attachments, acknowledgementID: id)
        if self.state.extras != nil, !self.passesExtras(event, incoming, payload) { return }
        self.callListeners(event, incoming)
    }

    @inline(__always)
    func callListeners(_ event: EventSlices, _ incoming: IncomingEvent) {
        if event.nameIsEscaped { return self.dispatchDecoded(event.decodedName, incoming) }
        if let own = self.state.listeners?.lookup(event.name) {
            for listener in own where self.state.phase == .connected { listener(self, incoming) }
        }
        if let shared = self.members.listeners.lookup(event.name) {
            for listener in shared where self.state.phase == .connected { listener(self, incoming) }
        }
    }

    @inline(never)
    private func dispatchDecoded(_ name: String, _ incoming: IncomingEvent) {
        var name = name
        name.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            let all = (self.state.listeners?.lookup(bytes) ?? []) + (self.members.listeners.lookup(bytes) ?? [])
            for listener in all where self.state.phase == .connected { listener(self, incoming) }
        }
    }

    // MARK: suspension

    /// Whether the gate is shut. Where it has opened again without word from the registry yet, what was held goes first.
    @inline(__always)
    func mustHold() -> Bool {
        guard let gate = self.namespace.gate else { return false }
        guard gate.isOpen(self.state.grant) else { return true }
        guard self.state.isSuspended else { return false }
        self.resume()
        return self.state.isSuspended
    }

    /// From now on what is sent to the socket's rooms waits behind what is held.
    func suspend() {
        self.state.isSuspended = true
        self.members.suspend(self)
    }

    /// What a suspended connection may hold: beyond it the transport is closed.
    private static var heldLimit: (packets: Int, bytes: Int) { (100, 65536) }

    /// The gate is shut: the packet waits until it opens again.
    @inline(never)
    private func hold(_ payload: UnsafeRawBufferPointer, _ id: UInt64?, _ attachments: [ByteBuffer], isEvent: Bool) {
        self.suspend()
        let extras = self.extras
        extras.heldPackets.append(
            HeldPacket(payload: ByteBuffer(bytes: payload), id: id, attachments: attachments, isEvent: isEvent))
        extras.heldBytes += payload.count + attachments.reduce(0) { $0 + $1.readableBytes }
        if extras.heldPackets.count > Self.heldLimit.packets || extras.heldBytes > Self.heldLimit.bytes {
            self.state.connection?.closeTransport(code: "REGISTRY_UNAVAILABLE", .registryUnavailable)
        }
    }

    /// Frames for a suspended client wait, too.
    @inline(never)
    func hold(output write: (inout ByteBuffer) -> Void) {
        self.suspend()
        let extras = self.extras
        guard !extras.hasOverflowed else { return }
        write(&extras.heldOutput)
        let limit = self.namespace.server.configuration.limits.maxQueuedBytes
        guard limit > 0, extras.heldOutput.readableBytes > limit else { return }
        extras.hasOverflowed = true
        extras.heldOutput = ByteBuffer()
        // Not now: a fan-out may be under way, which handlers of the closing would disturb.
        self.loop.eventLoop.execute {
            self.state.connection?.closeTransport(code: "REGISTRY_UNAVAILABLE", .registryUnavailable)
        }
    }

    /// The socket is served under its grant from now on; what was held goes first.
    func applyGrant() {
        if self.state.isSuspended { return self.resume() }
        self.members.setGrant(self.state.grant, of: self)
    }

    /// The gate is open again: what was held goes its way, in order.
    func resume() {
        guard self.state.phase == .connected, self.state.isSuspended, let extras = self.state.extras else { return }
        if let gate = self.namespace.gate, !gate.isOpen(self.state.grant) { return }
        self.state.isSuspended = false
        self.members.setGrant(self.state.grant, of: self)
        let output = extras.heldOutput
        extras.heldOutput = ByteBuffer()
        if output.readableBytes > 0 { self.state.connection?.session.send { $0.writeImmutableBuffer(output) } }
        self.workOffEvents()
        let packets = extras.heldPackets
        extras.heldPackets = []
        extras.heldBytes = 0
        for packet in packets {
            let violation = packet.payload.withUnsafeReadableBytes { bytes in
                packet.isEvent
                    ? self.receive(event: bytes, id: packet.id, attachments: packet.attachments)
                    : self.receive(acknowledgement: bytes, id: packet.id, attachments: packet.attachments)
            }
            if violation != nil { return }
        }
    }
}
