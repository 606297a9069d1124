// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

extension Namespace {
    /// Sends an event to this node's sockets that the options mean, and asks each for an acknowledgement.
    ///
    /// - Parameters:
    ///   - timeout: acknowledgements that come later do not count.
    ///   - counted: called once with the number of sockets asked.
    ///   - acknowledged: called for each client that answers in time.
    package func emitLocally(
        _ event: EncodedEvent, _ options: BroadcastOptions, timeout: Duration,
        counted: @escaping @Sendable (Int) -> Void, acknowledged: @escaping @Sendable (Arguments) -> Void
    ) {
        let tally = Tally(loops: self.parts.count)
        self.onEveryLoop { members, _ in
            var count = 0
            for socket in members.sockets(options) where socket.state.phase == .connected {
                count += 1
                socket.emit(event, timeout: timeout) { result in
                    if case .success(let arguments) = result { acknowledged(arguments) }
                }
            }
            if let sum = tally.add(count) { counted(sum) }
        }
    }

    /// Adds up what the event loops counted.
    private final class Tally: Sendable {
        private let state: Mutex<(remaining: Int, sum: Int)>

        init(loops: Int) { self.state = Mutex((loops, 0)) }

        /// The sum, once the last loop has counted.
        func add(_ count: Int) -> Int? {
            self.state.withLock { state in
                state.remaining -= 1
                state.sum += count
                return state.remaining == 0 ? state.sum : nil
            }
        }
    }
}
