// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CoreMetrics

/// A gauge: a number that goes up and down. It serves the meters of swift-metrics and its recorders that do not
/// aggregate.
package final class PrometheusGauge: Sendable {
    private let number = AtomicDouble(0)

    init() {}

    /// The present value.
    package var value: Double {
        self.number.value
    }
}

extension PrometheusGauge: MeterHandler {
    /// Sets a whole number.
    package func set(_ value: Int64) {
        self.number.set(Double(value))
    }

    /// Sets any number.
    package func set(_ value: Double) {
        self.number.set(value)
    }

    /// Adds `amount`.
    package func increment(by amount: Double) {
        self.number.add(amount)
    }

    /// Subtracts `amount`.
    package func decrement(by amount: Double) {
        self.number.add(-amount)
    }
}

extension PrometheusGauge: RecorderHandler {
    /// Keeps the last recorded whole number.
    package func record(_ value: Int64) {
        self.set(value)
    }

    /// Keeps the last recorded number.
    package func record(_ value: Double) {
        self.set(value)
    }
}
