// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Where the admin endpoint listens and who may use it.
package struct AdminConfiguration: Sendable {
    /// Host name or address to bind.
    package var host: String
    /// Port to bind; 0 picks a free one.
    package var port: Int
    /// The bearer token; without one nothing asks for it, and only loopback may be bound.
    package var token: String?
    /// Whether `/metrics` is served without the token.
    package var metricsPublic: Bool
    /// How many presence events can be resumed after `Last-Event-ID`, and how far a reader may fall behind.
    package var eventHistory = 10_000
    /// How many event streams may be open at once.
    package var eventStreams = 100
    /// How often an idle event stream carries a comment, so that proxies keep it and dead clients are found.
    package var eventHeartbeat = Duration.seconds(15)
    /// How long after their last reader presence events are still collected, so that a reader who lost its connection can
    /// resume; up to twice as long.
    package var eventLinger = Duration.seconds(300)

    /// A configuration with the defaults for the event streams.
    package init(host: String, port: Int, token: String? = nil, metricsPublic: Bool = false) {
        self.host = host
        self.port = port
        self.token = token
        self.metricsPublic = metricsPublic
    }

    /// Checks what can be said before anything is bound.
    /// - Throws: `AdminConfigurationError` with the setting and what is wrong with it.
    package func validate() throws(AdminConfigurationError) {
        guard (0...65_535).contains(self.port) else {
            throw AdminConfigurationError(setting: "admin-port", message: "\(self.port) is not a port (0 to 65535)")
        }
        guard !self.host.isEmpty else {
            throw AdminConfigurationError(setting: "admin-host", message: "the host is empty")
        }
        if let token = self.token {
            guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw AdminConfigurationError(
                    setting: "admin-token", message: "the token must be printable ASCII without spaces, and not empty")
            }
        } else if !Self.isLoopback(self.host) {
            throw AdminConfigurationError(
                setting: "admin-token",
                message:
                    "\(self.host) is not a loopback address: without a token the admin endpoint may only listen on "
                    + "127.0.0.0/8, ::1 or localhost")
        }
    }

    /// Whether a host is this machine's own: `localhost`, 127.0.0.0/8, ::1, or one of the latter mapped into IPv6.
    static func isLoopback(_ host: String) -> Bool {
        let host = Self.withoutBrackets(host)
        if host.lowercased() == "localhost" {
            return true
        }
        // The system's own spelling: `0:0:0:0:0:0:0:1` becomes `::1`.
        guard let address = (try? SocketAddress(ipAddress: host, port: 0))?.ipAddress else { return false }
        return address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.")
    }

    /// `[::1]` is how URLs write an IPv6 address, `::1` what the system takes.
    static func withoutBrackets(_ host: String) -> String {
        host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    }
}

/// A configuration that cannot be used.
package struct AdminConfigurationError: Error, Equatable, CustomStringConvertible {
    /// The setting, named as its flag without the dashes.
    package let setting: String
    /// What is wrong with it.
    package let message: String

    /// Both, for a line on standard error.
    package var description: String {
        "\(self.setting): \(self.message)"
    }
}
