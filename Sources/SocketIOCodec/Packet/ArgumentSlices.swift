// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The top-level values of an event's or acknowledgement's arguments, one slice each, without whitespace around it.
///
/// Made for text that was checked. Of other text it yields unspecified slices inside it.
package struct ArgumentSlices: Sequence, IteratorProtocol {
    private var rest: UnsafeRawBufferPointer

    /// Walks the text between an array's brackets, as ``EventSlices/arguments`` has it. Between an object's braces it
    /// gives keys and values in turn (see ``MemberSlices``).
    package init(_ arguments: UnsafeRawBufferPointer) { self.rest = arguments }

    /// The next value's text, or nil behind the last one.
    package mutating func next() -> UnsafeRawBufferPointer? {
        guard let base = self.rest.baseAddress else { return nil }
        var cursor = JSONCursor(base: base, index: 0, end: self.rest.count)
        cursor.skipWhitespace()
        guard !cursor.isAtEnd else { return nil }
        let start = cursor.index
        let end = Self.endOfValue(&cursor)
        cursor.skipWhitespace()
        if !cursor.isAtEnd { cursor.index &+= 1 }
        self.rest = cursor.slice(from: cursor.index, to: cursor.end)
        return cursor.slice(from: start, to: end)
    }

    /// Goes behind the value and returns where that is: a bracket counter is enough for text that was checked.
    private static func endOfValue(_ cursor: inout JSONCursor) -> Int {
        var depth = 0
        while !cursor.isAtEnd {
            switch cursor.byte {
            case ASCII.quote:
                cursor.skipCheckedString()
                if depth == 0 { return cursor.index }
                continue
            case ASCII.openBracket, ASCII.openBrace: depth &+= 1
            case ASCII.closeBracket, ASCII.closeBrace:
                depth &-= 1
                if depth <= 0 {
                    cursor.index &+= 1
                    return cursor.index
                }
            case ASCII.comma, 0x20, 0x0A, 0x0D, 0x09:
                if depth == 0 { return cursor.index }
            default: break
            }
            cursor.index &+= 1
        }
        return cursor.index
    }
}

extension JSONCursor {
    /// Goes behind a string, whose opening quote is the next byte, or to the end.
    fileprivate mutating func skipCheckedString() {
        do throws(JSONError) {
            _ = try self.readString()
        } catch {
            self.index = self.end
        }
    }
}
