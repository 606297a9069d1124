// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec

/// A request of another node about this node's sockets.
struct ClusterQuery: Sendable {
    let kind: ClusterRequest.Kind
    let id: SocketValue?
    let options: BroadcastOptions
    let namespace: Namespace
    let adapter: RedisAdapter

    /// Asks all event loops.
    func answer() async -> ByteBuffer {
        switch self.kind {
        case .allRooms:
            let ids = await self.namespace.mapLocalSockets(BroadcastOptions()) { $0.id }
            let rooms = await self.namespace.localRooms().keys
            return ClusterMessages.list(self.id, "rooms", ids + rooms.filter { !ids.contains($0) }.sorted())
        case .sockets:
            let ids = await self.namespace.mapLocalSockets(self.options) { $0.id }
            return ClusterMessages.list(self.id, "sockets", ids)
        default:
            let descriptions = await self.namespace.mapLocalSockets(self.options) { SocketDescription.write($0) }
            return ClusterMessages.sockets(self.id, descriptions.compactMap { $0 })
        }
    }
}
