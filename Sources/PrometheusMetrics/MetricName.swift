// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Turns any label of swift-metrics into a metric name that Prometheus accepts.
///
/// The text format allows `[a-zA-Z_:][a-zA-Z0-9_:]*`; the colon is kept for recording rules, so it is replaced like
/// every other foreign character. Counters end in `_total`, and nothing else does.
package enum MetricName {
    private static let totalSuffix = "_total"

    /// The exposed name of a family: foreign characters become `_`, the suffix follows the type.
    package static func normalized(_ label: String, type: MetricType) -> String {
        let name = Self.identifier(label, fallback: "unnamed")
        switch type {
        case .counter:
            return name.hasSuffix(Self.totalSuffix) ? name : name + Self.totalSuffix
        case .gauge, .histogram:
            guard name.hasSuffix(Self.totalSuffix), name.utf8.count > Self.totalSuffix.utf8.count else { return name }
            return String(name.dropLast(Self.totalSuffix.utf8.count))
        }
    }

    /// Every name under which the samples of a family appear; two families must not share one.
    static func exposedNames(of name: String, type: MetricType) -> [String] {
        switch type {
        case .counter, .gauge: [name]
        case .histogram: [name, name + "_bucket", name + "_sum", name + "_count"]
        }
    }

    /// An identifier `[a-zA-Z_][a-zA-Z0-9_]*` made from any text.
    static func identifier(_ text: String, fallback: String) -> String {
        guard let first = text.utf8.first else { return fallback }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 1)
        if first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") {
            bytes.append(UInt8(ascii: "_"))
        }
        for scalar in text.unicodeScalars {
            bytes.append(Self.isWordCharacter(scalar) ? UInt8(truncatingIfNeeded: scalar.value) : UInt8(ascii: "_"))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }
}
