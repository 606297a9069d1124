// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

extension MessagePackReader {
    /// Reads one value of any kind.
    ///
    /// `undefined` is `null`, and left out of a map, as `JSON.stringify` has it; a date is its ISO 8601 text. Binary counts as the
    /// container that it is in JSON.
    package mutating func readValue() throws(MessagePackError) -> SocketValue {
        try self.readValue(depth: self.maximumDepth) ?? .null
    }

    /// Reads a value; nil is `undefined`.
    private mutating func readValue(depth: Int) throws(MessagePackError) -> SocketValue? {
        switch try self.nextKind() {
        case .null:
            try self.readNil()
            return .null
        case .bool: return .bool(try self.readBool())
        case .number:
            switch try self.readNumber() {
            case .integer(let value): return .int(value)
            case .double(let value): return .double(value)
            }
        case .string: return .string(String(decoding: try self.readString(), as: UTF8.self))
        case .binary:
            guard depth > 0 else { throw .tooDeep }
            return .binary(ByteBuffer(bytes: try self.readBinary()))
        case .array: return .array(try self.readItems(depth: depth))
        case .map: return .object(try self.readMembers(depth: depth))
        case .ext:
            let value = MessagePackExtension(try self.readExtension())
            guard depth >= value.depth else { throw .tooDeep }
            return value.value
        }
    }

    private mutating func readItems(depth: Int) throws(MessagePackError) -> [SocketValue] {
        guard depth > 0 else { throw .tooDeep }
        let count = try self.readArrayHeader()
        var items: [SocketValue] = []
        // A header is cheap to forge: room grows with what is really there.
        items.reserveCapacity(min(count, 64))
        for _ in 0..<count { items.append(try self.readValue(depth: depth - 1) ?? .null) }
        return items
    }

    private mutating func readMembers(depth: Int) throws(MessagePackError) -> [String: SocketValue] {
        guard depth > 0 else { throw .tooDeep }
        let count = try self.readMapHeader()
        var members: [String: SocketValue] = [:]
        for _ in 0..<count {
            let key = try self.readKey()
            // Left out, an equal key before it stays: so it is in the JSON text that is written without looking back.
            if let value = try self.readValue(depth: depth - 1) { members[key] = value }
        }
        return members
    }

    /// Reads a map's key, which JavaScript makes a string of.
    package mutating func readKey() throws(MessagePackError) -> String {
        switch try self.nextKind() {
        case .string: return String(decoding: try self.readString(), as: UTF8.self)
        case .number:
            guard case .integer(let value) = try self.readNumber() else { throw .unexpectedKey }
            return String(value)
        default: throw .unexpectedKey
        }
    }
}
