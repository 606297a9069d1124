// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

/// Writes broadcasts: MessagePack `[uid, {type: 2, data: [event, …], nsp}, {rooms, except, flags}]`.
struct BroadcastWriter {
    /// All up to the event's data.
    private let head: ByteBuffer
    /// What stands between the data and the rooms.
    private let middle: ByteBuffer

    init(uid: String, namespace: String) {
        var head = ByteBuffer()
        MessagePackWriter.writeArrayHeader(3, into: &head)
        MessagePackWriter.write(uid, into: &head)
        MessagePackWriter.writeMapHeader(3, into: &head)
        MessagePackWriter.write("type", into: &head)
        MessagePackWriter.write(2, into: &head)
        MessagePackWriter.write("data", into: &head)
        self.head = head
        var middle = ByteBuffer()
        MessagePackWriter.write("nsp", into: &middle)
        MessagePackWriter.write(namespace, into: &middle)
        MessagePackWriter.writeMapHeader(3, into: &middle)
        MessagePackWriter.write("rooms", into: &middle)
        self.middle = middle
    }

    /// Writes a broadcast. Throws when the event's text is no JSON or names attachments that are not there.
    func write(
        _ event: EncodedEvent, _ options: BroadcastOptions, into buffer: inout ByteBuffer
    ) throws(JSONError) {
        buffer.writeImmutableBuffer(self.head)
        try Self.write(event, into: &buffer)
        buffer.writeImmutableBuffer(self.middle)
        Self.write(options.rooms, into: &buffer)
        MessagePackWriter.write("except", into: &buffer)
        Self.write(Self.unique(options.except), into: &buffer)
        MessagePackWriter.write("flags", into: &buffer)
        MessagePackWriter.writeMapHeader(options.isVolatile ? 1 : 0, into: &buffer)
        guard options.isVolatile else { return }
        MessagePackWriter.write("volatile", into: &buffer)
        MessagePackWriter.write(true, into: &buffer)
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
