// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The time of day, for what people read. Nothing is decided by it.
package enum WallClock {
    /// Milliseconds since 1970.
    package static func milliseconds() -> Int64 { Int64(self.nanoseconds() / 1_000_000) }

    /// Nanoseconds since 1970.
    package static func nanoseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
