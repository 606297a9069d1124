// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The form of a log line.
package enum LogFormat: String, Sendable {
    /// Text on a terminal, JSON otherwise.
    case auto
    /// For people.
    case text
    /// One JSON object per line.
    case json
}
