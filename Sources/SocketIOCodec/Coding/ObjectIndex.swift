// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The members of an object: where their keys and values are in the text.
struct ObjectIndex {
    struct Member {
        /// The key's content, as written.
        let key: Range<Int>
        let keyIsEscaped: Bool
        let value: Range<Int>
    }

    /// Up to so many members, comparing their keys is cheaper than a table; above it would be quadratic.
    private static let linearLimit = 16

    private let source: DecodingSource
    private var members: [Member] = []
    private var table: [String: Int] = [:]

    /// Finds the members of the object in this part of the text.
    init(_ path: DecodingPath, _ range: Range<Int>?) throws {
        self.source = path.source
        self.members = try path.read(range, nil, as: [String: Any].self) { text throws(ValueError) in
            guard let text else { throw ValueError(.missing) }
            return try Self.members(text, offset: range?.lowerBound ?? 0)
        }
        guard self.members.count > Self.linearLimit else { return }
        for (index, member) in self.members.enumerated() { self.table[self.key(of: member)] = index }
    }

    private static func members(_ text: UnsafeRawBufferPointer, offset: Int) throws(ValueError) -> [Member] {
        do throws(JSONError) {
            var cursor = try JSONCursor(text)
            if try cursor.nextByte() == ASCII.openBrace { return try cursor.readMembers(offset: offset) }
        } catch {
            throw ValueError(.malformed(error))
        }
        throw ValueError.mismatch(text)
    }

    /// The keys, each once, in the order of their first appearance.
    var keys: [String] {
        var seen: Set<String> = []
        return self.members.map(self.key(of:)).filter { seen.insert($0).inserted }
    }

    /// The value of a key; of equal keys that of the last one.
    func value(_ key: String) -> Range<Int>? {
        if self.members.count > Self.linearLimit { return self.table[key].map { self.members[$0].value } }
        var key = key
        return key.withUTF8 { utf8 in
            let wanted = UnsafeRawBufferPointer(utf8)
            return self.members.last { self.matches($0, wanted) }?.value
        }
    }

    private func matches(_ member: Member, _ wanted: UnsafeRawBufferPointer) -> Bool {
        if member.keyIsEscaped { return self.key(of: member).utf8.elementsEqual(wanted) }
        guard member.key.count == wanted.count, let key = self.source.text(member.key) else { return false }
        return key.elementsEqual(wanted)
    }

    private func key(of member: Member) -> String {
        self.source.text(member.key).map { JSONString.decode($0, isEscaped: member.keyIsEscaped) } ?? ""
    }
}

extension JSONCursor {
    /// Consumes an object, whose opening brace is the next byte, and what follows it.
    fileprivate mutating func readMembers(offset: Int) throws(JSONError) -> [ObjectIndex.Member] {
        var members: [ObjectIndex.Member] = []
        members.reserveCapacity(8)
        self.index &+= 1
        var byte = try self.nextByte()
        while byte != ASCII.closeBrace {
            members.append(try self.readMember(offset: offset))
            byte = try self.nextByte()
            guard byte == ASCII.comma || byte == ASCII.closeBrace else { throw .unexpectedByte }
            if byte == ASCII.comma {
                self.index &+= 1
                guard try self.nextByte() == ASCII.quote else { throw .unexpectedByte }
            }
        }
        self.index &+= 1
        try self.expectEnd()
        return members
    }

    private mutating func readMember(offset: Int) throws(JSONError) -> ObjectIndex.Member {
        guard try self.nextByte() == ASCII.quote else { throw .unexpectedByte }
        let keyStart = self.index &+ 1
        let isEscaped = try self.readString().isEscaped
        let keyEnd = self.index &- 1
        try self.expect(ASCII.colon)
        self.skipWhitespace()
        let start = self.index
        try self.skipValue(maximumDepth: JSONScanner.defaultMaximumDepth)
        return ObjectIndex.Member(
            key: (offset &+ keyStart)..<(offset &+ keyEnd), keyIsEscaped: isEscaped,
            value: (offset &+ start)..<(offset &+ self.index))
    }
}
