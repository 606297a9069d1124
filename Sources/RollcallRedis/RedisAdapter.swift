// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
package import Rollcall
import Synchronization

/// Connects one namespace to the other nodes by way of a ``RedisCluster``, in the wire format of `@socket.io/redis-adapter`.
///
/// All calls only leave a job for the cluster's event loop, where those of one turn are done together.
package final class RedisAdapter: Adapter {
    let name: String
    let cluster: RedisCluster
    let state: NIOLoopBoundBox<ClusterNamespace>

    init(_ name: String, cluster: RedisCluster) {
        self.name = name
        self.cluster = cluster
        self.state = .makeBoxSendingValue(
            ClusterNamespace(name: name, uid: cluster.uid, prefix: cluster.configuration.channelPrefix),
            eventLoop: cluster.eventLoop)
    }

    package func attach(to namespace: Namespace) {
        self.cluster.post(.attach(self, namespace))
    }

    package func detach() { self.cluster.post(.detach(self)) }

    package func publish(_ event: EncodedEvent, _ options: BroadcastOptions) {
        self.cluster.post(message: .event(self, event, options), bytes: event.byteCount)
    }

    package func publish(_ command: ClusterCommand, _ options: BroadcastOptions) {
        self.cluster.post(message: .command(self, command, options), bytes: 0)
    }

    package func ask(_ question: ClusterQuestion) { self.cluster.ask(question, in: self.name) }

    package func roomCreated(_ room: String) {
        self.cluster.post(.roomCreated(self, room))
    }

    package func roomDeleted(_ room: String) {
        self.cluster.post(.roomDeleted(self, room))
    }

    package func confirm(_ rooms: [String], then: @escaping @Sendable () -> Void) {
        guard self.cluster.status.isSubscribed.load(ordering: .acquiring) else { return then() }
        self.cluster.post(.confirm(self, rooms, then))
    }

    func answer(_ message: ByteBuffer) {
        self.cluster.post(message: .answer(self, message), bytes: message.readableBytes)
    }

    /// The answer to the query that is due.
    func answerQuery(_ message: ByteBuffer) { self.cluster.post(.answerQuery(self, message)) }
}
