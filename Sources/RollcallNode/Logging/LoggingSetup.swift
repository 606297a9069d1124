// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Sends what all libraries log to standard error.
package enum LoggingSetup {
    /// Sets the process's logging up. To be called once, before the first `Logger` is made.
    package static func bootstrap(level: Logger.Level, format: LogFormat) {
        let isJSON =
            switch format {
            case .json: true
            case .text: false
            case .auto: isatty(STDERR_FILENO) == 0
            }
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, level: level, isJSON: isJSON, write: Self.writeToStandardError)
        }
    }

    /// One call per line: lines of several threads do not mix, and nothing is lost in a buffer when the process ends.
    @Sendable private static func writeToStandardError(_ line: [UInt8]) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            // A log that cannot be written has nowhere to say so.
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
