// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import PrometheusMetrics

@Suite struct TextExpositionTests {
    @Test func writesFamiliesInOrderOfTheirNames() async {
        let registry = PrometheusRegistry()
        registry.gauge("zebra", help: "Last.").set(Int64(3))
        registry.counter("connect_errors", help: "Refused.", labels: ["code": "B"]).increment()
        registry.counter("connect_errors", labels: ["code": "A"]).increment(by: Int64(2))
        registry.counter("connect_errors", labels: ["code": "B"]).increment()
        let text = await registry.exposition()
        let expected = """
            # HELP connect_errors_total Refused.
            # TYPE connect_errors_total counter
            connect_errors_total{code="A"} 2
            connect_errors_total{code="B"} 2
            # HELP prometheus_metrics_conflicts_total Series and samples that are not exposed because their name or type \
            does not fit.
            # TYPE prometheus_metrics_conflicts_total counter
            prometheus_metrics_conflicts_total 0
            # HELP prometheus_metrics_label_overflows_total Label sets that were replaced by "other" because their family \
            is full.
            # TYPE prometheus_metrics_label_overflows_total counter
            prometheus_metrics_label_overflows_total 0
            # HELP zebra Last.
            # TYPE zebra gauge
            zebra 3

            """
        #expect(text == expected)
    }

    @Test func writesHistogramsCumulatively() async throws {
        let registry = PrometheusRegistry()
        let histogram = registry.histogram(
            "wait_seconds", help: "Waiting.", labels: ["k": "v"], bounds: [1, 0.5, 2, 0.5])
        for value in [0.25, 0.5, 0.75, 1.5, 99, .nan] {
            histogram.record(value)
        }
        let text = await registry.exposition()
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("wait_seconds") }.map(String.init)
        #expect(
            lines == [
                #"wait_seconds_bucket{k="v",le="0.5"} 2"#,
                #"wait_seconds_bucket{k="v",le="1"} 3"#,
                #"wait_seconds_bucket{k="v",le="2"} 4"#,
                #"wait_seconds_bucket{k="v",le="+Inf"} 5"#,
                #"wait_seconds_sum{k="v"} 102"#,
                #"wait_seconds_count{k="v"} 5"#,
            ])
    }

    @Test(arguments: [
        ("plain", "plain"), ("a\"b", #"a\"b"#), (#"c:\d"#, #"c:\\d"#), ("one\ntwo", #"one\ntwo"#),
        ("cr\r\nlf", "cr\r\\nlf"), ("이미 연결된", "이미 연결된"), ("", ""),
    ])
    func escapesLabelValues(value: String, escaped: String) async throws {
        #expect(Array(TextExposition.escapedLabelValue(value).utf8) == Array(escaped.utf8))
        let registry = PrometheusRegistry()
        registry.gauge("g", help: "", labels: ["value": value]).set(1.5)
        let read = try ExpositionReader(await registry.exposition())
        #expect(read.value("g", ["value": value]) == 1.5)
    }

    @Test func escapesHelpWithoutQuotes() {
        #expect(TextExposition.escapedHelp("a \"b\" \\ c\nd") == #"a "b" \\ c\nd"#)
    }

    @Test(arguments: [
        (0, "0"), (-3, "-3"), (1.5, "1.5"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        (9_007_199_254_740_991, "9007199254740991"), (0.000_01, "1e-05"), (1e300, "1e+300"),
    ])
    func writesNumbers(value: Double, text: String) {
        #expect(TextExposition.number(value) == text)
    }

    @Test(arguments: [
        ("http.requests", MetricType.counter, "http_requests_total"), ("x_total", .counter, "x_total"),
        ("x_total", .gauge, "x"), ("9lives", .gauge, "_9lives"), ("a-b c:d", .gauge, "a_b_c_d"),
        ("", .gauge, "unnamed"),
        ("é", .histogram, "_"), ("_total", .gauge, "_total"),
    ])
    func makesNamesValid(label: String, type: MetricType, name: String) {
        #expect(MetricName.normalized(label, type: type) == name)
    }
}
