// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What a node exchanged with the others since it was made.
package struct RedisClusterCounters: Sendable, Equatable {
    /// Messages handed to Redis; those dropped later are in ``dropped``, too.
    package var published = 0
    /// Messages of other nodes that were carried out.
    package var received = 0
    /// One's own messages, which Redis sends back.
    package var own = 0
    /// Messages that were not sent or not carried out, by reason.
    package var dropped: [RedisDropReason: Int] = [:]
    /// Channels of rooms that this node listens to at present.
    package var rooms = 0
    /// Requests of this node that wait for answers at present.
    package var pendingRequests = 0
    /// How often messages may have been missed, because the subscriptions were lost for a while.
    package var gaps = 0

    /// All zero.
    package init() {}
}

/// Why a message was dropped. The raw value is for metric labels.
package enum RedisDropReason: String, Sendable, Hashable, CaseIterable {
    /// Out: Redis was away for longer than a message waits.
    case away
    /// Out: as many messages or own requests are waiting as the configuration allows.
    case queueFull = "queue_full"
    /// Out: the connection broke before Redis answered.
    case connectionLost = "connection_lost"
    /// Out: Redis answered with an error.
    case refused
    /// Out: the event's text cannot be written as MessagePack.
    case unencodable
    /// In: neither MessagePack nor JSON, or cut off.
    case malformed
    /// In: containers nested too deep.
    case tooDeep = "too_deep"
    /// In: well-formed, but not what this kind of message looks like.
    case unexpectedShape = "unexpected_shape"
    /// In: an event that would end the connection of every client that gets it (no name, a reserved one, a placeholder
    /// without its attachment).
    case invalidEvent = "invalid_event"
    /// In: for a namespace other than the channel's, or one that is not here.
    case otherNamespace = "other_namespace"
    /// In: a request of a kind that no node sends.
    case unknownRequest = "unknown_request"
    /// In: more requests, or more of answers, wait than the configuration allows.
    case overloaded
}
