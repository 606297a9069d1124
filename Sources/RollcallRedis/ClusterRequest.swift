// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

/// What a node asks the others on the request channel: JSON, or MessagePack for a broadcast with acknowledgements.
struct ClusterRequest {
    /// The numbers are the reference's.
    enum Kind: Int, Sendable {
        case sockets = 0
        case allRooms = 1
        case join = 2
        case leave = 3
        case disconnect = 4
        case fetch = 5
        case serverSideEmit = 6
        case broadcast = 7
        /// Answers to `broadcast`: how many clients got it, and what one of them said.
        case clientCount = 8
        case acknowledgement = 9
    }

    let kind: Kind
    /// Who asks; emitters that do not expect answers leave it out.
    let uid: String?
    /// What the answer must name. Echoed as it came.
    let id: SocketValue?
    /// The event of a broadcast with acknowledgements.
    let event: EncodedEvent?
    private let fields: [String: SocketValue]

    /// Takes a request apart.
    init(_ message: UnsafeRawBufferPointer) throws(ClusterMessageError) {
        var event: EncodedEvent?
        let fields =
            message.first == UInt8(ascii: "{")
            ? try Self.readJSON(message) : try Self.readMessagePack(message, &event)
        guard let type = fields["type"]?.intValue else { throw ClusterMessageError(.unexpectedShape) }
        guard let kind = Kind(rawValue: type), kind.rawValue <= Kind.broadcast.rawValue else {
            throw ClusterMessageError(.unknownRequest)
        }
        self.kind = kind
        self.uid = fields["uid"]?.stringValue
        self.id = fields["requestId"].flatMap { $0.isNull ? nil : $0 }
        self.fields = fields
        self.event = event
    }

    private static func readJSON(
        _ message: UnsafeRawBufferPointer
    ) throws(ClusterMessageError) -> [String: SocketValue] {
        do throws(JSONError) {
            return try JSONReader.value(message).objectValue ?? [:]
        } catch {
            throw ClusterMessageError(error)
        }
    }

    /// The packet is transcoded, so that the members of its objects keep their order; all else is small.
    private static func readMessagePack(
        _ message: UnsafeRawBufferPointer, _ event: inout EncodedEvent?
    ) throws(ClusterMessageError) -> [String: SocketValue] {
        var reader = MessagePackReader(message)
        var fields: [String: SocketValue] = [:]
        var packet: ReceivedPacket?
        do throws(MessagePackError) {
            for _ in 0..<(try reader.readMapHeader()) {
                let key = try reader.readKey()
                if key == "packet" {
                    packet = try ReceivedPacket(&reader)
                } else {
                    fields[key] = try reader.readValue()
                }
            }
            guard reader.isAtEnd else { throw .unexpectedEnd }
        } catch {
            throw ClusterMessageError(error)
        }
        var text = ByteBuffer()
        event = try packet?.event(scratch: &text)
        return fields
    }

    // MARK: fields

    /// Whom it means: the present form has `opts`, `sockets` only `rooms`.
    var options: BroadcastOptions? {
        if self.kind == .sockets { return BroadcastOptions(rooms: Self.rooms(self.fields["rooms"])) }
        guard let options = self.fields["opts"], options.objectValue != nil else { return nil }
        return BroadcastOptions(
            rooms: Self.rooms(options["rooms"]), except: Self.rooms(options["except"]),
            isVolatile: options["flags"]?["volatile"]?.boolValue ?? false)
    }

    /// The rooms to join or leave; in the form of old nodes and emitters there is one.
    var rooms: [String] {
        self.fields["rooms"].map(Self.rooms) ?? Self.room(self.fields["room"]).map { [$0] } ?? []
    }

    /// The one socket that the form of old nodes means.
    var socketID: String? { self.fields["sid"]?.stringValue }

    /// Whether to close the whole connection.
    var closes: Bool { self.fields["close"]?.boolValue ?? false }

    /// An event for servers: its name and arguments.
    var serverSideData: [SocketValue]? { self.fields["data"]?.arrayValue }

    /// How long acknowledgements count.
    var timeout: Duration {
        .milliseconds(min(max(self.fields["opts"]?["flags"]?["timeout"]?.intValue ?? 5000, 0), 3_600_000))
    }

    private static func rooms(_ value: SocketValue?) -> [String] {
        (value?.arrayValue ?? []).compactMap(Self.room)
    }

    /// JavaScript allows numbers as names.
    static func room(_ value: SocketValue?) -> String? {
        value?.stringValue ?? value?.intValue.map(String.init)
    }
}
