// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Wall-clock time without Foundation.
package enum Clock {
    /// Now, in milliseconds since 1970.
    package static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// `2026-11-22T13:31:35.123Z` (RFC 3339, UTC).
    package static func rfc3339(milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let fields: [(Int32, Int)] = [
            (parts.tm_mon + 1, 2), (parts.tm_mday, 2), (parts.tm_hour, 2), (parts.tm_min, 2), (parts.tm_sec, 2),
        ]
        let text = fields.map { Self.pad($0.0, $0.1) }
        let year = Self.pad(parts.tm_year + 1900, 4)
        let fraction = Self.pad(Int32(milliseconds % 1000), 3)
        return "\(year)-\(text[0])-\(text[1])T\(text[2]):\(text[3]):\(text[4]).\(fraction)Z"
    }

    private static func pad(_ value: Int32, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
