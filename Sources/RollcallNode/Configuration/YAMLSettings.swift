// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Configuration
import Synchronization

/// The settings of a YAML file.
struct YAMLSettings: Sendable {
    /// Why a file is not used; one line without any of its contents.
    struct Failure: Error {
        let description: String
    }

    let snapshot: any ConfigSnapshot
    /// The path of every value in the file, in alphabetical order.
    let keys: [String]
    private let lines: [String: Int]

    init(_ text: String) throws(Failure) {
        let recorder = KeyRecorder()
        let options = YAMLSnapshot.ParsingOptions(
            secretsSpecifier: .dynamic { key, _ in
                recorder.keys.withLock { $0.append(key) }
                return false
            })
        // A file with nothing but comments is no mapping to the parser, but there is nothing wrong with it.
        let isEmpty = text.split(whereSeparator: \.isNewline).allSatisfy { line in
            line.first { $0 != " " && $0 != "\t" }.map { $0 == "#" } ?? true
        }
        do {
            self.snapshot = try YAMLSnapshot(
                data: Array((isEmpty ? "{}" : text).utf8).span.bytes, providerName: "YAML", parsingOptions: options)
        } catch {
            // The first line only: the others may quote the file, and with it a secret.
            let line = "\(error)".split(whereSeparator: \.isNewline).first.map(String.init) ?? "it is not YAML"
            throw Failure(description: line)
        }
        self.keys = recorder.keys.withLock { $0.sorted() }
        self.lines = Self.lines(of: text)
    }

    /// `, line 3` where the line that sets a key is known, which it is for keys on lines of their own.
    func place(of key: String) -> String {
        self.lines[key].map { ", line \($0)" } ?? ""
    }

    /// The parser says which keys there are only by asking whether each one is secret.
    private final class KeyRecorder: Sendable {
        let keys = Mutex<[String]>([])
    }

    /// Follows the indentation of block style.
    private static func lines(of text: String) -> [String: Int] {
        var lines: [String: Int] = [:]
        var parents: [(indentation: Int, name: String)] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let indentation = line.prefix { $0 == " " }.count
            let content = line.dropFirst(indentation)
            guard let colon = content.firstIndex(of: ":"), content.first != "#", content.first != "-" else { continue }
            while let last = parents.last, last.indentation >= indentation {
                parents.removeLast()
            }
            parents.append((indentation, String(content[..<colon])))
            lines[parents.map(\.name).joined(separator: ".")] = index + 1
        }
        return lines
    }
}
