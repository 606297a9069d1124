// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

/// What another node answers on a response channel: JSON, or MessagePack for an acknowledgement.
struct ClusterResponse {
    private var fields: [String: SocketValue] = [:]
    /// What a client acknowledged with: its first argument.
    private(set) var acknowledgement: Arguments?

    /// Which request it answers. Most answers are for other nodes, and long ones begin with the id: nothing else of them is read.
    static func requestID(in message: UnsafeRawBufferPointer) throws(ClusterMessageError) -> String? {
        if message.starts(with: self.listBeginning) {
            let rest = message.dropFirst(self.listBeginning.count)
            let id = rest.prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            if id.endIndex < rest.endIndex, rest[id.endIndex] == UInt8(ascii: "\"") {
                return String(decoding: id, as: UTF8.self)
            }
        }
        do throws(MessagePackError) {
            if message.first != UInt8(ascii: "{") { return try self.requestID(inMessagePack: message) }
        } catch {
            throw ClusterMessageError(error)
        }
        do throws(JSONError) {
            try JSONScanner.validate(message)
        } catch {
            throw ClusterMessageError(error)
        }
        guard var members = MemberSlices(message) else { return nil }
        while let member = members.next() {
            if member.key.elementsEqual(#""requestId""#.utf8) { return JSONReader.exactString(member.value) }
        }
        return nil
    }

    private static let listBeginning = Array(#"{"requestId":""#.utf8)

    private static func requestID(inMessagePack message: UnsafeRawBufferPointer) throws(MessagePackError) -> String? {
        var reader = MessagePackReader(message)
        var id: String?
        for _ in 0..<(try reader.readMapHeader()) {
            if try reader.readKey() == "requestId" {
                id = try reader.readValue().stringValue
            } else {
                try reader.skipValue()
            }
        }
        guard reader.isAtEnd else { throw .unexpectedEnd }
        return id
    }

    /// Takes an answer apart.
    init(_ message: UnsafeRawBufferPointer) throws(ClusterMessageError) {
        guard message.first != UInt8(ascii: "{") else {
            do throws(JSONError) {
                self.fields = try JSONReader.value(message).objectValue ?? [:]
            } catch {
                throw ClusterMessageError(error)
            }
            self.acknowledgement = Arguments(self.fields["packet"].map { [$0] } ?? [])
            return
        }
        do throws(MessagePackError) {
            try self.read(MessagePackReader(message))
        } catch {
            throw ClusterMessageError(error)
        }
    }

    /// The acknowledgement is transcoded, so that the members of its objects keep their order; all else is small.
    private mutating func read(_ message: MessagePackReader) throws(MessagePackError) {
        var reader = message
        self.acknowledgement = Arguments()
        for _ in 0..<(try reader.readMapHeader()) {
            let key = try reader.readKey()
            guard key == "packet" else {
                self.fields[key] = try reader.readValue()
                continue
            }
            let packet = try reader.readSlice()
            if packet.elementsEqual(ClusterMessages.undefined) { continue }
            var text = ByteBuffer()
            var attachments: [ByteBuffer] = []
            var packetReader = MessagePackReader(packet)
            try MessagePackTranscoder.writeJSON(from: &packetReader, into: &text, attachments: &attachments)
            self.acknowledgement = Arguments(text: text, attachments: attachments)
        }
    }

    // MARK: fields

    /// Answers with lists have none.
    var kind: ClusterRequest.Kind? { self.fields["type"]?.intValue.flatMap(ClusterRequest.Kind.init(rawValue:)) }

    /// How many clients were asked; nil for a number that cannot be one of clients.
    var clientCount: Int? { self.fields["clientCount"]?.intValue.flatMap { 0...Int(Int32.max) ~= $0 ? $0 : nil } }

    /// The sockets that a server has.
    func sockets(of namespace: Namespace) throws(ClusterMessageError) -> [RemoteSocket] {
        let descriptions = self.fields["sockets"]?.arrayValue
        let sockets = descriptions?.compactMap { SocketDescription.read($0, namespace) }
        guard let sockets, sockets.count == descriptions?.count else { throw ClusterMessageError(.unexpectedShape) }
        return sockets
    }

    /// What a server says to an event of another.
    var data: SocketValue { self.fields["data"] ?? .null }
}
