// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Standard output carries what programs wait for; everything else goes to the log.
enum StandardOutput {
    /// One line, at once.
    static func write(_ line: String) {
        print(line)
        fflush(nil)
    }
}
