// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Testing

@testable import RollcallNode

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("5s", .seconds(5)), ("2m", .seconds(120)), ("1h", .seconds(3600)),
        ("0s", .zero), ("007s", .seconds(7)), ("90m", .seconds(5400)),
    ])
    func durations(text: String, expected: Duration) {
        #expect(DurationText.parse(text) == expected)
    }

    @Test(arguments: [
        "", "5", "s", "5 s", "-5s", "+5s", "1.5s", "5S", "5sec", "1d", "ms", "５s", "99999999999999999999s",
        "100000000000000h",
        "1h30m",
    ])
    func textsThatAreNone(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: ["500ms", "5s", "2m", "1h", "0s", "61s", "1500ms", "25h"])
    func formatIsTheInverse(text: String) throws {
        #expect(DurationText.format(try #require(DurationText.parse(text))) == text)
    }
}
