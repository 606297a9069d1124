// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Where the items of an array are in the text.
struct ArrayIndex {
    let items: [Range<Int>]

    /// Finds the items of the array in this part of the text.
    init(_ path: DecodingPath, _ range: Range<Int>?) throws {
        self.items = try path.read(range, nil, as: [Any].self) { text throws(ValueError) in
            guard let text else { throw ValueError(.missing) }
            return try Self.items(text, offset: range?.lowerBound ?? 0)
        }
    }

    private static func items(_ text: UnsafeRawBufferPointer, offset: Int) throws(ValueError) -> [Range<Int>] {
        do throws(JSONError) {
            var cursor = try JSONCursor(text)
            if try cursor.nextByte() == ASCII.openBracket { return try cursor.readItems(offset: offset) }
        } catch {
            throw ValueError(.malformed(error))
        }
        throw ValueError.mismatch(text)
    }
}

extension JSONCursor {
    /// Consumes an array, whose opening bracket is the next byte, and what follows it.
    fileprivate mutating func readItems(offset: Int) throws(JSONError) -> [Range<Int>] {
        var items: [Range<Int>] = []
        self.index &+= 1
        if try self.nextByte() == ASCII.closeBracket {
            self.index &+= 1
            try self.expectEnd()
            return items
        }
        while true {
            self.skipWhitespace()
            let start = self.index
            try self.skipValue(maximumDepth: JSONScanner.defaultMaximumDepth)
            items.append((offset &+ start)..<(offset &+ self.index))
            let byte = try self.nextByte()
            guard byte == ASCII.comma || byte == ASCII.closeBracket else { throw .unexpectedByte }
            self.index &+= 1
            if byte == ASCII.closeBracket { break }
        }
        try self.expectEnd()
        return items
    }
}
