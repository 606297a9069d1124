// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import PrometheusMetrics
import Testing

@Suite struct PrometheusRegistryTests {
    @Test func beyondTheBoundLabelSetsBecomeOther() async throws {
        var limits = PrometheusRegistry.Limits()
        limits.seriesPerFamily = 3
        let registry = PrometheusRegistry(limits: limits)
        for event in 0..<10 {
            registry.counter("events", help: "Events.", labels: ["event": "e\(event)"]).increment()
        }
        registry.counter("events", labels: ["event": "e0"]).increment()
        let read = try ExpositionReader(await registry.exposition())
        #expect(read.family("events_total")?.samples.count == 4)
        #expect(read.value("events_total", ["event": "e0"]) == 2)
        #expect(read.value("events_total", ["event": "other"]) == 7)
        #expect(read.value("prometheus_metrics_label_overflows_total") == 7)
    }

    @Test func dynamicLabelNamesAreBoundedToo() async throws {
        var limits = PrometheusRegistry.Limits()
        limits.seriesPerFamily = 2
        let registry = PrometheusRegistry(limits: limits)
        for index in 0..<100 {
            registry.gauge("g", help: "G.", labels: MetricLabels([("name\(index)", "v")])).set(Int64(index))
        }
        let read = try ExpositionReader(await registry.exposition())
        let samples = try #require(read.family("g")?.samples.count)
        #expect(samples <= 18)
        let conflicts = try #require(read.value("prometheus_metrics_conflicts_total"))
        #expect(conflicts > 0)
    }

    @Test func overlongValuesBecomeOther() async throws {
        let registry = PrometheusRegistry()
        registry.counter("c", help: "C.", labels: ["v": String(repeating: "x", count: 257)]).increment()
        let read = try ExpositionReader(await registry.exposition())
        #expect(read.value("c_total", ["v": "other"]) == 1)
    }

    @Test func aNameOfAnotherTypeIsNotExposedTwice() async throws {
        let registry = PrometheusRegistry()
        registry.gauge("thing", help: "T.").set(Int64(1))
        let lost = registry.histogram("thing", bounds: [1])
        lost.record(1.0)
        registry.gauge("size_count", help: "S.").set(Int64(5))
        registry.histogram("size", bounds: [1]).record(1.0)
        let read = try ExpositionReader(await registry.exposition())
        #expect(read.value("thing") == 1)
        #expect(read.value("size_count") == 5)
        #expect(read.family("size") == nil)
        #expect(read.value("prometheus_metrics_conflicts_total") == 2)
    }

    @Test func familiesAreBounded() async throws {
        var limits = PrometheusRegistry.Limits()
        limits.families = 5
        let registry = PrometheusRegistry(limits: limits)
        for index in 0..<50 {
            registry.gauge("g\(index)", help: "G.").set(Int64(1))
        }
        let read = try ExpositionReader(await registry.exposition())
        #expect(read.families.count == 5)
    }

    @Test func labelNamesAreMadeValid() async throws {
        let registry = PrometheusRegistry()
        let labels = MetricLabels([("le", "1"), ("__name__", "2"), ("9-a", "3"), ("b", "first"), ("b", "second")])
        registry.gauge("g", help: "G.", labels: labels).set(Int64(1))
        let read = try ExpositionReader(await registry.exposition())
        #expect(
            read.family("g")?.samples.first?.labels == [
                "exported_le": "1", "exported___name__": "2", "_9_a": "3", "b": "first",
            ])
    }

    @Test func collectorsAreAskedAtEachScrapeAndAddedUp() async throws {
        let registry = PrometheusRegistry()
        var loop = HistogramValue(bounds: [1, 2])
        loop.observe(1.5)
        let copy = loop
        try registry.addCollector([
            MetricDescription("packets_received", help: "Packets.", type: .counter),
            MetricDescription("event_seconds", help: "Events.", type: .histogram),
        ]) {
            [
                MetricSample("packets_received", labels: ["type": "event"], 3),
                MetricSample("packets_received", labels: ["type": "event"], 4),
                MetricSample("packets_received", labels: ["type": "ack"], 1),
                MetricSample("event_seconds", copy), MetricSample("event_seconds", copy),
                MetricSample("undeclared", 1), MetricSample("event_seconds", labels: ["bad": "type"], 1),
            ]
        }
        try registry.addCollector("rooms", help: "Rooms.", type: .gauge) { 12 }
        let read = try ExpositionReader(await registry.exposition())
        #expect(read.value("packets_received_total", ["type": "event"]) == 7)
        #expect(read.value("packets_received_total", ["type": "ack"]) == 1)
        #expect(read.value("event_seconds_count") == 2)
        #expect(read.value("event_seconds_bucket", ["le": "1"]) == 0)
        #expect(read.value("event_seconds_bucket", ["le": "2"]) == 2)
        #expect(read.value("event_seconds_sum") == 3)
        #expect(read.value("rooms") == 12)
        #expect(read.family("rooms")?.help == "Rooms.")
        #expect(read.value("prometheus_metrics_conflicts_total") == 2)
    }

    @Test func aCollectorCannotTakeANameThatIsTaken() async throws {
        let registry = PrometheusRegistry()
        registry.counter("taken", help: "T.").increment()
        let families = [
            MetricDescription("free", help: "F.", type: .gauge), MetricDescription("taken", help: "T.", type: .counter),
        ]
        #expect(throws: MetricNameTaken.self) {
            try registry.addCollector(families) { [MetricSample("free", 1)] }
        }
        // Nothing of the refused collector stays: its free name can still be had.
        try registry.addCollector("free", help: "F.", type: .gauge) { 2 }
        let read = try ExpositionReader(await registry.exposition())
        #expect(read.value("free") == 2)
        #expect(read.value("taken_total") == 1)
    }

    @Test func collectorsAreBoundedToo() async throws {
        var limits = PrometheusRegistry.Limits()
        limits.seriesPerFamily = 2
        let registry = PrometheusRegistry(limits: limits)
        try registry.addCollector([MetricDescription("c", help: "C.", type: .counter)]) {
            (0..<5).map { MetricSample("c", labels: ["v": "\($0)"], 1) }
        }
        let read = try ExpositionReader(await registry.exposition())
        #expect(read.family("c_total")?.samples.count == 3)
        #expect(read.value("c_total", ["v": "other"]) == 3)
    }

    @Test func countersIgnoreWhatWouldMakeThemFall() {
        let counter = PrometheusRegistry().counter("c")
        counter.increment(by: Int64(5))
        counter.increment(by: Int64(-2))
        counter.increment(by: -1.5)
        counter.increment(by: .nan)
        counter.increment(by: .infinity)
        counter.increment(by: 0.25)
        #expect(counter.value == 5.25)
        counter.reset()
        #expect(counter.value == 0)
    }

    @Test func concurrentWritersLoseNothing() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let counter = registry.counter("c", labels: ["k": "v"])
                    let gauge = registry.gauge("g")
                    let histogram = registry.histogram("h", bounds: [1])
                    for _ in 0..<1_000 {
                        counter.increment()
                        counter.increment(by: 0.5)
                        gauge.increment(by: 1)
                        histogram.record(2.0)
                    }
                }
            }
        }
        #expect(registry.counter("c", labels: ["k": "v"]).value == 12_000)
        #expect(registry.gauge("g").value == 8_000)
        #expect(registry.histogram("h", bounds: [1]).value.count == 8_000)
    }
}
