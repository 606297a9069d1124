// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A family as a collector announces it.
package struct MetricDescription: Sendable {
    /// The name; normalized at registration, so a counter may leave out `_total`.
    package var name: String
    /// One sentence for people.
    package var help: String
    /// What kind of family it is.
    package var type: MetricType

    /// A description of one family.
    package init(_ name: String, help: String, type: MetricType) {
        self.name = name
        self.help = help
        self.type = type
    }
}

/// What a sample carries.
package enum MetricValue: Sendable, Hashable {
    /// The value of a counter or a gauge.
    case number(Double)
    /// The buckets of a histogram.
    case histogram(HistogramValue)

    func fits(_ type: MetricType) -> Bool {
        switch (self, type) {
        case (.number, .counter), (.number, .gauge), (.histogram, .histogram): true
        case (.number, .histogram), (.histogram, .counter), (.histogram, .gauge): false
        }
    }

    /// Adds a value of the same series; false when the two cannot be added.
    mutating func merge(_ other: MetricValue) -> Bool {
        switch (self, other) {
        case (.number(let a), .number(let b)):
            self = .number(a + b)
            return true
        case (.histogram(var a), .histogram(let b)):
            guard a.merge(b) else { return false }
            self = .histogram(a)
            return true
        case (.number, .histogram), (.histogram, .number):
            return false
        }
    }
}

/// One sample, as a collector yields it at a scrape.
package struct MetricSample: Sendable {
    /// The name as the collector announced it.
    package var name: String
    /// The labels; samples of one family with equal labels are added up.
    package var labels: MetricLabels
    /// The value.
    package var value: MetricValue

    /// A sample of a counter or gauge.
    package init(_ name: String, labels: MetricLabels = [:], _ number: Double) {
        self.name = name
        self.labels = labels
        self.value = .number(number)
    }

    /// A sample of a histogram.
    package init(_ name: String, labels: MetricLabels = [:], _ histogram: HistogramValue) {
        self.name = name
        self.labels = labels
        self.value = .histogram(histogram)
    }
}
