// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

/// Writes requests and answers, their fields in the reference's order.
enum ClusterMessages {
    /// A command to the sockets of all other nodes, as JSON.
    static func command(_ command: ClusterCommand, _ options: BroadcastOptions, uid: String) -> ByteBuffer {
        let kind: ClusterRequest.Kind =
            switch command {
            case .join: .join
            case .leave: .leave
            case .disconnect: .disconnect
            }
        return self.object { json in
            json.member("uid", uid)
            json.member("type", kind.rawValue)
            json.member("opts") { options.writeJSON(into: &$0) }
            switch command {
            case .join(let rooms), .leave(let rooms): json.member("rooms", rooms)
            case .disconnect(let close): json.member("close") { JSONWriter.write(close, into: &$0) }
            }
        }
    }

    /// An event for the other servers, which answer when there is a request's id.
    static func serverSideEmit(_ data: [SocketValue], _ id: String? = nil, uid: String) -> ByteBuffer {
        self.object { json in
            json.member("uid", uid)
            if let id { json.member("requestId", id) }
            json.member("type", ClusterRequest.Kind.serverSideEmit.rawValue)
            json.member("data", .array(data))
        }
    }

    /// Asks the other servers for their sockets.
    static func fetchSockets(_ options: BroadcastOptions, _ id: String, uid: String) -> ByteBuffer {
        self.object { json in
            json.member("uid", uid)
            json.member("requestId", id)
            json.member("type", ClusterRequest.Kind.fetch.rawValue)
            json.member("opts") { options.writeJSON(into: &$0) }
        }
    }

    /// `{"requestId":…}`, all that commands in the old form are answered with.
    static func done(_ id: SocketValue?) -> ByteBuffer {
        self.object { json in if let id { json.member("requestId", id) } }
    }

    /// `{"requestId":…,"<name>":[…]}`.
    static func list(_ id: SocketValue?, _ name: String, _ texts: [String]) -> ByteBuffer {
        self.object { json in
            if let id { json.member("requestId", id) }
            json.member(name, texts)
        }
    }

    /// `{"requestId":…,"sockets":[…]}` of sockets' descriptions, which are JSON already.
    static func sockets(_ id: SocketValue?, _ descriptions: [ByteBuffer]) -> ByteBuffer {
        self.object { json in
            if let id { json.member("requestId", id) }
            json.member("sockets") { buffer in
                buffer.writeInteger(UInt8(ascii: "["))
                for (index, description) in descriptions.enumerated() {
                    if index > 0 { buffer.writeInteger(UInt8(ascii: ",")) }
                    buffer.writeImmutableBuffer(description)
                }
                buffer.writeInteger(UInt8(ascii: "]"))
            }
        }
    }

    /// What a server answered to an event of another server.
    static func serverSideAnswer(_ id: SocketValue, _ value: SocketValue) -> ByteBuffer {
        self.object { json in
            json.member("type", ClusterRequest.Kind.serverSideEmit.rawValue)
            json.member("requestId", id)
            json.member("data", value)
        }
    }

    /// How many clients were asked for an acknowledgement.
    static func clientCount(_ id: SocketValue, _ count: Int) -> ByteBuffer {
        self.object { json in
            json.member("type", ClusterRequest.Kind.clientCount.rawValue)
            json.member("requestId", id)
            json.member("clientCount", count)
        }
    }

    /// One client's acknowledgement, as MessagePack: `{type: 9, requestId, packet: <its first argument>}`.
    static func acknowledgement(_ id: SocketValue, _ arguments: Arguments) -> ByteBuffer {
        var buffer = ByteBuffer()
        MessagePackWriter.writeMapHeader(3, into: &buffer)
        MessagePackWriter.write("type", into: &buffer)
        MessagePackWriter.write(ClusterRequest.Kind.acknowledgement.rawValue, into: &buffer)
        MessagePackWriter.write("requestId", into: &buffer)
        MessagePackWriter.write(id, into: &buffer)
        MessagePackWriter.write("packet", into: &buffer)
        if let first = arguments.values.first {
            MessagePackWriter.write(first, into: &buffer)
        } else {
            buffer.writeBytes(self.undefined)
        }
        return buffer
    }

    /// JavaScript's `undefined` as notepack.io writes it.
    static let undefined: [UInt8] = [0xD4, 0x00, 0x00]

    private static func object(_ write: (inout JSONObjectWriter) -> Void) -> ByteBuffer {
        var writer = JSONObjectWriter()
        write(&writer)
        return writer.finish()
    }
}

extension BroadcastOptions {
    /// `{"rooms":[…],"except":[…]}`.
    fileprivate func writeJSON(into buffer: inout ByteBuffer) {
        var writer = JSONObjectWriter()
        writer.member("rooms", self.rooms)
        writer.member("except", BroadcastWriter.unique(self.except))
        buffer.writeImmutableBuffer(writer.finish())
    }
}

/// Writes an object of JSON whose members have an order.
struct JSONObjectWriter {
    private var buffer = ByteBuffer(integer: UInt8(ascii: "{"))
    private var isEmpty = true

    /// A member whose value `write` writes.
    mutating func member(_ name: String, _ write: (inout ByteBuffer) -> Void) {
        if !self.isEmpty { self.buffer.writeInteger(UInt8(ascii: ",")) }
        self.isEmpty = false
        JSONWriter.write(name, into: &self.buffer)
        self.buffer.writeInteger(UInt8(ascii: ":"))
        write(&self.buffer)
    }

    mutating func member(_ name: String, _ value: String) { self.member(name) { JSONWriter.write(value, into: &$0) } }

    mutating func member(_ name: String, _ value: Int) { self.member(name) { JSONWriter.write(value, into: &$0) } }

    mutating func member(_ name: String, _ value: Bool) { self.member(name) { JSONWriter.write(value, into: &$0) } }

    mutating func member(_ name: String, _ values: [String]) {
        self.member(name, .array(values.map { .string($0) }))
    }

    /// JSON has no binary: what there is of it becomes a placeholder without an attachment.
    mutating func member(_ name: String, _ value: SocketValue) {
        self.member(name) { buffer in
            var attachments: [ByteBuffer] = []
            JSONWriter.write(value, into: &buffer, attachments: &attachments)
        }
    }

    /// The object's text.
    consuming func finish() -> ByteBuffer {
        var buffer = self.buffer
        buffer.writeInteger(UInt8(ascii: "}"))
        return buffer
    }
}
