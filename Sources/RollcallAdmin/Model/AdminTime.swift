// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import FoundationEssentials

/// An instant in milliseconds, written as RFC 3339 in UTC: `2026-11-22T13:44:22.123Z`.
package struct AdminTime: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    package let unixMilliseconds: Int64

    /// An instant from the wall clock's milliseconds.
    package init(unixMilliseconds: Int64) {
        self.unixMilliseconds = unixMilliseconds
    }

    /// The wall clock's present time.
    package static func now() -> AdminTime {
        AdminTime(unixMilliseconds: Int64((Date().timeIntervalSince1970 * 1_000).rounded()))
    }

    /// The earlier of two instants is the smaller.
    package static func < (left: AdminTime, right: AdminTime) -> Bool {
        left.unixMilliseconds < right.unixMilliseconds
    }

    private static let dayLength: Int64 = 86_400_000
}

extension AdminTime: CustomStringConvertible {
    /// RFC 3339 with milliseconds. Years outside of 0000…9999, which the format cannot write, are cut off at its ends.
    package var description: String {
        let first: Int64 = -62_167_219_200_000
        let last: Int64 = 253_402_300_799_999
        let time = min(max(self.unixMilliseconds, first), last)
        let day = (time - (Self.dayLength - 1) * (time < 0 ? 1 : 0)) / Self.dayLength
        let rest = time - day * Self.dayLength
        let date = Self.civil(day: day)
        return Self.padded(date.year, 4) + "-" + Self.padded(date.month, 2) + "-" + Self.padded(date.day, 2)
            + "T" + Self.padded(rest / 3_600_000, 2) + ":" + Self.padded(rest / 60_000 % 60, 2)
            + ":" + Self.padded(rest / 1_000 % 60, 2) + "." + Self.padded(rest % 1_000, 3) + "Z"
    }

    /// Reads what `description` writes, nil for anything else.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        let pattern = Array("dddd-dd-ddTdd:dd:dd.dddZ".utf8)
        guard bytes.count == pattern.count else { return nil }
        var numbers: [Int64] = [0]
        for (byte, expected) in zip(bytes, pattern) {
            if expected == UInt8(ascii: "d") {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int64(byte - UInt8(ascii: "0"))
            } else {
                guard byte == expected else { return nil }
                numbers.append(0)
            }
        }
        let (month, day) = (numbers[1], numbers[2])
        guard (1...12).contains(month), day >= 1, numbers[3] < 24, numbers[4] < 60, numbers[5] < 60 else { return nil }
        let days = Self.day(year: numbers[0], month: month, day: day)
        guard Self.civil(day: days) == (numbers[0], month, day) else { return nil }
        let seconds = numbers[3] * 3_600 + numbers[4] * 60 + numbers[5]
        self.init(unixMilliseconds: days * Self.dayLength + seconds * 1_000 + numbers[6])
    }

    /// The date of a day since 1970-01-01, in the Gregorian calendar: years begin in March, eras have 146,097 days.
    private static func civil(day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// The inverse of `civil`.
    private static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

extension AdminTime: Codable {
    /// Reads the RFC 3339 text.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = AdminTime(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a time as RFC 3339 in UTC")
        }
        self = time
    }

    /// Writes the RFC 3339 text.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}
