// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Reads the text format 0.0.4 the way a scraper does, and refuses what the format forbids.
struct ExpositionReader {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    struct Sample {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    struct Family {
        var name: String
        var type: String
        var help: String
        var samples: [Sample] = []
    }

    private(set) var families: [Family] = []

    init(_ text: String) throws {
        guard text.isEmpty || text.hasSuffix("\n") else { throw Failure(description: "no line feed at the end") }
        var help: (name: String, text: String)?
        for line in text.unicodeScalars.split(separator: "\n").map(String.init) {
            if line.hasPrefix("# HELP ") {
                let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
                help = (parts[2], parts.count > 3 ? parts[3] : "")
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.split(separator: " ").map(String.init)
                guard parts.count == 4, let known = help, known.name == parts[2] else {
                    throw Failure(description: "TYPE without its HELP: \(line)")
                }
                guard !self.families.contains(where: { $0.name == parts[2] }) else {
                    throw Failure(description: "family twice: \(parts[2])")
                }
                self.families.append(Family(name: parts[2], type: parts[3], help: known.text))
            } else {
                try self.add(Self.sample(line))
            }
        }
        try self.families.forEach(Self.check)
    }

    func family(_ name: String) -> Family? {
        self.families.first { $0.name == name }
    }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        self.families.flatMap(\.samples).first { $0.name == name && $0.labels == labels }?.value
    }

    private mutating func add(_ sample: Sample) throws {
        guard let family = self.families.last else { throw Failure(description: "sample before TYPE") }
        let names =
            family.type == "histogram"
            ? ["_bucket", "_sum", "_count"].map { family.name + $0 } : [family.name]
        guard names.contains(sample.name) else {
            throw Failure(description: "\(sample.name) stands under \(family.name)")
        }
        guard !family.samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) else {
            throw Failure(description: "series twice: \(sample)")
        }
        self.families[self.families.count - 1].samples.append(sample)
    }

    private static func check(_ family: Family) throws {
        guard family.name.wholeMatch(of: /[a-zA-Z_:][a-zA-Z0-9_:]*/) != nil else {
            throw Failure(description: "bad name \(family.name)")
        }
        guard (family.type == "counter") == family.name.hasSuffix("_total") else {
            throw Failure(description: "_total is for counters: \(family.name)")
        }
        guard family.type == "histogram" else { return }
        var groups: [[String: String]: [Sample]] = [:]
        for sample in family.samples {
            groups[sample.labels.filter { $0.key != "le" }, default: []].append(sample)
        }
        for samples in groups.values {
            let buckets = samples.filter { $0.name.hasSuffix("_bucket") }
            let counts = buckets.map(\.value)
            guard counts == counts.sorted(), buckets.last?.labels["le"] == "+Inf",
                counts.last == samples.first(where: { $0.name.hasSuffix("_count") })?.value,
                samples.contains(where: { $0.name.hasSuffix("_sum") })
            else {
                throw Failure(description: "not a histogram: \(samples)")
            }
        }
    }

    private static func sample(_ line: String) throws -> Sample {
        var rest = Substring(line)
        let name = String(rest.prefix { $0 != "{" && $0 != " " })
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            labels = try Self.labels(&rest)
        }
        guard rest.first == " ", let value = Double(rest.dropFirst().lowercased()) else {
            throw Failure(description: "no value: \(line)")
        }
        return Sample(name: name, labels: labels, value: value)
    }

    private static func labels(_ rest: inout Substring) throws -> [String: String] {
        var labels: [String: String] = [:]
        var scalars = rest.unicodeScalars.dropFirst()
        while scalars.first != "}" {
            let name = String(scalars.prefix { $0 != "=" })
            scalars = scalars.dropFirst(name.unicodeScalars.count)
            guard name.wholeMatch(of: /[a-zA-Z_][a-zA-Z0-9_]*/) != nil, labels[name] == nil else {
                throw Failure(description: "bad label name \(name)")
            }
            guard scalars.popFirst() == "=", scalars.popFirst() == "\"" else {
                throw Failure(description: "no value for \(name)")
            }
            var value = String.UnicodeScalarView()
            while let scalar = scalars.popFirst(), scalar != "\"" {
                guard scalar == "\\" else {
                    value.append(scalar)
                    continue
                }
                switch scalars.popFirst() {
                case "n": value.append("\n")
                case "\\": value.append("\\")
                case "\"": value.append("\"")
                default: throw Failure(description: "bad escape in \(name)")
                }
            }
            labels[name] = String(value)
            if scalars.first == "," {
                scalars = scalars.dropFirst()
            }
        }
        rest = Substring(scalars.dropFirst())
        return labels
    }
}
