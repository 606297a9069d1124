// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One family: all series of one name, at most as many as the bound allows.
struct MetricFamily {
    enum Series {
        case counter(PrometheusCounter)
        case gauge(PrometheusGauge)
        case histogram(PrometheusHistogram)

        var value: MetricValue {
            switch self {
            case .counter(let counter): .number(counter.value)
            case .gauge(let gauge): .number(gauge.value)
            case .histogram(let histogram): .histogram(histogram.value)
            }
        }

        func isSame(as object: AnyObject) -> Bool {
            switch self {
            case .counter(let counter): counter === object
            case .gauge(let gauge): gauge === object
            case .histogram(let histogram): histogram === object
            }
        }
    }

    /// Room for the `other` series of label sets with other names, beyond the bound.
    private static let overflowSeries = 16

    let type: MetricType
    var help: String?
    private(set) var series: [MetricLabels: Series] = [:]

    init(type: MetricType, help: String?) {
        self.type = type
        self.help = help
    }

    /// Under which labels a series is kept: the given ones, `other` beyond the bounds, nil when there is no room for
    /// that either.
    func admitted(_ labels: MetricLabels, limits: PrometheusRegistry.Limits) -> MetricLabels? {
        if self.series[labels] != nil {
            return labels
        }
        if self.series.count < limits.seriesPerFamily, labels.longestValue <= limits.labelValueBytes {
            return labels
        }
        let other = labels.overflowed
        let room = limits.seriesPerFamily + Self.overflowSeries
        return self.series[other] != nil || self.series.count < room ? other : nil
    }

    mutating func insert(_ series: Series, labels: MetricLabels) {
        self.series[labels] = series
    }

    mutating func remove(_ object: AnyObject) {
        guard let labels = self.series.first(where: { $0.value.isSame(as: object) })?.key else { return }
        self.series[labels] = nil
    }
}
