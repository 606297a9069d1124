// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Foundation
import SocketIOCodec
import Testing

/// JSONTestSuite's parsing tests (by Nicolas Seriot, MIT licence), which lie beside this file.
@Suite struct JSONTestSuiteTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        var testDescription: String { self.name }
    }

    /// All of a kind: `y_`, `n_` or `i_`.
    private static func cases(_ kind: String) throws -> [Case] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "JSONTestSuite.txt")
        var cases = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 ? Case(name: String(parts[0]), bytes: self.bytes(parts[1])) : nil
        }
        cases.append(
            Case(
                name: "n_structure_100000_opening_arrays",
                bytes: Array(repeatElement(UInt8(ascii: "["), count: 100_000))))
        cases.append(
            Case(
                name: "n_structure_open_array_object",
                bytes: Array(String(repeating: #"[{"":"#, count: 50_000).utf8) + [0x0A]))
        return cases.filter { $0.name.hasPrefix(kind) }
    }

    private static func bytes(_ text: Substring) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard rest.popFirst() == UInt8(ascii: "x") else {
                bytes.append(byte)
                continue
            }
            bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return bytes
    }

    /// As a server does it: the bytes must be UTF-8, then JSON. Scanner and reader must agree.
    private func accepts(_ test: Case) -> Bool {
        let isUTF8 = String(validating: test.bytes, as: UTF8.self) != nil
        let isValid = (try? withBytes(test.bytes) { try JSONScanner.validate($0) }) != nil
        let isRead = (try? withBytes(test.bytes) { try JSONReader.value($0) }) != nil
        #expect(isValid == isRead, "\(test.name)")
        return isUTF8 && isValid
    }

    @Test func accepted() throws {
        let cases = try Self.cases("y_")
        #expect(cases.count == 95)
        for test in cases { #expect(self.accepts(test), "\(test.name)") }
    }

    @Test func refused() throws {
        let cases = try Self.cases("n_")
        #expect(cases.count == 188)
        for test in cases { #expect(!self.accepts(test), "\(test.name)") }
    }

    /// What the suite leaves open is decided as `JSON.parse` decides it: lone surrogates and numbers of any size are fine.
    @Test func undecided() throws {
        let cases = try Self.cases("i_")
        #expect(cases.count == 35)
        for test in cases {
            let isMeant = test.name.hasPrefix("i_number") || Self.undecidedAccepted.contains(test.name)
            #expect(self.accepts(test) == isMeant, "\(test.name)")
        }
    }

    private static let undecidedAccepted: Set<String> = [
        "i_object_key_lone_2nd_surrogate", "i_string_1st_surrogate_but_2nd_missing",
        "i_string_1st_valid_surrogate_2nd_invalid", "i_string_incomplete_surrogate_and_escape_valid",
        "i_string_incomplete_surrogate_pair", "i_string_incomplete_surrogates_escape_valid",
        "i_string_invalid_lonely_surrogate", "i_string_invalid_surrogate",
        "i_string_inverted_surrogates_U+1D11E", "i_string_lone_second_surrogate", "i_structure_500_nested_arrays",
    ]
}
