// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The kinds of metric families that the Prometheus text format 0.0.4 names and that we use.
package enum MetricType: String, Sendable {
    case counter
    case gauge
    case histogram
}
