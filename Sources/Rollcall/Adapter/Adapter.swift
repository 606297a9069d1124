// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import SocketIOCodec

/// Connects the namespaces of all nodes. A node's own clients are served by the namespace itself; an adapter tells the other nodes,
/// and hands over what they tell by ``Namespace/deliverLocally(_:_:)`` and ``Namespace/forEachLocalSocket(_:_:)``.
///
/// All calls may come on any event loop and must not block.
package protocol Adapter: AnyObject, Sendable {
    /// A namespace is there. Called before anything else about it.
    func attach(to namespace: Namespace)

    /// The namespace has no sockets and is gone: a dynamic one. Another one of the same name may come. What is still published
    /// goes out, nothing needs to arrive.
    func detach()

    /// To the clients of all other nodes.
    func publish(_ event: EncodedEvent, _ options: BroadcastOptions)

    /// To the sockets of all other nodes.
    func publish(_ command: ClusterCommand, _ options: BroadcastOptions)

    /// Asks all other nodes. Says at once or later how many there are, and hands their answers over as they come.
    func ask(_ question: ClusterQuestion)

    /// A room got its first member on one of this node's loops. Counted: a room may be there on several.
    func roomCreated(_ room: String)

    /// A room lost its last member on one of this node's loops.
    func roomDeleted(_ room: String)

    /// Calls `then` when messages of other nodes for these rooms arrive here; at once where there are no other nodes, or while
    /// they cannot be reached.
    func confirm(_ rooms: [String], then: @escaping @Sendable () -> Void)

    /// Whether a client that comes back here finds everything that it has missed: not where events come from other nodes.
    var supportsRecovery: Bool { get }
}

extension Adapter {
    package var supportsRecovery: Bool { false }
}

/// What one node asks the sockets of the others to do.
package enum ClusterCommand: Sendable, Hashable {
    case join([String])
    case leave([String])
    case disconnect(close: Bool)
}

/// What one node asks the others, and who collects their answers.
package enum ClusterQuestion: Sendable {
    /// Each server answers with its sockets that the options mean.
    case fetchSockets(BroadcastOptions, ResponseCollector<RemoteSocket>)
    /// Each server announces how many clients it asks; they have so much time to acknowledge.
    case emitWithAck(EncodedEvent, BroadcastOptions, Duration, ResponseCollector<Arguments>)
    /// Each server answers an event for servers (name and arguments) with one value.
    case serverSideEmit([SocketValue], ResponseCollector<SocketValue>)

    /// Who waits.
    package var responses: any ResponseAwaiting {
        switch self {
        case .fetchSockets(_, let responses): responses
        case .emitWithAck(_, _, _, let responses): responses
        case .serverSideEmit(_, let responses): responses
        }
    }
}

/// For a single node.
package final class InMemoryAdapter: Adapter {
    package init() {}
    package func attach(to namespace: Namespace) {}
    package func detach() {}
    package func publish(_ event: EncodedEvent, _ options: BroadcastOptions) {}
    package func publish(_ command: ClusterCommand, _ options: BroadcastOptions) {}
    package func ask(_ question: ClusterQuestion) { question.responses.expect(others: 0) }
    package func roomCreated(_ room: String) {}
    package func roomDeleted(_ room: String) {}
    package func confirm(_ rooms: [String], then: @escaping @Sendable () -> Void) { then() }
    package var supportsRecovery: Bool { true }
}
