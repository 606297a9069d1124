// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The labels of one series, ordered by name, so that equal sets are equal values and the output is deterministic.
package struct MetricLabels: Hashable, Sendable {
    struct Pair: Hashable, Sendable {
        var name: String
        var value: String
    }

    /// What the values of a label set become beyond the bound on series.
    static let overflowValue = "other"

    let pairs: [Pair]

    /// Labels from name and value pairs. Names are made valid; of two equal names the first wins.
    package init(_ dimensions: [(String, String)]) {
        var pairs: [Pair] = []
        pairs.reserveCapacity(dimensions.count)
        for (name, value) in dimensions {
            let name = Self.validName(name)
            if !pairs.contains(where: { $0.name == name }) {
                pairs.append(Pair(name: name, value: value))
            }
        }
        pairs.sort { $0.name < $1.name }
        self.pairs = pairs
    }

    private init(sorted pairs: [Pair]) {
        self.pairs = pairs
    }

    /// The same names, every value replaced by `other`.
    var overflowed: MetricLabels {
        MetricLabels(sorted: self.pairs.map { Pair(name: $0.name, value: Self.overflowValue) })
    }

    /// The longest value, in bytes of UTF-8.
    var longestValue: Int {
        self.pairs.reduce(0) { max($0, $1.value.utf8.count) }
    }

    /// `le` and `quantile` mean buckets to Prometheus, names that begin with `__` are its own.
    private static func validName(_ text: String) -> String {
        let name = MetricName.identifier(text, fallback: "label")
        if name == "le" || name == "quantile" || name.hasPrefix("__") {
            return "exported_" + name
        }
        return name
    }
}

extension MetricLabels: ExpressibleByDictionaryLiteral {
    /// Labels as a literal: `["code": "TOKEN_INVALID"]`.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }
}

extension MetricLabels: Comparable {
    /// Orders by the pairs, one after another.
    package static func < (left: MetricLabels, right: MetricLabels) -> Bool {
        for (a, b) in zip(left.pairs, right.pairs) where a != b {
            return (a.name, a.value) < (b.name, b.value)
        }
        return left.pairs.count < right.pairs.count
    }
}
