// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A walk through the items of an array, as places in the text.
struct ArrayItems {
    struct Item {
        let value: Range<Int>
        /// Where the walk goes on: at the next item, or at the closing bracket.
        fileprivate let rest: Int
        fileprivate let isLast: Bool
    }

    /// Where the next item is; the array ends at `end`.
    private var index: Int
    private let end: Int
    private(set) var isAtEnd: Bool

    /// Starts at the first item of the array that is this text. `offset` is the text's place in the whole.
    init(_ text: UnsafeRawBufferPointer, offset: Int) throws(ValueError) {
        do throws(JSONError) {
            var cursor = try JSONCursor(text)
            if try cursor.nextByte() == ASCII.openBracket {
                cursor.index &+= 1
                self.isAtEnd = try cursor.nextByte() == ASCII.closeBracket
                self.index = offset + cursor.index
                self.end = offset + cursor.end
                return
            }
        } catch {
            throw ValueError(.malformed(error))
        }
        throw ValueError.mismatch(text)
    }

    /// The next item, without going behind it.
    func next(_ source: DecodingSource) throws(ValueError) -> Item {
        guard !self.isAtEnd, let text = source.text(self.index..<self.end) else { throw ValueError(.missing) }
        do throws(JSONError) {
            var cursor = try JSONCursor(text)
            try cursor.skipValue(maximumDepth: JSONScanner.defaultMaximumDepth)
            let value = self.index..<(self.index + cursor.index)
            let byte = try cursor.nextByte()
            guard byte == ASCII.comma || byte == ASCII.closeBracket else { throw .unexpectedByte }
            cursor.index &+= 1
            cursor.skipWhitespace()
            return Item(value: value, rest: self.index + cursor.index, isLast: byte == ASCII.closeBracket)
        } catch {
            throw ValueError(.malformed(error))
        }
    }

    /// Goes behind an item.
    mutating func consume(_ item: Item) {
        self.index = item.rest
        self.isAtEnd = item.isLast
    }
}
