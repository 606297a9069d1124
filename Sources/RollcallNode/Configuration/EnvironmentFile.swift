// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The lines of a `.env` file: `NAME=value`, optionally behind `export`, the value plain or in quotes. Lines that are
/// something else are left alone: the file may serve other programs too.
struct EnvironmentFile {
    let variables: [String: String]

    init(_ text: String) {
        var variables: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let (name, value) = Self.assignment(line) else { continue }
            variables[name] = value
        }
        self.variables = variables
    }

    private static func assignment(_ line: Substring) -> (String, String)? {
        var line = self.trimmed(line)
        if line.hasPrefix("export ") {
            line = self.trimmed(line.dropFirst(7))
        }
        guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "="), equals > line.startIndex else { return nil }
        let name = self.trimmed(line[..<equals])
        var value = self.trimmed(line[line.index(after: equals)...])
        for quote in ["\"", "'"] where value.count >= 2 && value.hasPrefix(quote) && value.hasSuffix(quote) {
            value = value.dropFirst().dropLast()
            break
        }
        return (String(name), String(value))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" || last == "\r" {
            text.removeLast()
        }
        return text
    }
}
