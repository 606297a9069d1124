// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads the files that a configuration names.
enum SmallFile {
    /// Why a file could not be read.
    struct Failure: Error {
        /// One clause without the path, as the system words it.
        let reason: String
        let isMissing: Bool
    }

    /// More than any key, certificate bundle or configuration has.
    static let maximumSize = 1 << 20

    /// The whole file.
    static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.lastFailure() }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = chunk.withUnsafeMutableBytes { Self.read(descriptor, into: $0) }
            guard count >= 0 else { throw Self.lastFailure() }
            guard count > 0 else { return contents }
            contents += chunk[..<count]
            guard contents.count <= Self.maximumSize else {
                throw Failure(reason: "it is larger than \(Self.maximumSize) bytes", isMissing: false)
            }
        }
    }

    /// The whole file as text.
    static func readText(_ path: String) throws(Failure) -> String {
        guard let text = String(validating: try Self.read(path), as: UTF8.self) else {
            throw Failure(reason: "it is not UTF-8 text", isMissing: false)
        }
        return text
    }

    private static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
            Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }

    private static func lastFailure() -> Failure {
        let code = errno
        return Failure(reason: String(cString: strerror(code)), isMissing: code == ENOENT)
    }
}
