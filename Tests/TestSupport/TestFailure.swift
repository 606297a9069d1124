// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What a test met instead of what it expected.
package struct TestFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Throws unless both are equal: a check for code in which the whole test ends when it fails.
package func check<T: Equatable>(_ got: T, _ wanted: T, _ what: String = "") throws {
    guard got == wanted else { throw TestFailure("\(what): \(got) instead of \(wanted)") }
}
