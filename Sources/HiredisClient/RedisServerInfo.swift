// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What the handshake learned about the server behind one connection.
package struct RedisServerInfo: Sendable, Equatable {
    /// What the server says that it is (`ROLE`).
    package enum Role: Sendable, Equatable {
        /// Takes writes.
        case master
        /// Copies a master.
        case replica
        /// A Sentinel, which keeps no data.
        case sentinel
        /// The user may not ask (`NOPERM`), or the answer was none of these.
        case unknown
    }

    /// The server process's `run_id`, 40 characters; nil when the user may not ask.
    package var runID: String?

    /// Its role when the connection was made.
    package var role: Role

    /// `redis_version`, such as `7.0.15`; nil when the user may not ask.
    package var version: String?

    /// Counts the connections of this client that became ready, from 1.
    package var generation: Int

    /// Creates a value; tests use it.
    package init(runID: String?, role: Role, version: String?, generation: Int) {
        self.runID = runID
        self.role = role
        self.version = version
        self.generation = generation
    }
}
