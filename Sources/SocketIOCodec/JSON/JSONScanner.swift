// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Checks JSON text (RFC 8259, strictly) without building anything.
///
/// That the bytes are UTF-8 must have been checked before.
package enum JSONScanner {
    /// Containers inside each other that are allowed where the caller does not say.
    package static let defaultMaximumDepth = 512

    /// Checks one JSON text: a value of any kind with whitespace around it.
    package static func validate(
        _ bytes: UnsafeRawBufferPointer, maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONError) {
        var cursor = try JSONCursor(bytes)
        try cursor.skipValue(maximumDepth: maximumDepth)
        try cursor.expectEnd()
    }

    /// Checks one JSON text that must be an array, as the payload of an ACK is.
    ///
    /// Returns the text between its brackets, empty when there are no items.
    package static func validateArray(
        _ bytes: UnsafeRawBufferPointer, maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONError) -> UnsafeRawBufferPointer {
        var cursor = try JSONCursor(bytes)
        guard try cursor.nextByte() == ASCII.openBracket else { throw .notAnArray }
        guard maximumDepth > 0 else { throw .tooDeep }
        cursor.index &+= 1
        let start = cursor.index
        if try cursor.nextByte() == ASCII.closeBracket {
            cursor.index &+= 1
            try cursor.expectEnd()
            return cursor.slice(from: start, to: start)
        }
        try cursor.skipItems(maximumDepth: maximumDepth)
        let end = cursor.index &- 1
        try cursor.expectEnd()
        return cursor.slice(from: start, to: end)
    }

    /// Checks that the placeholders in checked JSON text name attachments that are there, as a client will when the text is
    /// passed on to it. A text with more placeholders than attachments is refused too.
    package static func validatePlaceholders(
        _ bytes: UnsafeRawBufferPointer, attachmentCount: Int
    ) throws(JSONError) {
        guard !bytes.isEmpty else { return }
        _ = try JSONOutline(bytes, attachmentCount: attachmentCount)
    }
}
