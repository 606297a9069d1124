// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The members of an object, one slice each for key (with its quotes) and value, in their order.
///
/// Equal keys are not merged: whoever must not guess which of them counts can refuse them.
/// Made for text that was checked. Of other text it yields unspecified slices inside it.
package struct MemberSlices: Sequence, IteratorProtocol {
    private var slices: ArgumentSlices

    /// Walks the text of one value; nil if that is no object.
    package init?(_ text: UnsafeRawBufferPointer) {
        guard let base = text.baseAddress else { return nil }
        var cursor = JSONCursor(base: base, index: 0, end: text.count)
        cursor.skipWhitespace()
        guard !cursor.isAtEnd, cursor.byte == ASCII.openBrace,
            let end = text.lastIndex(of: ASCII.closeBrace), end > cursor.index
        else { return nil }
        self.slices = ArgumentSlices(cursor.slice(from: cursor.index &+ 1, to: end))
    }

    /// The next member, or nil behind the last one.
    package mutating func next() -> (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        guard let key = self.slices.next(), let value = self.slices.next() else { return nil }
        return (key, value)
    }
}
