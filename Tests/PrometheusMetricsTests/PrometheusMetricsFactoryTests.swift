// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CoreMetrics
import PrometheusMetrics
import Testing

@Suite struct PrometheusMetricsFactoryTests {
    @Test func servesEveryKindOfSwiftMetrics() async throws {
        let registry = PrometheusRegistry()
        let factory = PrometheusMetricsFactory(registry: registry, bounds: ["queue.bytes": [10, 100]])
        Counter(label: "http.requests", dimensions: [("status", "200")], factory: factory).increment(by: 3)
        FloatingPointCounter(label: "cpu.seconds", factory: factory).increment(by: 0.5)
        let meter = Meter(label: "connections", factory: factory)
        meter.set(5)
        meter.increment()
        meter.decrement(by: 2)
        Recorder(label: "queue.bytes", factory: factory).record(50)
        Gauge(label: "temperature", factory: factory).record(36.6)
        Timer(label: "claim.duration", factory: factory).recordMilliseconds(20)
        registry.describe("http.requests", type: .counter, help: "Requests.")

        let read = try ExpositionReader(await registry.exposition())
        #expect(read.value("http_requests_total", ["status": "200"]) == 3)
        #expect(read.family("http_requests_total")?.help == "Requests.")
        #expect(read.value("cpu_seconds_total") == 0.5)
        #expect(read.value("connections") == 4)
        #expect(read.family("connections")?.type == "gauge")
        #expect(read.value("queue_bytes_bucket", ["le": "10"]) == 0)
        #expect(read.value("queue_bytes_bucket", ["le": "100"]) == 1)
        #expect(read.value("temperature") == 36.6)
        #expect(read.value("claim_duration_seconds_sum") == 0.02)
        #expect(read.value("claim_duration_seconds_bucket", ["le": "0.025"]) == 1)
        #expect(read.value("claim_duration_seconds_bucket", ["le": "0.01"]) == 0)
    }

    @Test func oneLabelIsOneSeries() {
        let registry = PrometheusRegistry()
        let factory = PrometheusMetricsFactory(registry: registry)
        Counter(label: "c", dimensions: [("a", "1"), ("b", "2")], factory: factory).increment()
        Counter(label: "c", dimensions: [("b", "2"), ("a", "1")], factory: factory).increment()
        #expect(registry.counter("c", labels: ["a": "1", "b": "2"]).value == 2)
    }

    @Test func destroyedSeriesAreNoLongerExposed() async throws {
        let registry = PrometheusRegistry()
        let factory = PrometheusMetricsFactory(registry: registry)
        let counter = Counter(label: "gone", factory: factory)
        counter.increment()
        counter.destroy()
        let before = try ExpositionReader(await registry.exposition())
        #expect(before.family("gone_total") == nil)
        Counter(label: "gone", factory: factory).increment()
        let after = try ExpositionReader(await registry.exposition())
        #expect(after.value("gone_total") == 1)
    }
}
