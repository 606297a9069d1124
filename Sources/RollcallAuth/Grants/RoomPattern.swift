// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A room's name in which `*` stands for any bytes, none included; nothing else is special.
///
/// Two kinds of rooms belong to somebody, and a broad pattern does not open them: `user:…` needs a pattern that itself
/// begins with `user:`, and a room named like a session id (20 characters of `[A-Za-z0-9_-]`) one without any `*`.
package struct RoomPattern: Hashable, Sendable, CustomStringConvertible {
    /// The longest pattern, in bytes, and the longest room that is compared: matching costs at most their product.
    package static let maximumLength = 256
    /// The longest room name that a pattern ever matches, in bytes.
    package static let maximumRoomLength = 1024

    /// The pattern as it was written.
    package let description: String
    /// The pieces between the `*`: a pattern without one has a single piece.
    private let pieces: [[UInt8]]

    /// A pattern; `nil` if it is empty or longer than ``maximumLength``.
    package init?(_ text: String) {
        guard (1...Self.maximumLength).contains(text.utf8.count) else { return nil }
        self.description = text
        self.pieces = text.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// Whether the pattern opens a room.
    package func matches(_ room: String) -> Bool {
        guard room.utf8.count <= Self.maximumRoomLength else { return false }
        let name = Array(room.utf8)
        if name.starts(with: Self.userPrefix) {
            guard let head = self.pieces.first, head.starts(with: Self.userPrefix) else { return false }
        } else if Self.isSessionID(name) {
            guard self.pieces.count == 1 else { return false }
        }
        return self.matches(name)
    }

    /// Takes the first piece at the start, the last at the end, and each other one at its first place: leftmost is
    /// always right, so nothing is ever tried again.
    private func matches(_ name: [UInt8]) -> Bool {
        guard let head = self.pieces.first, let tail = self.pieces.last, self.pieces.count > 1 else {
            return name == self.pieces.first
        }
        guard name.count >= head.count + tail.count, name.starts(with: head),
            name.suffix(tail.count).elementsEqual(tail)
        else { return false }
        var rest = name[head.count..<name.count - tail.count]
        for piece in self.pieces.dropFirst().dropLast() {
            guard let end = Self.end(ofFirst: piece, in: rest) else { return false }
            rest = rest[end...]
        }
        return true
    }

    private static func end(ofFirst piece: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        guard text.count >= piece.count else { return nil }
        return (text.startIndex...text.endIndex - piece.count)
            .first { text[$0..<$0 + piece.count].elementsEqual(piece) }
            .map { $0 + piece.count }
    }

    private static let userPrefix = Array("user:".utf8)

    private static func isSessionID(_ name: [UInt8]) -> Bool {
        name.count == 20
            && name.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
