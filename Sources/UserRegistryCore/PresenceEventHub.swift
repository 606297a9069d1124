// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// Hands presence events to any number of streams, each with a bounded buffer.
package final class PresenceEventHub: Sendable {
    /// Events that a stream keeps for a slow reader.
    package static let bufferSize = 10_000

    private struct Reader {
        var continuation: AsyncStream<PresenceEvent>.Continuation
        var sinceReset = PresenceEventHub.bufferSize
    }

    private struct State {
        var readers: [UInt64: Reader] = [:]
        var next: UInt64 = 0
        var isFinished = false
    }

    private let state = Mutex(State())

    /// No streams yet.
    package init() {}

    /// Whether anybody listens.
    package var hasReaders: Bool { self.state.withLock { !$0.readers.isEmpty } }

    /// A stream of all events from now on.
    package func stream() -> AsyncStream<PresenceEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: PresenceEvent.self, bufferingPolicy: .bufferingNewest(Self.bufferSize))
        let id: UInt64? = self.state.withLock { state in
            guard !state.isFinished else { return nil }
            state.next += 1
            state.readers[state.next] = Reader(continuation: continuation)
            return state.next
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in self?.remove(id) }
        return stream
    }

    /// Hands out an event.
    package func yield(_ event: PresenceEvent) {
        let readers = self.state.withLock { $0.readers }
        guard !readers.isEmpty else { return }
        for (id, reader) in readers {
            guard case .dropped = reader.continuation.yield(event) else {
                self.count(id, 1)
                continue
            }
            // One reset in the buffer tells of all that was dropped before it is read. It is still there while fewer
            // events than the buffer holds have followed it.
            if reader.sinceReset + 1 >= Self.bufferSize {
                reader.continuation.yield(.reset)
                self.count(id, nil)
            } else {
                self.count(id, 1)
            }
        }
    }

    /// Ends all streams, and those that are asked for later.
    package func finish() {
        let readers = self.state.withLock { state in
            state.isFinished = true
            defer { state.readers = [:] }
            return state.readers
        }
        for reader in readers.values { reader.continuation.finish() }
    }

    private func count(_ id: UInt64, _ events: Int?) {
        self.state.withLock { state in
            guard let count = state.readers[id]?.sinceReset else { return }
            state.readers[id]?.sinceReset = events.map { min(count + $0, Self.bufferSize) } ?? 0
        }
    }

    private func remove(_ id: UInt64) {
        self.state.withLock { _ = $0.readers.removeValue(forKey: id) }
    }
}

extension PresenceEvent {
    /// Events may have been missed.
    package static let reset = PresenceEvent(kind: .reset, user: "", node: "", time: 0)
}
