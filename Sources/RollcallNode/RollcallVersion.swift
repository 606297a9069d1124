// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The version of this program, as `rollcall version`, presence and metrics show it.
package enum RollcallVersion {
    /// Semantic version.
    package static let current = "0.1.0"
}
