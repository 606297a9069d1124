// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import SocketIOCodec

@Suite struct MemberSlicesTests {
    private func members(_ json: String) throws -> [[String]]? {
        try withBytes(json) { bytes in
            try JSONScanner.validate(bytes)
            return MemberSlices(bytes)?.map { [text($0.key), text($0.value)] }
        }
    }

    @Test(arguments: [
        ("{}", []), (" { } ", []), (#"{"a":1}"#, [["\"a\"", "1"]]),
        (" {\n\"a\" : [1, {\"b\":2}] ,\t\"c\":-1.5e3 } ", [["\"a\"", "[1, {\"b\":2}]"], ["\"c\"", "-1.5e3"]]),
        (#"{"a":true,"a":null}"#, [["\"a\"", "true"], ["\"a\"", "null"]]),
        (#"{"\"}:,":"{\"x\":1}","":{}}"#, [[#""\"}:,""#, #""{\"x\":1}""#], ["\"\"", "{}"]]),
    ])
    func areGivenAsWritten(json: String, expected: [[String]]) throws {
        #expect(try self.members(json) == expected)
    }

    @Test(arguments: ["[]", "[{}]", "1", "\"{}\"", "null"])
    func otherValuesHaveNone(json: String) throws {
        #expect(try self.members(json) == nil)
    }

    @Test(arguments: [
        (#""""#, ""), (#""a b""#, "a b"), (#""\ud83e\udd8a\n\u00e9\/""#, "🦊\né/"), ("\"\u{FFFD}\"", "\u{FFFD}"),
        (#""\ufffd""#, "\u{FFFD}"), (#""\\ud800""#, "\\ud800"),
    ])
    func exactStrings(json: String, expected: String) {
        #expect(withBytes(json) { JSONReader.exactString($0) } == expected)
    }

    @Test(arguments: [
        "1", "null", "[]", "{}", #""\ud800""#, #""\udc00""#, #""a\ud800b""#, #""\ud800\u0041""#, #""\ud800\n""#,
        #""\ud83e\udd8a\udd8a""#, #""\udd8a\ud83e""#, #""\ud83e\ud83e\udd8a""#,
    ])
    func halvesOfSurrogatePairsAreNoExactString(json: String) {
        #expect(withBytes(json) { JSONReader.exactString($0) } == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"), (Int64.max, "9999-12-31T23:59:59.999Z"),
        (Int64.min, "0000-01-01T00:00:00.000Z"),
    ])
    func timesBeyondRFC3339AreCutOff(milliseconds: Int64, text: String) {
        #expect(ISO8601.rfc3339(milliseconds: milliseconds) == text)
    }
}
