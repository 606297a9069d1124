// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Output {
    static func writeToStandardError(_ text: String) {
        let bytes = Array(text.utf8)
        // Nobody is left to be told that standard error is closed.
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// What the system calls an error number.
    static func systemError(_ code: Int32) -> String {
        String(cString: strerror(code))
    }
}
