// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Why a text is not acceptable JSON (RFC 8259).
package enum JSONError: Error, Hashable {
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte that the grammar does not allow at its place.
    case unexpectedByte
    /// A number that RFC 8259 section 6 does not allow, such as `01` or `1.`.
    case malformedNumber
    /// A byte below 0x20 inside a string.
    case controlCharacter
    /// A backslash in front of something that is no escape.
    case malformedEscape
    /// More containers inside each other than allowed.
    case tooDeep
    /// Something but whitespace follows the value.
    case trailingBytes
    /// The text is JSON, but not the array that the packet needs.
    case notAnArray
    /// The first item of an event is neither a string nor a number.
    case malformedEventName
    /// A placeholder names an attachment that is not there.
    case placeholderOutOfRange

    /// A constant text for logs.
    package var reason: String {
        switch self {
        case .unexpectedEnd: "unexpected end of JSON"
        case .unexpectedByte: "unexpected byte in JSON"
        case .malformedNumber: "malformed number"
        case .controlCharacter: "control character in string"
        case .malformedEscape: "malformed escape"
        case .tooDeep: "JSON too deep"
        case .trailingBytes: "bytes after JSON"
        case .notAnArray: "not an array"
        case .malformedEventName: "malformed event name"
        case .placeholderOutOfRange: "placeholder out of range"
        }
    }
}
