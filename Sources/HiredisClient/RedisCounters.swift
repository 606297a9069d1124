// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What a client or subscriber did since it was made. Plain integers of its event loop.
package struct RedisCounters: Sendable, Equatable {
    /// Commands written to a connection (the handshake's and keepalive pings included).
    package var commands = 0
    /// Replies received, errors included; published messages are not replies.
    package var replies = 0
    /// Published messages received.
    package var messages = 0
    /// Error replies received.
    package var errors = 0
    /// Connections that became ready after the first one.
    package var reconnects = 0
    /// Commands whose wait for a connection expired, and connections given up because nothing came.
    package var timeouts = 0
    /// Commands that were refused or given up without being written (no connection, queue full, expired).
    package var dropped = 0
    /// Bytes received.
    package var bytesIn = 0
    /// Bytes handed to connections.
    package var bytesOut = 0

    /// All zero.
    package init() {}
}
