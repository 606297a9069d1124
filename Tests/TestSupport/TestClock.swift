// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore
import Synchronization

/// Time that passes when the test says so.
package final class TestClock: Sendable {
    private let moment = Mutex(NIODeadline.now())

    package init() {}

    package var now: NIODeadline { self.moment.withLock { $0 } }

    package func advance(by amount: TimeAmount) { self.moment.withLock { $0 = $0 + amount } }
}
