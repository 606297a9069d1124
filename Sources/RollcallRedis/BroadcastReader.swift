// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

/// Why another node's message is dropped.
struct ClusterMessageError: Error {
    let reason: RedisDropReason

    init(_ reason: RedisDropReason) { self.reason = reason }

    init(_ error: MessagePackError) {
        switch error {
        case .unexpectedEnd: self.reason = .malformed
        case .tooDeep: self.reason = .tooDeep
        case .unexpectedType, .unexpectedKey: self.reason = .unexpectedShape
        }
    }

    init(_ error: JSONError) { self.reason = error == .tooDeep ? .tooDeep : .malformed }
}

/// A broadcast of another node, whose event is not unpacked yet. Valid as long as the message's bytes.
struct ReceivedBroadcast {
    var packet: ReceivedPacket
    var options: BroadcastOptions

    /// Takes a message apart; accepts what the reference's adapter accepts, any order of fields included.
    init(_ message: UnsafeRawBufferPointer) throws(ClusterMessageError) {
        var reader = MessagePackReader(message)
        do throws(MessagePackError) {
            let count = try reader.readArrayHeader()
            guard count >= 3 else { throw .unexpectedType }
            try reader.skipValue()  // the sender's id
            self.packet = try ReceivedPacket(&reader)
            self.options = try BroadcastOptions(&reader)
            for _ in 3..<count { try reader.skipValue() }
            guard reader.isAtEnd else { throw .unexpectedEnd }
        } catch {
            throw ClusterMessageError(error)
        }
    }
}

/// The packet inside a message: `{type, data, nsp}`.
struct ReceivedPacket {
    private var type: Int64?
    private var data: UnsafeRawBufferPointer?
    /// The reference takes a missing one for `/`.
    private(set) var namespace = "/"

    init(_ reader: inout MessagePackReader) throws(MessagePackError) {
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readKey() {
            case "type": self.type = try reader.readInteger()
            case "data": self.data = try reader.readSlice()
            case "nsp": self.namespace = String(decoding: try reader.readString(), as: UTF8.self)
            default: try reader.skipValue()
            }
        }
    }

    /// The event as JSON text with attachments, checked so that no client will take offence at it.
    func event(scratch: inout ByteBuffer) throws(ClusterMessageError) -> EncodedEvent {
        // Some emitters tell binary events from others by the type, as on the wire to clients.
        guard let data = self.data, self.type == 2 || self.type == 5 else {
            throw ClusterMessageError(.unexpectedShape)
        }
        var attachments: [ByteBuffer] = []
        scratch.clear()
        let isNamed: Bool
        do throws(MessagePackError) {
            isNamed = try Self.isNamed(data)
            var reader = MessagePackReader(data)
            if isNamed {
                try MessagePackTranscoder.writeJSON(from: &reader, into: &scratch, attachments: &attachments)
            }
        } catch {
            throw ClusterMessageError(error)
        }
        guard isNamed else { throw ClusterMessageError(.invalidEvent) }
        if !attachments.isEmpty { try Self.checkPlaceholders(scratch, count: attachments.count) }
        return EncodedEvent(payload: scratch, attachments: attachments)
    }

    private static func checkPlaceholders(_ text: ByteBuffer, count: Int) throws(ClusterMessageError) {
        let isValid = text.withUnsafeReadableBytes { text in
            (try? JSONScanner.validatePlaceholders(text, attachmentCount: count)) != nil
        }
        if !isValid { throw ClusterMessageError(.invalidEvent) }
    }

    /// Whether the data is an array that begins with a name that clients accept.
    private static func isNamed(_ data: UnsafeRawBufferPointer) throws(MessagePackError) -> Bool {
        var reader = MessagePackReader(data)
        guard try reader.readArrayHeader() > 0 else { return false }
        switch try reader.nextKind() {
        case .number: return true
        case .string: return !Self.isReserved(try reader.readString())
        default: return false
        }
    }

    private static func isReserved(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count >= 7, name.count <= 14 else { return false }
        return Self.reserved.contains { name.elementsEqual($0.utf8) }
    }

    private static let reserved = [
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    ]
}

extension BroadcastOptions {
    /// Reads `{rooms, except, flags}`, of which any may be missing.
    init(_ reader: inout MessagePackReader) throws(MessagePackError) {
        self.init()
        for _ in 0..<(try reader.readMapHeader()) {
            switch try reader.readKey() {
            case "rooms": self.rooms = try Self.readRooms(&reader)
            case "except": self.except = try Self.readRooms(&reader)
            case "flags": try self.readFlags(&reader)
            default: try reader.skipValue()
            }
        }
    }

    private static func readRooms(_ reader: inout MessagePackReader) throws(MessagePackError) -> [String] {
        guard try reader.nextKind() == .array else {
            try reader.skipAbsent()
            return []
        }
        var rooms: [String] = []
        for _ in 0..<(try reader.readArrayHeader()) { rooms.append(try reader.readKey()) }
        return rooms
    }

    private mutating func readFlags(_ reader: inout MessagePackReader) throws(MessagePackError) {
        guard try reader.nextKind() == .map else { return try reader.skipAbsent() }
        for _ in 0..<(try reader.readMapHeader()) {
            if try reader.readKey() == "volatile", try reader.nextKind() == .bool {
                self.isVolatile = try reader.readBool()
            } else {
                try reader.skipValue()
            }
        }
    }
}

extension MessagePackReader {
    /// Reads past nil or notepack's `undefined`.
    fileprivate mutating func skipAbsent() throws(MessagePackError) {
        switch try self.nextKind() {
        case .null, .ext: try self.skipValue()
        default: throw .unexpectedType
        }
    }
}
