// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Why a command has no reply, or what the server answered instead of one.
package struct RedisError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it was.
    package let code: Code

    /// One line for logs. It never holds a password; it may hold what the server said.
    package let message: String

    /// The outcome is unknown: the command was written and no reply came. It may or may not have been executed.
    package let wasSent: Bool

    /// Creates an error.
    package init(_ code: Code, _ message: String, wasSent: Bool = false) {
        self.code = code
        self.message = message
        self.wasSent = wasSent
    }

    /// The server certainly did not execute the command: it never left this process, or the server refused it before
    /// running any part of it. Such a command may be repeated without asking what became of it.
    package var certainlyNotExecuted: Bool {
        guard case .server(let prefix) = self.code.kind else { return !self.wasSent }
        guard Self.refusals.contains(prefix) else { return false }
        // Raised by a command inside a script, after others of the same script may have run.
        let midScript = self.message.contains("script: ") && (prefix == "NOPERM" || prefix == "NOAUTH")
        return !midScript
    }

    package var description: String {
        "\(self.code): \(self.message)\(self.wasSent ? " (outcome unknown)" : "")"
    }

    /// The first words of error replies by which Redis refuses a command as a whole. `OOM`, `READONLY` and
    /// `NOREPLICAS` belong here even from a script: Redis raises them at its first write only.
    private static let refusals: Set<String> = [
        "LOADING", "READONLY", "OOM", "NOSCRIPT", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOAUTH", "NOPERM",
        "NOREPLICAS", "MISCONF", "MOVED", "ASK", "CROSSSLOT", "WRONGPASS",
    ]
}

extension RedisError {
    /// The kinds of failure; more may be added.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        enum Kind: Sendable, Hashable {
            case disconnected, timeout, queueFull, protocolViolation, closed, cancelled, invalidCommand, misconfigured
            case server(String)
        }

        let kind: Kind

        /// There is no usable connection, or it broke before the reply came.
        package static let disconnected = Self(kind: .disconnected)
        /// The command waited for a connection as long as it was allowed to, or a connection gave no sign of life.
        package static let timeout = Self(kind: .timeout)
        /// As many commands or bytes are waiting as the configuration allows.
        package static let queueFull = Self(kind: .queueFull)
        /// The peer sent what is not RESP, or a reply that nothing asked for, or one above the limits.
        package static let protocolViolation = Self(kind: .protocolViolation)
        /// The client was shut down.
        package static let closed = Self(kind: .closed)
        /// The waiting task was cancelled.
        package static let cancelled = Self(kind: .cancelled)
        /// The command has no words.
        package static let invalidCommand = Self(kind: .invalidCommand)
        /// The URL or the configuration cannot work.
        package static let misconfigured = Self(kind: .misconfigured)

        /// The server answered with an error whose first word is this (`LOADING`, `OOM`, `READONLY`, `NOSCRIPT`,
        /// `ERR` …).
        package static func server(_ prefix: String) -> Self { Self(kind: .server(prefix)) }

        package var description: String {
            switch self.kind {
            case .disconnected: "disconnected"
            case .timeout: "timeout"
            case .queueFull: "queue full"
            case .protocolViolation: "protocol violation"
            case .closed: "closed"
            case .cancelled: "cancelled"
            case .invalidCommand: "invalid command"
            case .misconfigured: "misconfigured"
            case .server(let prefix): "server error \(prefix)"
            }
        }
    }

    /// The first word of the server's error reply, where it was one.
    package var serverPrefix: String? {
        guard case .server(let prefix) = self.code.kind else { return nil }
        return prefix
    }

    /// An error reply: its first word becomes the code.
    init(serverReply message: String) {
        let prefix = message.prefix { $0 != " " }
        self.init(.server(String(prefix)), message)
    }
}
