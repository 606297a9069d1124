// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec

/// What a user may do through the gateway. Nothing, unless granted.
package struct Grants: Hashable, Sendable {
    /// Rooms that may be joined.
    package var join: [RoomPattern] = []
    /// Rooms that may be sent to, joined or not.
    package var send: [RoomPattern] = []
    /// Whether events may be sent to every client of the cluster.
    package var broadcast = false
    /// As `join:*`, `send:*` and `broadcast` together. Like every `*` it leaves out the rooms that belong to somebody
    /// (see ``RoomPattern``).
    package var all = false

    /// Grants nothing.
    package init() {}

    /// Whether `room` may be joined.
    package func allowsJoin(_ room: String) -> Bool {
        self.join.contains { $0.matches(room) } || (self.all && Self.everything?.matches(room) == true)
    }

    /// Whether events may be sent to `room`.
    package func allowsSend(to room: String) -> Bool {
        self.send.contains { $0.matches(room) } || (self.all && Self.everything?.matches(room) == true)
    }

    /// Whether events may be broadcast.
    package var allowsBroadcast: Bool {
        self.broadcast || self.all
    }

    private static let everything = RoomPattern("*")
}

// MARK: - As written on the command line

extension Grants {
    /// Why a written grant was not understood.
    package struct SyntaxError: Error, Equatable, Sendable, CustomStringConvertible {
        /// One clause, to stand after the setting's name.
        package let description: String
    }

    /// Adds a grant written `join:PATTERN`, `send:PATTERN`, `broadcast` or `all`.
    package mutating func add(_ text: String) throws(SyntaxError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count) {
        case ("all", 1): self.all = true
        case ("broadcast", 1): self.broadcast = true
        case ("join", 2): self.join.append(try Self.pattern(parts[1], in: text))
        case ("send", 2): self.send.append(try Self.pattern(parts[1], in: text))
        default:
            throw SyntaxError(description: "'\(text)' is none of join:PATTERN, send:PATTERN, broadcast, all")
        }
    }

    private static func pattern(_ text: String, in grant: String) throws(SyntaxError) -> RoomPattern {
        guard let pattern = RoomPattern(text) else {
            throw SyntaxError(description: "'\(grant)' has no pattern of 1 to \(RoomPattern.maximumLength) bytes")
        }
        return pattern
    }
}

// MARK: - As a claim

extension Grants {
    /// The claim `rollcall` as JSON, with what is granted and nothing else.
    package var claim: String {
        var members: [String] = []
        for (name, patterns) in [("join", self.join), ("send", self.send)] where !patterns.isEmpty {
            let list = patterns.map { TokenJSON.quote($0.description) }.joined(separator: ",")
            members.append("\"\(name)\":[\(list)]")
        }
        if self.broadcast {
            members.append("\"broadcast\":true")
        }
        if self.all {
            members.append("\"all\":true")
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// Reads the claim `rollcall`. Members with other names are left to later versions.
    init(claim: UnsafeRawBufferPointer) throws(TokenError) {
        var grants = Grants()
        try TokenJSON.readMembers(of: claim, orThrow: .claim("rollcall")) { (key, value) throws(TokenError) in
            switch key {
            case "join": grants.join = try Self.patterns(value)
            case "send": grants.send = try Self.patterns(value)
            case "broadcast": grants.broadcast = try Self.flag(value)
            case "all": grants.all = try Self.flag(value)
            default: break
            }
        }
        self = grants
    }

    private static func patterns(_ value: UnsafeRawBufferPointer) throws(TokenError) -> [RoomPattern] {
        guard let items = TokenJSON.items(value) else { throw .claim("rollcall") }
        var patterns: [RoomPattern] = []
        for item in items {
            guard let pattern = JSONReader.exactString(item).flatMap(RoomPattern.init) else { throw .claim("rollcall") }
            patterns.append(pattern)
        }
        return patterns
    }

    private static func flag(_ value: UnsafeRawBufferPointer) throws(TokenError) -> Bool {
        guard let flag = (try? JSONReader.value(value))?.boolValue else { throw .claim("rollcall") }
        return flag
    }
}
