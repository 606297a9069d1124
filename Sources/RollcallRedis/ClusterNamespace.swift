// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall

/// One namespace as the cluster sees it: its channels, and the rooms that this node has. Belongs to the cluster's event loop.
final class ClusterNamespace {
    struct Room {
        /// Event loops on which the room has members.
        var loops: Int
        let channel: ByteBuffer
    }

    let name: String
    let channels: ClusterChannels
    let writer: BroadcastWriter
    weak var namespace: Namespace?
    weak var adapter: RedisAdapter?
    /// Requests that wait until their answers can be heard.
    var unsentRequests: [String] = []
    var isSubscribingToResponses = false
    /// How many other servers there were when Redis was last asked.
    var otherServers = 0
    private(set) var rooms: [String: Room] = [:]

    /// Rooms that other nodes were asked to put sockets into, and until when their subscriptions may not be in place.
    private var settling: [String: NIODeadline] = [:]
    private static let settlingTime = TimeAmount.seconds(5)

    init(name: String, uid: String, prefix: String) {
        self.name = name
        self.channels = ClusterChannels(prefix: prefix, namespace: name, uid: uid)
        self.writer = BroadcastWriter(uid: uid, namespace: name)
    }

    /// The channel to subscribe to, if the room is new here.
    func roomCreated(_ name: String) -> ByteBuffer? {
        if self.rooms[name] != nil {
            self.rooms[name]?.loops += 1
            return nil
        }
        let channel = self.channels.room(name)
        self.rooms[name] = Room(loops: 1, channel: channel)
        return channel
    }

    /// The channel to unsubscribe from, if the room is gone here.
    func roomDeleted(_ name: String) -> ByteBuffer? {
        guard let room = self.rooms[name] else { return nil }
        if room.loops > 1 {
            self.rooms[name]?.loops -= 1
            return nil
        }
        self.rooms[name] = nil
        return room.channel
    }

    // MARK: rooms that others were asked to join

    func willBeJoined(_ rooms: [String], now: NIODeadline = .now()) {
        self.settling = self.settling.filter { $0.value > now }
        for room in rooms { self.settling[room] = now + Self.settlingTime }
    }

    /// The room whose own channel a message goes to; nil for the base channel.
    ///
    /// A node subscribes to a room when it gets its first socket. What follows a command to join would be lost on the
    /// way, so for a while it takes the base channel, which all nodes hear.
    func roomChannel(for options: BroadcastOptions) -> String? {
        guard options.rooms.count == 1, let room = options.rooms.first else { return nil }
        if !self.settling.isEmpty, let end = self.settling[room], end > .now() { return nil }
        return room
    }
}
