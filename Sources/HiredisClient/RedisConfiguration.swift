// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// How a client or a subscriber connects, and its bounds.
package struct RedisConfiguration: Sendable {
    /// Makes the handler that encrypts a connection; called on the event loop while the channel is set up.
    /// What it returns is added in front of everything else.
    package typealias TLS = @Sendable (any Channel) throws -> any ChannelHandler

    /// Where the server is.
    package var url: RedisURL

    /// The name for `CLIENT SETNAME`; nil sets none. Redis refuses names with spaces, which is tolerated.
    package var clientName: String?

    /// Needed for `rediss://`.
    package var tls: TLS?

    /// Words a failure of ``tls`` for people; nil where the error is none of it.
    package var describeTLSFailure: (@Sendable (any Error) -> String?)?

    /// How long the transport may take to connect.
    package var connectTimeout: TimeAmount = .seconds(2)

    /// A connection is given up when nothing at all arrived for this long (up to an eighth more) while commands wait
    /// for replies. Time during which this process was stopped does not count.
    package var commandTimeout: TimeAmount = .seconds(6)

    /// A connection on which nothing arrived for this long is asked for a sign of life; nil never asks.
    package var keepaliveInterval: TimeAmount? = .seconds(3)

    /// How many commands may wait in all, for a connection or for their replies.
    package var maxQueuedCommands = 65_536

    /// How many bytes those commands may have in all.
    package var maxQueuedBytes = 64 * 1024 * 1024

    /// The largest reply or published message; above it the connection is closed.
    package var maximumReplyBytes = 64 * 1024 * 1024

    /// The most elements of all arrays of one reply together; above it the connection is closed.
    package var maximumReplyElements = 1_000_000

    /// The most channels that a subscriber takes.
    package var maximumSubscriptions = 1_000_000

    /// Refuse servers that are not masters. With it a `READONLY` reply also closes the connection, since the server has
    /// become a replica.
    package var requireMaster = false

    /// The pauses between attempts to connect.
    package var backoff = Backoff()

    /// How long `run()`, once cancelled, waits for the replies of commands already written.
    package var shutdownGrace: TimeAmount = .seconds(1)

    /// A configuration with the default bounds.
    package init(url: RedisURL, clientName: String? = nil, tls: TLS? = nil) {
        self.url = url
        self.clientName = clientName
        self.tls = tls
    }
}
