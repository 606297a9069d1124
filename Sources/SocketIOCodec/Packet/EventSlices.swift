// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The payload of an event, `["name",argument,…]`, as slices of the bytes that were read.
///
/// The slices are valid as long as those bytes.
package struct EventSlices {
    /// The bytes between the quotes of the name, or the digits of a numeric one.
    package var name: UnsafeRawBufferPointer
    /// Whether the name has escapes, so that its bytes are not its text.
    package var nameIsEscaped: Bool
    /// Whether the name is a number, which the protocol allows.
    package var nameIsNumber: Bool
    /// The text behind the comma after the name, up to the last bracket; empty when there are no arguments.
    package var arguments: UnsafeRawBufferPointer

    /// Checks the whole payload in one pass and slices it.
    ///
    /// Whether the name is reserved is not checked: see ``isReserved``.
    package static func parse(
        _ payload: UnsafeRawBufferPointer, maximumDepth: Int = JSONScanner.defaultMaximumDepth
    ) throws(JSONError) -> EventSlices {
        var cursor = try JSONCursor(payload)
        guard try cursor.nextByte() == ASCII.openBracket else { throw .notAnArray }
        guard maximumDepth > 0 else { throw .tooDeep }
        cursor.index &+= 1
        let isNumber = try cursor.nextByte() != ASCII.quote
        let (name, isEscaped) = isNumber ? (try self.readNumber(&cursor), false) : try cursor.readString()
        let separator = try cursor.nextByte()
        cursor.index &+= 1
        let start = cursor.index
        if separator == ASCII.comma {
            try cursor.skipItems(maximumDepth: maximumDepth)
        } else if separator != ASCII.closeBracket {
            throw .unexpectedByte
        }
        // Behind a name alone, `start` is behind the bracket already.
        let arguments = cursor.slice(from: start, to: max(start, cursor.index &- 1))
        try cursor.expectEnd()
        return EventSlices(name: name, nameIsEscaped: isEscaped, nameIsNumber: isNumber, arguments: arguments)
    }

    private static func readNumber(_ cursor: inout JSONCursor) throws(JSONError) -> UnsafeRawBufferPointer {
        let byte = try cursor.peek()
        guard ASCII.isDigit(byte) || byte == ASCII.minus else { throw .malformedEventName }
        let start = cursor.index
        _ = try cursor.skipNumber()
        return cursor.slice(from: start, to: cursor.index)
    }

    /// The name as text; of a number the text that JavaScript gives it.
    package var decodedName: String {
        if self.nameIsNumber { return JSONNumber.javaScriptText(self.name) }
        return JSONString.decode(self.name, isEscaped: self.nameIsEscaped)
    }

    /// Whether the name, its escapes decoded, is one that clients must not send.
    package var isReserved: Bool {
        guard self.nameIsEscaped else { return Self.isReservedEventName(self.name) }
        var name = self.decodedName
        return name.withUTF8 { Self.isReservedEventName(UnsafeRawBufferPointer($0)) }
    }

    /// Whether these bytes are an event name that the protocol keeps for itself.
    package static func isReservedEventName(_ name: UnsafeRawBufferPointer) -> Bool {
        switch name.count {
        case 7: name.equals("connect")
        case 10: name.equals("disconnect")
        case 11: name.equals("newListener")
        case 13: name.equals("connect_error") || name.equals("disconnecting")
        case 14: name.equals("removeListener")
        default: false
        }
    }
}
