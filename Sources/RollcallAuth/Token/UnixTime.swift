// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Rollcall

/// The wall clock as tokens count it.
package enum UnixTime {
    /// Seconds since 1970.
    package static var now: Int64 { Clock.milliseconds() / 1000 }
}
