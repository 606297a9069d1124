// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// The pauses between attempts to connect: `initial`, doubled each time up to `maximum`, less a random share.
package struct Backoff: Sendable, Equatable {
    /// The first pause.
    package var initial: TimeAmount

    /// The longest pause.
    package var maximum: TimeAmount

    /// The share of a pause that chance may take away, 0 to 1: nodes that lost Redis together do not come back
    /// together.
    package var jitter: Double

    private var failures = 0

    /// Creates a schedule of pauses.
    package init(initial: TimeAmount = .milliseconds(50), maximum: TimeAmount = .seconds(2), jitter: Double = 0.5) {
        self.initial = initial
        self.maximum = maximum
        self.jitter = min(max(jitter, 0), 1)
    }

    /// The next pause. `chance` is a random number from 0 to 1.
    mutating func next(chance: Double) -> TimeAmount {
        var pause = max(self.initial.nanoseconds, 1)
        for _ in 0..<min(self.failures, 30) where pause < self.maximum.nanoseconds { pause *= 2 }
        pause = min(pause, max(self.maximum.nanoseconds, 1))
        self.failures += 1
        return .nanoseconds(pause - Int64(Double(pause) * self.jitter * min(max(chance, 0), 1)))
    }

    /// Begins again with the first pause.
    mutating func reset() { self.failures = 0 }
}
