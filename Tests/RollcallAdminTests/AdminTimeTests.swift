// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import RollcallAdmin
import Testing

@Suite struct AdminTimeTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_795_355_062_123, "2026-11-22T13:44:22.123Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_799_999, "2000-02-29T23:59:59.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"), (-2_208_988_800_000, "1900-01-01T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ])
    func isWrittenAndReadAsRFC3339(milliseconds: Int64, text: String) {
        let time = AdminTime(unixMilliseconds: milliseconds)
        #expect(time.description == text)
        #expect(AdminTime(text) == time)
    }

    @Test(arguments: [Int64.min, Int64.max])
    func extremesAreCutOff(milliseconds: Int64) {
        #expect(AdminTime(unixMilliseconds: milliseconds).description.utf8.count == 24)
    }

    @Test(arguments: [
        "", "2026-11-22", "2026-11-22T13:44:22Z", "2026-02-29T00:00:00.000Z", "2026-13-01T00:00:00.000Z",
        "2026-00-01T00:00:00.000Z", "2026-11-22T24:00:00.000Z", "2026-11-22 13:44:22.123Z", "2026-11-22T13:44:22.123+",
    ])
    func otherTextIsNoTime(text: String) {
        #expect(AdminTime(text) == nil)
    }
}
