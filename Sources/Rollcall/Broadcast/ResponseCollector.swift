// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// What an adapter must say of the servers that it asks, whatever it asks them.
package protocol ResponseAwaiting: AnyObject, Sendable {
    /// How many others there are as far as is known, should nobody be able to say.
    func suppose(others: Int)

    /// How many others were asked: as many must answer.
    func expect(others: Int)

    /// The others cannot be asked: what is still to come comes from this server.
    func giveUp()

    /// Calls `then` at the end, be it by the last answer, the deadline or cancellation; at once when it is over already.
    func onEnd(_ then: @escaping @Sendable () -> Void)
}

/// Collects the answers to one question, from any thread, until all are there: those of as many servers as were asked, and
/// from them as many responses as they announced. What comes after the end is dropped.
package final class ResponseCollector<Element: Sendable>: ResponseAwaiting {
    private struct State {
        var elements: [Element] = []
        var announced = 0
        /// Announced responses that will not come.
        var lost = 0
        var answeredServers = 0
        /// Servers in the cluster; a guess until `neededServers` is there.
        var servers: Int
        /// Servers to wait for, once that is known.
        var neededServers: Int?
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
        var onEnd: [@Sendable () -> Void] = []

        var isComplete: Bool {
            guard let needed = self.neededServers, self.answeredServers >= needed else { return false }
            return self.elements.count + self.lost >= self.announced
        }
    }

    /// Servers that are asked without the adapter: this one, or none.
    private let ownServers: Int
    private let state: Mutex<State>

    package init(includingThisServer: Bool) {
        self.ownServers = includingThisServer ? 1 : 0
        self.state = Mutex(State(servers: self.ownServers + 1))
    }

    // MARK: whom to wait for

    package func suppose(others: Int) { self.change { $0.servers = self.ownServers + max(1, others) } }

    package func expect(others: Int) {
        self.change { state in
            state.servers = self.ownServers + others
            state.neededServers = state.servers
        }
    }

    package func giveUp() { self.change { $0.neededServers = self.ownServers } }

    // MARK: what they say

    /// A server has answered: it asked so many clients, who respond one by one.
    package func serverAnswered(announcing count: Int) {
        self.change { state in
            state.answeredServers += 1
            state.announced += count
        }
    }

    /// A server has answered with all it has.
    package func serverAnswered(with elements: [Element]) {
        self.change { state in
            state.answeredServers += 1
            state.announced += elements.count
            state.elements += elements
        }
    }

    /// One of the responses that were announced, or will be.
    package func add(_ element: Element) { self.change { $0.elements.append(element) } }

    /// One of the responses that were announced will not come.
    package func lose() { self.change { $0.lost += 1 } }

    private func change(_ body: (inout State) -> Void) {
        let isComplete = self.state.withLock { state in
            guard !state.isOver else { return false }
            body(&state)
            return state.isComplete
        }
        if isComplete { self.end() }
    }

    // MARK: the end

    private func end() {
        let (waiter, callbacks) = self.state.withLock { state in
            state.isOver = true
            return (state.waiter.take(), exchange(&state.onEnd, with: []))
        }
        for callback in callbacks { callback() }
        waiter?.resume()
    }

    package func onEnd(_ then: @escaping @Sendable () -> Void) {
        let isOver = self.state.withLock { state in
            if !state.isOver { state.onEnd.append(then) }
            return state.isOver
        }
        if isOver { then() }
    }

    /// Waits until all is there, for `timeout` at most, and less when the task is cancelled. To be called once.
    package func responses(within timeout: Duration) async -> ClusterResponses<Element> {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: timeout.boundedByAnHour)
                self.end()
            }
            await withCheckedContinuation { continuation in
                let isOver = self.state.withLock { state in
                    if !state.isOver { state.waiter = continuation }
                    return state.isOver
                }
                if isOver { continuation.resume() }
            }
            group.cancelAll()
        }
        return self.state.withLock { state in
            ClusterResponses(
                state.elements, missingServers: max(0, state.servers - state.answeredServers),
                missingClients: max(0, state.announced - state.elements.count))
        }
    }
}

extension Duration {
    /// What clocks can add up without overflow.
    var boundedByAnHour: Duration { min(max(self, .zero), .seconds(3600)) }
}
