// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A text that must not be shown. Whatever prints a value that holds one, prints dots.
package struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself.
    package let value: String

    /// Wraps a text.
    package init(_ value: String) {
        self.value = value
    }

    /// Dots.
    package var description: String { Self.redacted }
    /// Dots.
    package var debugDescription: String { Self.redacted }
    /// Nothing to look into.
    package var customMirror: Mirror { Mirror(self, children: []) }

    static let redacted = "•••"
}
