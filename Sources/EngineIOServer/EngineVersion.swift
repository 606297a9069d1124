// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The revision of the Engine.IO protocol that a session speaks: the `EIO` of the request that opened it.
package enum EngineVersion: Int, Sendable {
    /// Engine.IO 3, which Socket.IO 2 clients speak: the client pings, payloads carry lengths.
    case v3 = 3
    /// Engine.IO 4, Socket.IO 3 and later.
    case v4 = 4

    /// - Parameter eio: the query's value; none at all means revision 3, as in the reference.
    /// - Returns: nil when it is not supported.
    init?(eio: String?, allowEIO3: Bool) {
        switch eio {
        case "4": self = .v4
        case nil, "3": if allowEIO3 { self = .v3 } else { return nil }
        default: return nil
        }
    }
}
