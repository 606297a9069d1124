// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import RollcallAuth
import SocketIOCodec

/// What the node answers in `/` without any code of its operator: echo, rooms, sending, who am I; each under the user's grants.
struct NodeGateway: Sendable {
    let nodeID: String

    func install(in namespace: Namespace) {
        namespace.addListener("echo") { socket, event in
            guard let id = event.acknowledgementID else { return }
            socket.acknowledge(id, arguments: event.arguments, attachments: event.attachments)
        }
        namespace.on("whoami") { (socket: Socket) -> SocketValue in self.describe(socket) }
        namespace.addListener("join") { socket, event in self.join(socket, event) }
        namespace.addListener("leave") { socket, event in self.leave(socket, event) }
        namespace.addListener("send") { socket, event in self.send(socket, event) }
        namespace.addListener("broadcast") { socket, event in self.broadcast(socket, event) }
    }

    private func describe(_ socket: Socket) -> SocketValue {
        [
            "user": socket.data.user.map { .string($0.id) } ?? .null, "node": .string(self.nodeID),
            "connectedAt": socket.data.connectedAt.map { .string(Clock.rfc3339(milliseconds: $0)) } ?? .null,
        ]
    }

    private func join(_ socket: Socket, _ event: IncomingEvent) {
        self.answer(socket, event) {
            let room = try Self.room(in: event)
            guard socket.data.grants.allowsJoin(room) else { throw Refusal.forbidden("You may not join this room.") }
            let id = event.acknowledgementID
            socket.join(room) { if let id { Self.accept(socket, id) } }
            return false
        }
    }

    private func leave(_ socket: Socket, _ event: IncomingEvent) {
        self.answer(socket, event) {
            let room = try Self.room(in: event)
            guard !room.hasPrefix("user:") else { throw Refusal.forbidden("You may not leave this room.") }
            socket.leave(room)
            return true
        }
    }

    /// Everyone else in the room gets the event; the sender need not be a member.
    private func send(_ socket: Socket, _ event: IncomingEvent) {
        self.answer(socket, event) {
            let room = try Self.room(in: event)
            guard socket.data.grants.allowsSend(to: room) else {
                throw Refusal.forbidden("You may not send to this room.")
            }
            var slices = ArgumentSlices(event.arguments)
            _ = slices.next()
            guard let name = slices.next(), name.first == UInt8(ascii: "\""), name.count > 2 else {
                throw Refusal.invalid("The second argument must be the event's name.")
            }
            var decoded = try JSONReader.value(name).stringValue ?? ""
            guard !decoded.withUTF8({ EventSlices.isReservedEventName(UnsafeRawBufferPointer($0)) }) else {
                throw Refusal.invalid("This event name is reserved.")
            }
            let payload = Self.payload(from: name, in: event.arguments)
            socket.to(room).emit(EncodedEvent(payload: payload, attachments: event.attachments))
            return true
        }
    }

    /// Every client of the cluster gets it, the sender too.
    private func broadcast(_ socket: Socket, _ event: IncomingEvent) {
        self.answer(socket, event) {
            guard socket.data.grants.allowsBroadcast else { throw Refusal.forbidden("You may not broadcast.") }
            var payload = ByteBufferAllocator().buffer(capacity: event.arguments.count + 16)
            payload.writeStaticString(event.arguments.isEmpty ? "[\"broadcast\"" : "[\"broadcast\",")
            payload.writeBytes(event.arguments)
            payload.writeStaticString("]")
            socket.namespace.everyone.emit(EncodedEvent(payload: payload, attachments: event.attachments))
            return true
        }
    }

    // MARK: answers

    private struct Refusal: Error {
        var code: String
        var message: String

        static func forbidden(_ message: String) -> Refusal { Refusal(code: "FORBIDDEN", message: message) }
        static func invalid(_ message: String) -> Refusal { Refusal(code: "INVALID_ARGUMENTS", message: message) }
    }

    /// - Parameter body: true: acknowledge now; false: it is acknowledged later.
    private func answer(_ socket: Socket, _ event: IncomingEvent, _ body: () throws -> Bool) {
        do {
            if try body(), let id = event.acknowledgementID { Self.accept(socket, id) }
        } catch let refusal as Refusal {
            self.refuse(socket, event.acknowledgementID, refusal)
        } catch {
            self.refuse(socket, event.acknowledgementID, .invalid("Invalid arguments."))
        }
    }

    private static func accept(_ socket: Socket, _ id: UInt64) {
        let answer: StaticString = #"{"ok":true}"#
        socket.acknowledge(
            id, arguments: UnsafeRawBufferPointer(start: answer.utf8Start, count: answer.utf8CodeUnitCount))
    }

    private func refuse(_ socket: Socket, _ id: UInt64?, _ refusal: Refusal) {
        let (code, message) = (SocketValue.string(refusal.code), SocketValue.string(refusal.message))
        guard let id else {
            return socket.emit("exception", ["status": "error", "code": code, "message": message] as SocketValue)
        }
        let answer = Arguments([["ok": false, "error": ["code": code, "message": message]]])
        answer.text.withUnsafeReadableBytes { socket.acknowledge(id, arguments: $0) }
    }

    /// The first argument: a room's name, 1 to 256 bytes.
    private static func room(in event: IncomingEvent) throws -> String {
        var slices = ArgumentSlices(event.arguments)
        guard let first = slices.next(), let room = try JSONReader.value(first).stringValue,
            (1...256).contains(room.utf8.count)
        else { throw Refusal.invalid("The first argument must be a room's name.") }
        return room
    }

    /// `[` + the arguments from `name` on + `]`.
    private static func payload(from name: UnsafeRawBufferPointer, in arguments: UnsafeRawBufferPointer) -> ByteBuffer {
        var payload = ByteBufferAllocator().buffer(capacity: arguments.count + 2)
        payload.writeStaticString("[")
        if let all = arguments.baseAddress, let start = name.baseAddress {
            payload.writeBytes(UnsafeRawBufferPointer(rebasing: arguments[(start - all)...]))
        }
        payload.writeStaticString("]")
        return payload
    }
}
