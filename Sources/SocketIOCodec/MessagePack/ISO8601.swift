// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Times as text in UTC, to the millisecond: as JavaScript's `Date.prototype.toISOString` and as RFC 3339 write them.
package enum ISO8601 {
    private static let dayLength: Int64 = 86_400_000

    /// The text for milliseconds since 1970 as RFC 3339 writes it: `2026-11-22T13:31:35.123Z`.
    ///
    /// Years outside 0000…9999, which that format cannot write, are cut off at its ends.
    package static func rfc3339(milliseconds: Int64) -> String {
        self.format(min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999))
    }

    /// The text for milliseconds since 1970 in UTC; nil outside the range of JavaScript's dates (ECMA-262, TimeClip).
    static func text(milliseconds: Int64) -> String? {
        guard milliseconds.magnitude <= 8_640_000_000_000_000 else { return nil }
        return self.format(milliseconds)
    }

    private static func format(_ milliseconds: Int64) -> String {
        let time = (milliseconds % self.dayLength + self.dayLength) % self.dayLength
        let date = self.civil(day: (milliseconds - time) / self.dayLength)
        var text = self.year(date.year)
        text += "-\(self.padded(date.month, 2))-\(self.padded(date.day, 2))T"
        text += "\(self.padded(time / 3_600_000, 2)):\(self.padded(time / 60_000 % 60, 2))"
        text += ":\(self.padded(time / 1000 % 60, 2)).\(self.padded(time % 1000, 3))Z"
        return text
    }

    private static func year(_ year: Int64) -> String {
        if (0...9999).contains(year) { return self.padded(year, 4) }
        return (year < 0 ? "-" : "+") + self.padded(abs(year), 6)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// The date of a day counted from 1970-01-01 in the proleptic Gregorian calendar.
    ///
    /// Counts years from March, so that the leap day is a year's last: 400 years have 146,097 days.
    private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }
}
