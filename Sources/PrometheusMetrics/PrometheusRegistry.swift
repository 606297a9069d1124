// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// All metrics of a process: series that code writes into, and collectors that are asked at a scrape.
///
/// Nothing here fails or grows without bound. A name that is taken by a family of another type gets a series that
/// counts but is not exposed (`prometheus_metrics_conflicts_total`); label sets beyond the bound share one whose values
/// are `other` (`prometheus_metrics_label_overflows_total`).
package final class PrometheusRegistry: Sendable {
    /// The bounds of a registry.
    package struct Limits: Sendable {
        /// Series per family before new label sets become `other`.
        package var seriesPerFamily = 500
        /// Longest label value, in bytes of UTF-8.
        package var labelValueBytes = 256
        /// Families in all.
        package var families = 2_000

        /// The defaults.
        package init() {}
    }

    private struct Collector: Sendable {
        /// Announced name to exposed name.
        var names: [String: String]
        var collect: @Sendable () async -> [MetricSample]
    }

    private struct State {
        var families: [String: MetricFamily] = [:]
        var described: [String: MetricDescription] = [:]
        /// Every exposed name, also the parts of histograms, and the family that it belongs to.
        var owners: [String: String] = [:]
        var collectors: [Collector] = []

        /// Reserves the names of a new family; false when one of them is taken.
        mutating func claim(_ name: String, type: MetricType) -> Bool {
            let names = MetricName.exposedNames(of: name, type: type)
            guard names.allSatisfy({ self.owners[$0] == nil }) else { return false }
            for exposed in names {
                self.owners[exposed] = name
            }
            return true
        }
    }

    private let state = Mutex(State())
    private let limits: Limits
    private let overflows = PrometheusCounter()
    private let conflicts = PrometheusCounter()

    /// An empty registry.
    package init(limits: Limits = Limits()) {
        self.limits = limits
        let own: [(String, String, PrometheusCounter)] = [
            (
                "prometheus_metrics_label_overflows_total",
                "Label sets that were replaced by \"other\" because their family is full.", self.overflows
            ),
            (
                "prometheus_metrics_conflicts_total",
                "Series and samples that are not exposed because their name or type does not fit.", self.conflicts
            ),
        ]
        self.state.withLock { state in
            for (name, help, counter) in own where state.claim(name, type: .counter) {
                var family = MetricFamily(type: .counter, help: help)
                family.insert(.counter(counter), labels: [:])
                state.families[name] = family
            }
        }
    }

    // MARK: Series

    /// The counter of this name and these labels, made at first use.
    package func counter(_ name: String, help: String? = nil, labels: MetricLabels = [:]) -> PrometheusCounter {
        let series = self.series(name, type: .counter, help: help, labels: labels) { .counter(PrometheusCounter()) }
        guard case .counter(let counter)? = series else { return PrometheusCounter() }
        return counter
    }

    /// The gauge of this name and these labels, made at first use.
    package func gauge(_ name: String, help: String? = nil, labels: MetricLabels = [:]) -> PrometheusGauge {
        let series = self.series(name, type: .gauge, help: help, labels: labels) { .gauge(PrometheusGauge()) }
        guard case .gauge(let gauge)? = series else { return PrometheusGauge() }
        return gauge
    }

    /// The histogram of this name and these labels, made at first use with these upper bounds.
    package func histogram(
        _ name: String, help: String? = nil, labels: MetricLabels = [:], bounds: [Double]
    ) -> PrometheusHistogram {
        let series = self.series(name, type: .histogram, help: help, labels: labels) {
            .histogram(PrometheusHistogram(bounds: bounds))
        }
        guard case .histogram(let histogram)? = series else { return PrometheusHistogram(bounds: bounds) }
        return histogram
    }

    /// Gives a family its help text, for families that swift-metrics creates without one.
    package func describe(_ name: String, type: MetricType, help: String) {
        let name = MetricName.normalized(name, type: type)
        self.state.withLock { state in
            guard state.families.count < self.limits.families else { return }
            if state.families[name] == nil, state.claim(name, type: type) {
                state.families[name] = MetricFamily(type: type, help: nil)
            }
            if state.families[name]?.type == type {
                state.families[name]?.help = help
            }
        }
    }

    /// Takes a series out of the registry; whoever still holds it writes into nothing.
    package func remove(_ series: AnyObject) {
        self.state.withLock { state in
            for name in state.families.keys {
                state.families[name]?.remove(series)
            }
        }
    }

    private func series(
        _ label: String, type: MetricType, help: String?, labels: MetricLabels, make: () -> MetricFamily.Series
    ) -> MetricFamily.Series? {
        let name = MetricName.normalized(label, type: type)
        return self.state.withLock { state in
            if state.families[name] == nil {
                guard state.families.count < self.limits.families, state.claim(name, type: type) else {
                    self.conflicts.increment()
                    return nil
                }
                state.families[name] = MetricFamily(type: type, help: help)
            }
            guard let family = state.families[name], family.type == type,
                let admitted = family.admitted(labels, limits: self.limits)
            else {
                self.conflicts.increment()
                return nil
            }
            if family.help == nil, let help {
                state.families[name]?.help = help
            }
            if admitted != labels {
                self.overflows.increment()
            }
            if let existing = family.series[admitted] {
                return existing
            }
            let series = make()
            state.families[name]?.insert(series, labels: admitted)
            return series
        }
    }

    // MARK: Collectors

    /// Registers a closure that is asked at each scrape for samples of the announced families.
    ///
    /// The closure may hop to event loops and return one sample per loop: samples with equal labels are added up.
    /// Samples of a name that was not announced, or of another type, are dropped and counted.
    /// - Throws: `MetricNameTaken` when a name belongs to another family; then nothing is registered.
    package func addCollector(
        _ families: [MetricDescription], collect: @escaping @Sendable () async -> [MetricSample]
    ) throws(MetricNameTaken) {
        let taken = self.state.withLock { state -> String? in
            var next = state
            var names: [String: String] = [:]
            for family in families {
                let name = MetricName.normalized(family.name, type: family.type)
                guard next.claim(name, type: family.type) else { return name }
                next.described[name] = family
                names[family.name] = name
            }
            next.collectors.append(Collector(names: names, collect: collect))
            state = next
            return nil
        }
        if let taken {
            throw MetricNameTaken(name: taken)
        }
    }

    /// Registers a closure that yields one number without labels.
    /// - Throws: `MetricNameTaken` when the name belongs to another family.
    package func addCollector(
        _ name: String, help: String, type: MetricType, value: @escaping @Sendable () async -> Double
    ) throws(MetricNameTaken) {
        try self.addCollector([MetricDescription(name, help: help, type: type)]) {
            [MetricSample(name, await value())]
        }
    }

    // MARK: Exposition

    /// Content type of what `exposition` returns.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Asks the collectors and writes everything in the text format 0.0.4, families and series in order of their names.
    package func exposition() async -> String {
        let collectors = self.state.withLock { $0.collectors }
        var collected: [String: [MetricLabels: MetricValue]] = [:]
        for collector in collectors {
            for sample in await collector.collect() {
                self.add(sample, of: collector, to: &collected)
            }
        }
        var text = TextExposition()
        for family in self.snapshot(adding: collected) {
            text.write(family)
        }
        return text.text
    }

    private func add(
        _ sample: MetricSample, of collector: Collector, to collected: inout [String: [MetricLabels: MetricValue]]
    ) {
        guard let name = collector.names[sample.name] else {
            self.conflicts.increment()
            return
        }
        var series = collected[name] ?? [:]
        // Taken out of the dictionary while it is changed: one copy of the series per scrape would be one too many.
        collected[name] = nil
        if var value = series[sample.labels] {
            if value.merge(sample.value) {
                series[sample.labels] = value
            } else {
                self.conflicts.increment()
            }
        } else if series.count < self.limits.seriesPerFamily, sample.labels.longestValue <= self.limits.labelValueBytes
        {
            series[sample.labels] = sample.value
        } else {
            self.overflows.increment()
            let other = sample.labels.overflowed
            var value = sample.value
            if let sum = series[other], !value.merge(sum) {
                self.conflicts.increment()
            } else {
                series[other] = value
            }
        }
        collected[name] = series
    }

    private func snapshot(adding collected: [String: [MetricLabels: MetricValue]]) -> [FamilySnapshot] {
        let described = self.state.withLock { $0.described }
        var families: [FamilySnapshot] = []
        for (name, series) in collected {
            guard let description = described[name] else { continue }
            let fitting = series.filter { $0.value.fits(description.type) }
            self.conflicts.increment(by: Int64(series.count - fitting.count))
            families.append(
                FamilySnapshot(name: name, type: description.type, help: description.help, series: fitting))
        }
        // Read last, so that what the collectors caused is in it.
        self.state.withLock { state in
            for (name, family) in state.families {
                let series = family.series.mapValues(\.value)
                families.append(FamilySnapshot(name: name, type: family.type, help: family.help, series: series))
            }
        }
        return families.filter { !$0.series.isEmpty }.sorted { $0.name < $1.name }
    }
}

/// A metric name that already belongs to another family.
package struct MetricNameTaken: Error, CustomStringConvertible {
    /// The exposed name.
    package let name: String

    /// What is wrong, for people.
    package var description: String {
        "the metric name \(self.name) is taken by another family"
    }
}
