// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// Who listens to events of other servers.
final class ServerSideListeners: Sendable {
    typealias Listener = @Sendable (ServerSideEvent) -> Void

    private struct Key: Hashable {
        let namespace: String
        let event: String
    }

    private let listeners = Mutex<[Key: [Listener]]>([:])

    func add(_ event: String, namespace: String, _ listener: @escaping Listener) {
        let key = Key(namespace: namespace, event: event)
        self.listeners.withLock { $0[key, default: []].append(listener) }
    }

    /// Nobody listens: nobody answers, as with the reference.
    func deliver(_ event: ServerSideEvent) {
        let key = Key(namespace: event.namespace, event: event.name)
        for listener in self.listeners.withLock({ $0[key] ?? [] }) { listener(event) }
    }
}
