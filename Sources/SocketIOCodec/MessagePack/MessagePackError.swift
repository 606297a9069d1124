// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Why bytes are not acceptable MessagePack.
package enum MessagePackError: Error, Hashable {
    /// The bytes end inside a value, or a header announces more than there is.
    case unexpectedEnd
    /// The next value is of another type than asked for, or of none that exists.
    case unexpectedType
    /// More containers inside each other than allowed.
    case tooDeep
    /// A map's key is neither a string nor an integer.
    case unexpectedKey

    /// A constant text for logs and metric labels.
    package var reason: String {
        switch self {
        case .unexpectedEnd: "unexpected end of MessagePack"
        case .unexpectedType: "unexpected MessagePack type"
        case .tooDeep: "MessagePack too deep"
        case .unexpectedKey: "unexpected MessagePack map key"
        }
    }
}
