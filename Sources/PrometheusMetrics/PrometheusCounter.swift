// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CoreMetrics
import Synchronization

/// A counter: goes up, or back to zero by `reset`. Integers and fractions are kept apart, so that counting by one
/// is a single atomic addition.
package final class PrometheusCounter: Sendable {
    private let whole = Atomic<Int64>(0)
    private let fraction = AtomicDouble(0)

    init() {}

    /// The present value.
    package var value: Double {
        Double(self.whole.load(ordering: .relaxed)) + self.fraction.value
    }

    /// Counts one.
    package func increment() {
        self.whole.wrappingAdd(1, ordering: .relaxed)
    }
}

extension PrometheusCounter: CounterHandler {
    /// Counts `amount`; a negative one is ignored, since a counter never falls.
    package func increment(by amount: Int64) {
        guard amount > 0 else { return }
        self.whole.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Back to zero, which Prometheus reads as a restart.
    package func reset() {
        self.whole.store(0, ordering: .relaxed)
        self.fraction.set(0)
    }
}

extension PrometheusCounter: FloatingPointCounterHandler {
    /// Counts `amount`; a negative, infinite or undefined one is ignored.
    package func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        self.fraction.add(amount)
    }
}
