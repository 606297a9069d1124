// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

/// Writes broadcasts: MessagePack `[uid, {type: 2, data: [event, …], nsp}, {rooms, except, flags}]`, and as requests for
/// acknowledgements `{uid, requestId, type: 7, packet: {…}, opts: {…}}`.
struct BroadcastWriter {
    private let uid: String
    /// All of a broadcast up to the event's data.
    private let head: ByteBuffer
    /// The packet up to the event's data.
    private let packetHead: ByteBuffer
    /// The packet behind the event's data.
    private let packetTail: ByteBuffer

    init(uid: String, namespace: String) {
        self.uid = uid
        var packetHead = ByteBuffer()
        MessagePackWriter.writeMapHeader(3, into: &packetHead)
        MessagePackWriter.write("type", into: &packetHead)
        MessagePackWriter.write(2, into: &packetHead)
        MessagePackWriter.write("data", into: &packetHead)
        self.packetHead = packetHead
        var head = ByteBuffer()
        MessagePackWriter.writeArrayHeader(3, into: &head)
        MessagePackWriter.write(uid, into: &head)
        head.writeImmutableBuffer(packetHead)
        self.head = head
        var packetTail = ByteBuffer()
        MessagePackWriter.write("nsp", into: &packetTail)
        MessagePackWriter.write(namespace, into: &packetTail)
        self.packetTail = packetTail
    }

    /// Writes a broadcast. Throws when the event's text is no JSON or names attachments that are not there.
    func write(
        _ event: EncodedEvent, _ options: BroadcastOptions, into buffer: inout ByteBuffer
    ) throws(JSONError) {
        buffer.writeImmutableBuffer(self.head)
        try Self.write(event, into: &buffer)
        buffer.writeImmutableBuffer(self.packetTail)
        Self.write(options, timeout: nil, into: &buffer)
    }

    /// Writes a broadcast whose recipients are to acknowledge within the time given. Throws as above.
    func writeRequest(
        _ id: String, _ event: EncodedEvent, _ options: BroadcastOptions, _ timeout: Duration,
        into buffer: inout ByteBuffer
    ) throws(JSONError) {
        MessagePackWriter.writeMapHeader(5, into: &buffer)
        MessagePackWriter.write("uid", into: &buffer)
        MessagePackWriter.write(self.uid, into: &buffer)
        MessagePackWriter.write("requestId", into: &buffer)
        MessagePackWriter.write(id, into: &buffer)
        MessagePackWriter.write("type", into: &buffer)
        MessagePackWriter.write(ClusterRequest.Kind.broadcast.rawValue, into: &buffer)
        MessagePackWriter.write("packet", into: &buffer)
        buffer.writeImmutableBuffer(self.packetHead)
        try Self.write(event, into: &buffer)
        buffer.writeImmutableBuffer(self.packetTail)
        MessagePackWriter.write("opts", into: &buffer)
        Self.write(options, timeout: timeout, into: &buffer)
    }

    private static func write(_ options: BroadcastOptions, timeout: Duration?, into buffer: inout ByteBuffer) {
        MessagePackWriter.writeMapHeader(3, into: &buffer)
        MessagePackWriter.write("rooms", into: &buffer)
        self.write(options.rooms, into: &buffer)
        MessagePackWriter.write("except", into: &buffer)
        self.write(self.unique(options.except), into: &buffer)
        MessagePackWriter.write("flags", into: &buffer)
        MessagePackWriter.writeMapHeader((options.isVolatile ? 1 : 0) + (timeout == nil ? 0 : 1), into: &buffer)
        if options.isVolatile {
            MessagePackWriter.write("volatile", into: &buffer)
            MessagePackWriter.write(true, into: &buffer)
        }
        if let timeout {
            MessagePackWriter.write("timeout", into: &buffer)
            MessagePackWriter.write(Int(timeout / .milliseconds(1)), into: &buffer)
        }
    }

    private static func write(_ event: EncodedEvent, into buffer: inout ByteBuffer) throws(JSONError) {
        var failure: JSONError?
        event.payload.withUnsafeReadableBytes { text in
            do throws(JSONError) {
                try MessagePackTranscoder.write(json: text, attachments: event.attachments, into: &buffer)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private static func write(_ rooms: [String], into buffer: inout ByteBuffer) {
        MessagePackWriter.writeArrayHeader(rooms.count, into: &buffer)
        for room in rooms { MessagePackWriter.write(room, into: &buffer) }
    }

    static func unique(_ rooms: [String]) -> [String] {
        guard rooms.count > 1 else { return rooms }
        var seen: Set<String> = []
        return rooms.filter { seen.insert($0).inserted }
    }
}
