// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec
import UserRegistryCore

/// Wall-clock time without Foundation.
package enum Clock {
    /// Now, in milliseconds since 1970.
    package static func milliseconds() -> Int64 { WallClock.milliseconds() }

    /// `2026-11-22T13:31:35.123Z` (RFC 3339, UTC).
    package static func rfc3339(milliseconds: Int64) -> String { ISO8601.rfc3339(milliseconds: milliseconds) }
}
