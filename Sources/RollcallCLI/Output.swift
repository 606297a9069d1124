// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import FoundationEssentials

/// What commands write.
enum Output {
    /// Lines on standard error, each behind the program's name.
    static func complain(_ lines: [String]) {
        for line in lines {
            Self.writeToStandardError("rollcall: \(line)\n")
        }
    }

    /// Any value as one line of JSON on standard output, names in alphabetical order.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Columns that are as wide as their widest cell.
    static func table(_ header: [String], _ rows: [[String]]) {
        let widths = header.indices.map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        for row in [header] + rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            print(Self.withoutTrailingSpaces(cells.joined(separator: "  ")))
        }
    }

    /// User ids and addresses are others' texts: control characters in them must not reach a terminal.
    static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? "\u{FFFD}" : $0 }))
    }

    private static func withoutTrailingSpaces(_ line: String) -> Substring {
        var line = line[...]
        while line.last == " " {
            line.removeLast()
        }
        return line
    }
}
