// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CoreMetrics
import Synchronization

/// A histogram that any thread may record into. It serves the aggregating recorders and the timers of swift-metrics.
package final class PrometheusHistogram: Sendable {
    private let state: Mutex<HistogramValue>

    init(bounds: [Double]) {
        self.state = Mutex(HistogramValue(bounds: bounds))
    }

    /// A copy of the present counts.
    package var value: HistogramValue {
        self.state.withLock { $0 }
    }
}

extension PrometheusHistogram: RecorderHandler {
    /// Counts one whole number.
    package func record(_ value: Int64) {
        self.record(Double(value))
    }

    /// Counts one number.
    package func record(_ value: Double) {
        self.state.withLock { $0.observe(value) }
    }
}

extension PrometheusHistogram: TimerHandler {
    /// Counts a duration, in seconds as Prometheus wants it.
    package func recordNanoseconds(_ duration: Int64) {
        self.record(Double(duration) / 1_000_000_000)
    }
}
