// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// What the code under test waits for until the test opens it.
package final class Latch: Sendable {
    private let isOpen = Mutex(false)

    package init() {}

    package func open() { self.isOpen.withLock { $0 = true } }

    /// Throws only when the task is cancelled.
    package func wait() async throws {
        while !self.isOpen.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
    }
}
