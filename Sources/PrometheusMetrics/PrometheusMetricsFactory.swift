// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import CoreMetrics

/// The backend of swift-metrics: what libraries count through its API lands in a registry.
///
/// Timers become histograms in seconds and end in `_seconds`; recorders become histograms, or gauges when they do not
/// aggregate.
package struct PrometheusMetricsFactory: MetricsFactory {
    /// Upper bounds for timers, in seconds.
    package static let durationBounds: [Double] = [
        0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// Upper bounds for recorders: sizes and counts.
    package static let sizeBounds: [Double] = [
        1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576,
    ]

    private let registry: PrometheusRegistry
    private let bounds: [String: [Double]]

    /// A factory over a registry; `bounds` names other bucket bounds for single swift-metrics labels.
    package init(registry: PrometheusRegistry, bounds: [String: [Double]] = [:]) {
        self.registry = registry
        self.bounds = bounds
    }

    /// A counter named after the label, with `_total`.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.registry.counter(label, labels: MetricLabels(dimensions))
    }

    /// A counter of fractions; the same family as a counter of that label.
    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        self.registry.counter(label, labels: MetricLabels(dimensions))
    }

    /// A gauge.
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.registry.gauge(label, labels: MetricLabels(dimensions))
    }

    /// A histogram, or a gauge of the last value when `aggregate` is false.
    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        let labels = MetricLabels(dimensions)
        guard aggregate else { return self.registry.gauge(label, labels: labels) }
        return self.registry.histogram(label, labels: labels, bounds: self.bounds[label] ?? Self.sizeBounds)
    }

    /// A histogram in seconds.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = label.hasSuffix("seconds") ? label : label + "_seconds"
        let bounds = self.bounds[label] ?? Self.durationBounds
        return self.registry.histogram(name, labels: MetricLabels(dimensions), bounds: bounds)
    }

    /// Takes the counter out of the registry.
    package func destroyCounter(_ handler: any CounterHandler) {
        self.registry.remove(handler)
    }

    /// Takes the counter out of the registry.
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
        self.registry.remove(handler)
    }

    /// Takes the gauge out of the registry.
    package func destroyMeter(_ handler: any MeterHandler) {
        self.registry.remove(handler)
    }

    /// Takes the recorder out of the registry.
    package func destroyRecorder(_ handler: any RecorderHandler) {
        self.registry.remove(handler)
    }

    /// Takes the timer out of the registry.
    package func destroyTimer(_ handler: any TimerHandler) {
        self.registry.remove(handler)
    }
}
