// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Durations as they are written: a whole number and one of the units `ms`, `s`, `m`, `h`.
package enum DurationText {
    /// Reads a duration; `nil` if it is none or longer than some thousand years.
    package static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty, let number = Int64(digits), number <= 100_000_000_000_000 else { return nil }
        switch text[digits.endIndex...] {
        case "ms": return .milliseconds(number)
        case "s": return .seconds(number)
        case "m": return number <= 1_000_000_000_000 ? .seconds(number * 60) : nil
        case "h": return number <= 10_000_000_000 ? .seconds(number * 3600) : nil
        default: return nil
        }
    }

    /// Writes a duration in the largest unit that divides it; fractions of a millisecond are left out.
    package static func format(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        return switch milliseconds {
        case 0: "0s"
        case _ where milliseconds % 3_600_000 == 0: "\(milliseconds / 3_600_000)h"
        case _ where milliseconds % 60_000 == 0: "\(milliseconds / 60_000)m"
        case _ where milliseconds % 1000 == 0: "\(milliseconds / 1000)s"
        default: "\(milliseconds)ms"
        }
    }
}
