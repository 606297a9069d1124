// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

// What every node of the cluster is asked: here on all event loops, elsewhere by way of the adapter. All parts of a question
// keep their order with what the same thread sends and does to sockets.
extension Namespace {
    /// The sockets that the options mean.
    nonisolated(nonsending)
        func fetchSockets(_ options: BroadcastOptions, timeout: Duration) async -> ClusterResponses<RemoteSocket>
    {
        let responses = ResponseCollector<RemoteSocket>(includingThisServer: true)
        self.gatherLocally(options, { RemoteSocket($0) }, then: { responses.serverAnswered(with: $0) })
        self.ask(.fetchSockets(options, responses), isLocal: options.isLocal)
        return await responses.responses(within: timeout)
    }

    /// Sends an event to the sockets that the options mean, and asks each for an acknowledgement.
    nonisolated(nonsending)
        package func emitWithAck(
            _ event: EncodedEvent, _ options: BroadcastOptions, timeout: Duration
        ) async -> ClusterResponses<Arguments>
    {
        let timeout = timeout.boundedByAnHour
        let responses = ResponseCollector<Arguments>(includingThisServer: true)
        self.emitLocally(event, options, timeout: timeout) {
            responses.serverAnswered(announcing: $0)
        } acknowledged: { result in
            switch result {
            case .success(let arguments): responses.add(arguments)
            case .failure: responses.lose()
            }
        }
        self.ask(.emitWithAck(event, options, timeout, responses), isLocal: options.isLocal)
        return await responses.responses(within: timeout)
    }

    private func ask(_ question: ClusterQuestion, isLocal: Bool) {
        if isLocal { question.responses.expect(others: 0) } else { self.adapter.ask(question) }
    }

    // MARK: this node

    /// Sends an event to this node's sockets that the options mean, and asks each for an acknowledgement.
    ///
    /// - Parameters:
    ///   - timeout: acknowledgements that come later do not count.
    ///   - counted: called once with the number of sockets asked.
    ///   - acknowledged: called once for each of them.
    package func emitLocally(
        _ event: EncodedEvent, _ options: BroadcastOptions, timeout: Duration,
        counted: @escaping @Sendable (Int) -> Void,
        acknowledged: @escaping @Sendable (Result<Arguments, AcknowledgementError>) -> Void
    ) {
        self.gatherLocally(options) { socket -> Void? in
            guard socket.state.phase == .connected else { return nil }
            return socket.emit(event, timeout: timeout, acknowledged: acknowledged)
        } then: {
            counted($0.count)
        }
    }

    /// What `body` makes of this node's sockets that the options mean, each on its event loop; `then` is called on the last one.
    package func gatherLocally<T: Sendable>(
        _ options: BroadcastOptions, _ body: @escaping @Sendable (Socket) -> T?, then: @escaping @Sendable ([T]) -> Void
    ) {
        let all = Mutex<(remaining: Int, found: [T])>((self.parts.count, []))
        self.onEveryLoop { members, _ in
            let found = members.sockets(options).compactMap(body)
            let complete: [T]? = all.withLock { all in
                all.remaining -= 1
                all.found += found
                return all.remaining == 0 ? all.found : nil
            }
            if let complete { then(complete) }
        }
    }
}
