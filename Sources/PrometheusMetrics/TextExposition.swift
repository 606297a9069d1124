// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// One family at the instant of a scrape.
struct FamilySnapshot {
    var name: String
    var type: MetricType
    var help: String?
    var series: [MetricLabels: MetricValue]
}

/// Writes the Prometheus text exposition format, version 0.0.4.
struct TextExposition {
    private(set) var text = ""

    mutating func write(_ family: FamilySnapshot) {
        let help = family.help ?? "No description (\(family.type.rawValue))."
        self.text += "# HELP \(family.name) \(Self.escapedHelp(help))\n"
        self.text += "# TYPE \(family.name) \(family.type.rawValue)\n"
        for (labels, value) in family.series.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .number(let number):
                self.sample(family.name, labels, Self.number(number))
            case .histogram(let histogram):
                self.histogram(family.name, labels, histogram)
            }
        }
    }

    /// Buckets are cumulative and end with `+Inf`, whose count is the count of all.
    private mutating func histogram(_ name: String, _ labels: MetricLabels, _ histogram: HistogramValue) {
        var cumulative: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            cumulative &+= count
            let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
            self.sample(name + "_bucket", labels, bound: bound, String(cumulative))
        }
        self.sample(name + "_sum", labels, Self.number(histogram.sum))
        self.sample(name + "_count", labels, String(cumulative))
    }

    private mutating func sample(_ name: String, _ labels: MetricLabels, bound: String? = nil, _ value: String) {
        self.text += name
        var parts = labels.pairs.map { "\($0.name)=\"\(Self.escapedLabelValue($0.value))\"" }
        if let bound {
            parts.append("le=\"\(bound)\"")
        }
        if !parts.isEmpty {
            self.text += "{" + parts.joined(separator: ",") + "}"
        }
        self.text += " " + value + "\n"
    }

    /// Whole numbers without a point, infinities and NaN as the format spells them.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return String(whole) }
        return "\(value)"
    }

    /// In a help text a backslash and a line feed are escaped.
    static func escapedHelp(_ text: String) -> String {
        Self.escaped(text, quotes: false)
    }

    /// In a label value the quotation mark is escaped, too.
    static func escapedLabelValue(_ text: String) -> String {
        Self.escaped(text, quotes: true)
    }

    /// Works on scalars: a carriage return and a line feed are one `Character`, but only the line feed is escaped.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
            case "\n": result.append(contentsOf: "\\n".unicodeScalars)
            case "\"" where quotes: result.append(contentsOf: "\\\"".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
