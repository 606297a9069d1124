// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
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
    func answer() {
        let (adapter, id) = (self.adapter, self.id)
        switch self.kind {
        case .allRooms:
            self.namespace.gatherLocally(BroadcastOptions(), { ($0.id, $0.currentRooms) }) { sockets in
                let rooms = sockets.reduce(into: Set()) { $0.formUnion($1.1) }.subtracting(sockets.map(\.0))
                adapter.answerQuery(ClusterMessages.list(id, "rooms", sockets.map(\.0) + rooms.sorted()))
            }
        case .sockets:
            self.namespace.gatherLocally(self.options, { $0.id }) { ids in
                adapter.answerQuery(ClusterMessages.list(id, "sockets", ids))
            }
        default:
            self.namespace.gatherLocally(self.options, { RemoteSocket($0) }) { sockets in
                // Thousands of descriptions take their time, which no event loop has.
                NIOThreadPool.singleton.submit { _ in
                    adapter.answerQuery(ClusterMessages.sockets(id, sockets.map(SocketDescription.write)))
                }
            }
        }
    }
}
