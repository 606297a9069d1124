// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import FoundationEssentials
import SocketIOCodec

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
}

extension AdminTime: CustomStringConvertible {
    /// RFC 3339 with milliseconds. Years outside of 0000…9999, which the format cannot write, are cut off at its ends.
    package var description: String { ISO8601.rfc3339(milliseconds: self.unixMilliseconds) }

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
        let day = Self.day(year: numbers[0], month: numbers[1], day: numbers[2])
        let seconds = numbers[3] * 3_600 + numbers[4] * 60 + numbers[5]
        self.init(unixMilliseconds: day * 86_400_000 + seconds * 1_000 + numbers[6])
        // A day or an hour that does not exist would be another one's text.
        guard self.description == text else { return nil }
    }

    /// The day since 1970-01-01 of a date in the Gregorian calendar: years begin in March, 400 of them have 146,097
    /// days.
    private static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
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
