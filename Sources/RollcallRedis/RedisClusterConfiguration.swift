// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import HiredisClient
package import NIOCore

/// How a node takes part in a cluster over Redis, and its bounds.
package struct RedisClusterConfiguration: Sendable {
    /// The server, and how to reach it.
    package var redis: RedisConfiguration

    /// What all channels begin with; the same on all nodes (`key` of the reference's adapter).
    package var channelPrefix = "socket.io"

    /// How long a message for other nodes waits for Redis while it is away, before it is dropped.
    package var publishPatience: TimeAmount = .seconds(1)

    /// How many messages may wait for the event loop's next turn.
    package var maxQueuedMessages = 65_536

    /// How many bytes those messages may have in all.
    package var maxQueuedBytes = 64 * 1024 * 1024

    /// How many requests of other nodes may wait for their answer.
    package var maxQueuedRequests = 256

    /// How many requests of this node may wait for answers of others.
    package var maxPendingRequests = 1024

    /// How many bytes the answers to them may have in all, until they are complete.
    package var maxResponseBytes = 64 * 1024 * 1024

    /// A configuration with the default bounds.
    package init(redis: RedisConfiguration, channelPrefix: String = "socket.io") {
        self.redis = redis
        self.channelPrefix = channelPrefix
    }
}
