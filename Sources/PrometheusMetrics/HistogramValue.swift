// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A histogram as a plain value: what an event loop keeps for itself and a scrape copies.
package struct HistogramValue: Hashable, Sendable {
    /// Upper bounds of the buckets, ascending and finite; the bucket `+Inf` is implied.
    package let bounds: [Double]
    /// Observations per bucket, not cumulative; one more than there are bounds.
    package private(set) var counts: [UInt64]
    /// Sum of all observations.
    package private(set) var sum: Double

    /// An empty histogram. Bounds are put in order; infinite, undefined and repeated ones are left out.
    package init(bounds: [Double]) {
        var ascending: [Double] = []
        for bound in bounds.filter(\.isFinite).sorted() where ascending.last != bound {
            ascending.append(bound)
        }
        self.bounds = ascending
        self.counts = Array(repeating: 0, count: ascending.count + 1)
        self.sum = 0
    }

    /// Number of observations.
    package var count: UInt64 {
        self.counts.reduce(0, &+)
    }

    /// Counts one observation; a bound belongs to its bucket (`le`). NaN is ignored, it would spoil the sum for ever.
    package mutating func observe(_ value: Double) {
        guard !value.isNaN else { return }
        var index = 0
        while index < self.bounds.count, value > self.bounds[index] {
            index += 1
        }
        self.counts[index] &+= 1
        self.sum += value
    }

    /// Adds another histogram of the same bounds. Returns false, and adds nothing, when the bounds differ.
    package mutating func merge(_ other: HistogramValue) -> Bool {
        guard self.bounds == other.bounds else { return false }
        for index in self.counts.indices {
            self.counts[index] &+= other.counts[index]
        }
        self.sum += other.sum
        return true
    }
}
