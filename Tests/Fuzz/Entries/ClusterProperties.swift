// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

@testable import RollcallRedis

/// What other nodes publish: taken apart without harm, and the same when written again.
enum ClusterProperties {
    static func check(_ bytes: UnsafeRawBufferPointer) throws {
        try self.checkBroadcast(bytes)
        try self.checkRequest(bytes)
        self.readResponse(bytes)
    }

    // MARK: broadcasts

    private static func checkBroadcast(_ bytes: UnsafeRawBufferPointer) throws {
        guard let broadcast = try? ReceivedBroadcast(bytes) else { return }
        var scratch = ByteBuffer()
        guard let event = try? broadcast.packet.event(scratch: &scratch) else { return }
        try self.checkEvent(event)
        let written = try self.write(event, broadcast.options, namespace: broadcast.packet.namespace)
        try written.withUnsafeReadableBytes { written in
            let again = try ReceivedBroadcast(written)
            try requireEqual(again.packet.namespace, broadcast.packet.namespace, "the namespace")
            try requireEqual(again.options.rooms, broadcast.options.rooms, "the rooms")
            try requireEqual(Set(again.options.except), Set(broadcast.options.except), "the excepted rooms")
            try requireEqual(again.options.isVolatile, broadcast.options.isVolatile, "volatile")
            var scratch = ByteBuffer()
            let event2 = try again.packet.event(scratch: &scratch)
            try self.requireSame(event2, event)
        }
    }

    private static func write(
        _ event: EncodedEvent, _ options: BroadcastOptions, namespace: String
    ) throws -> ByteBuffer {
        var written = ByteBuffer()
        try BroadcastWriter(uid: "fuzzer", namespace: namespace).write(event, options, into: &written)
        return written
    }

    /// Clients take no offence at it: JSON in UTF-8, an array that begins with a name that is not reserved.
    private static func checkEvent(_ event: EncodedEvent) throws {
        try event.payload.withUnsafeReadableBytes { text in
            try require(String(validating: text, as: UTF8.self) != nil, "an event is UTF-8")
            let slices = try EventSlices.parse(text)
            try require(slices.nameIsNumber || !slices.isReserved, "a name that clients may not send")
            _ = try JSONReader.value(text, attachments: event.attachments)
        }
    }

    private static func requireSame(_ left: EncodedEvent, _ right: EncodedEvent) throws {
        let values = try [left, right].map { event in
            try event.payload.withUnsafeReadableBytes { try JSONReader.value($0, attachments: event.attachments) }
        }
        try requireEqual(normalized(values[0]), normalized(values[1]), "the event")
    }

    // MARK: requests and answers

    private static func checkRequest(_ bytes: UnsafeRawBufferPointer) throws {
        guard let request = try? ClusterRequest(bytes) else { return }
        if let event = request.event { try self.checkEvent(event) }
        try require(request.timeout >= .zero && request.timeout <= .seconds(3600), "a timeout within bounds")
        _ = (request.socketID, request.closes, request.uid)
        if let options = request.options, request.kind != .sockets { try self.checkCommands(request, options) }
        if let data = request.serverSideData {
            let again = try self.read(ClusterMessages.serverSideEmit(data, "id", uid: "fuzzer"))
            // Binary becomes a placeholder without an attachment, as with the reference.
            try requireEqual(again.serverSideData?.count, data.count, "the data of an event for servers")
        }
        guard let id = request.id else { return }
        for answer in [
            ClusterMessages.done(id), ClusterMessages.list(id, "rooms", request.rooms),
            ClusterMessages.serverSideAnswer(id, id), ClusterMessages.clientCount(id, 1),
            ClusterMessages.acknowledgement(id, Arguments([id])),
        ] {
            let response = try answer.withUnsafeReadableBytes { try ClusterResponse($0) }
            try require(response.clientCount ?? 1 == 1, "the count of clients")
        }
    }

    private static func checkCommands(_ request: ClusterRequest, _ options: BroadcastOptions) throws {
        let commands: [(ClusterRequest.Kind, ClusterCommand)] = [
            (.join, .join(request.rooms)), (.leave, .leave(request.rooms)),
            (.disconnect, .disconnect(close: request.closes)),
        ]
        for (kind, command) in commands {
            let again = try self.read(ClusterMessages.command(command, options, uid: "fuzzer"))
            try requireEqual(again.kind, kind, "the kind")
            try requireEqual(again.options?.rooms, options.rooms, "the rooms")
            try requireEqual(again.options.map { Set($0.except) }, Set(options.except), "the excepted rooms")
            if kind != .disconnect { try requireEqual(again.rooms, request.rooms, "the rooms to join or leave") }
            if kind == .disconnect { try requireEqual(again.closes, request.closes, "whether to close") }
        }
    }

    private static func read(_ message: ByteBuffer) throws -> ClusterRequest {
        try message.withUnsafeReadableBytes { try ClusterRequest($0) }
    }

    private static func readResponse(_ bytes: UnsafeRawBufferPointer) {
        _ = try? ClusterResponse.requestID(in: bytes)
        guard let response = try? ClusterResponse(bytes) else { return }
        _ = (response.kind, response.clientCount, response.data, response.acknowledgement?.values)
    }
}
