// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why a connection could not be made or broke, in one clause for people instead of the frameworks' own words.
enum FailureText {
    /// The clause.
    static func of(_ error: any Error, _ configuration: RedisConfiguration) -> String {
        switch error {
        case let error as RedisError: error.message
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case ChannelError.connectTimeout(let limit): "no answer within \(limit.nanoseconds / 1_000_000) ms"
        case let error as NIOConnectionError: Self.of(error, configuration)
        default: configuration.describeTLSFailure?(error) ?? "\(error)"
        }
    }

    /// Where the server was looked for.
    static func address(in configuration: RedisConfiguration) -> String {
        switch configuration.url.address {
        case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        case .unix(let path): path
        }
    }

    /// The failure to reach any address of a name.
    private static func of(_ error: NIOConnectionError, _ configuration: RedisConfiguration) -> String {
        if let first = error.connectionErrors.first { return Self.of(first.error, configuration) }
        return "the name \(error.host) has no address"
    }
}
