// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization

/// Keeps the last presence events and hands them to any number of readers.
///
/// The history is the queue of every reader: each has a position in it, so a thousand events for a hundred readers are
/// stored once. A reader who falls behind the history's end, or does not take what is written to it, is cut off.
///
/// An event's id is the random name of the history and how many events came before or with it; ids of another node, an
/// earlier process or an earlier history are thus recognized as foreign.
///
/// Events cost whoever makes them, so they are only asked for while somebody reads: ``demand`` says when that begins,
/// ``endHistoryIfUnread()`` when it is over.
final class PresenceEventHub: Sendable {
    /// What a reader is to do next.
    enum Step: Equatable {
        case write(String)
        case wait
        case end
    }

    private struct Reader {
        /// Number of the event to send next.
        var position: Int
        /// Written before the first event.
        var greeting: String?
        var heartbeatDue = false
        /// Whether a write is under way, as it is before the first step; heartbeats that find it so are counted.
        var isWriting = true
        var missedHeartbeats = 0
        var wake: AsyncStream<Void>.Continuation
        var cut: @Sendable () -> Void
    }

    private struct State {
        var name = PresenceEventHub.randomName()
        /// Events as they go over the wire; event `n` stands at `n % history`.
        var ring: [String] = []
        /// Number of the next event.
        var next = 0
        var readers: [Int: Reader] = [:]
        var nextReader = 0
        /// Whether there was a reader since somebody last asked.
        var wasRead = false
        var isClosed = false

        func id(_ number: Int) -> String { "\(self.name)-\(number)" }

        /// The number of the first event after an id of ours that is still within the history.
        func position(after id: String?) -> Int? {
            guard let id, id.hasPrefix(self.name + "-"), let number = Int(id.dropFirst(self.name.count + 1)) else {
                return nil
            }
            let oldest = self.next - self.ring.count
            return (oldest...self.next).contains(number) ? number : nil
        }
    }

    /// Events that go into one write.
    private static let batch = 64
    /// Heartbeats that a reader may miss in one write before it is cut off.
    private static let patience = 2

    private let state = Mutex(State())
    private let history: Int
    private let streams: Int
    private let cutOff: @Sendable () -> Void
    /// Yields when somebody begins to read; never more than one that nobody has taken yet.
    let demand: AsyncStream<Void>
    private let demands: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - history: how many events are kept.
    ///   - streams: how many readers there may be.
    ///   - cutOff: called for each reader that is cut off, to count it.
    init(history: Int, streams: Int, cutOff: @escaping @Sendable () -> Void = {}) {
        self.history = max(1, history)
        self.streams = streams
        self.cutOff = cutOff
        (self.demand, self.demands) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    private static func randomName() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }

    /// Readers at this moment.
    var readerCount: Int {
        self.state.withLock { $0.readers.count }
    }

    /// Whether there is a reader, or was one since ``endHistoryIfUnread()`` was last called.
    var isRead: Bool {
        self.state.withLock { $0.wasRead || !$0.readers.isEmpty }
    }

    // MARK: Source

    /// Adds an event and wakes the readers.
    func publish(_ event: PresenceEvent) {
        let body = Self.body(of: event)
        var lost: [Reader] = []
        var awake: [AsyncStream<Void>.Continuation] = []
        self.state.withLock { state in
            guard !state.isClosed else { return }
            let text = "event: \(event.kind.rawValue)\nid: \(state.id(state.next + 1))\ndata: \(body)\n\n"
            if state.ring.count < self.history {
                state.ring.append(text)
            } else {
                state.ring[state.next % self.history] = text
            }
            state.next += 1
            let oldest = state.next - state.ring.count
            for (key, reader) in state.readers {
                if reader.position < oldest {
                    lost.append(reader)
                    state.readers[key] = nil
                } else {
                    awake.append(reader.wake)
                }
            }
        }
        lost.forEach(self.cutOffReader)
        for wake in awake {
            wake.yield()
        }
    }

    /// Called at every heartbeat: idle readers get a comment, those who do not take what is written are cut off.
    func heartbeat() {
        var lost: [Reader] = []
        var awake: [AsyncStream<Void>.Continuation] = []
        self.state.withLock { state in
            for (key, reader) in state.readers {
                guard reader.isWriting else {
                    state.readers[key]?.heartbeatDue = true
                    awake.append(reader.wake)
                    continue
                }
                state.readers[key]?.missedHeartbeats += 1
                if reader.missedHeartbeats + 1 >= Self.patience {
                    lost.append(reader)
                    state.readers[key] = nil
                }
            }
        }
        lost.forEach(self.cutOffReader)
        for wake in awake {
            wake.yield()
        }
    }

    /// Ends all streams and takes no new ones; the server is shutting down.
    func close() {
        let readers = self.state.withLock { state in
            state.isClosed = true
            defer { state.readers = [:] }
            return Array(state.readers.values)
        }
        for reader in readers {
            reader.wake.finish()
        }
        self.demands.finish()
    }

    /// Forgets the history if nobody has read since the last call: whoever makes the events may then stop, and the ids
    /// that were given out mean nothing any more.
    func endHistoryIfUnread() -> Bool {
        self.state.withLock { state in
            guard state.readers.isEmpty, !state.wasRead else {
                state.wasRead = !state.readers.isEmpty
                return false
            }
            state.name = Self.randomName()
            state.ring = []
            state.next = 0
            return true
        }
    }

    // MARK: Readers

    /// Adds a reader, who goes on after `lastEventID` if the history still has what followed, else begins with `reset`.
    /// - Parameter cut: closes the reader's connection.
    /// - Throws: 503 `TOO_MANY_STREAMS` or `SHUTTING_DOWN`.
    func subscribe(
        lastEventID: String?, cut: @escaping @Sendable () -> Void
    ) throws(AdminError) -> PresenceEventSubscription {
        let (stream, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let greeting = Self.body(of: .reset(time: .now()))
        let key = try self.state.withLock { state throws(AdminError) in
            guard !state.isClosed else { throw .shuttingDown }
            guard state.readers.count < self.streams else { throw .tooManyStreams(limit: self.streams) }
            let key = state.nextReader
            state.nextReader += 1
            var reader = Reader(position: state.next, wake: wake, cut: cut)
            if let position = state.position(after: lastEventID) {
                reader.position = position
            } else {
                reader.greeting = "event: reset\nid: \(state.id(state.next))\nretry: 2000\ndata: \(greeting)\n\n"
            }
            state.readers[key] = reader
            state.wasRead = true
            return key
        }
        self.demands.yield()
        wake.yield()
        return PresenceEventSubscription(hub: self, key: key, wakeUps: stream, wake: wake)
    }

    /// What a reader is to do now. Everything written before has been taken by its connection.
    func step(_ key: Int) -> Step {
        let (step, lost) = self.state.withLock { state -> (Step, Reader?) in
            guard var reader = state.readers[key] else { return (.end, nil) }
            let oldest = state.next - state.ring.count
            guard reader.position >= oldest else {
                state.readers[key] = nil
                return (.end, reader)
            }
            var text = reader.greeting ?? ""
            reader.greeting = nil
            let end = min(state.next, reader.position + Self.batch)
            while reader.position < end {
                text += state.ring[reader.position % self.history]
                reader.position += 1
            }
            if text.isEmpty, reader.heartbeatDue {
                text = ":\n\n"
            }
            reader.heartbeatDue = false
            reader.isWriting = !text.isEmpty
            reader.missedHeartbeats = 0
            state.readers[key] = reader
            return (text.isEmpty ? .wait : .write(text), nil)
        }
        if let lost {
            self.cutOffReader(lost)
        }
        return step
    }

    /// Forgets a reader.
    func remove(_ key: Int) {
        self.state.withLock { state in
            state.readers[key] = nil
        }
    }

    private func cutOffReader(_ reader: Reader) {
        self.cutOff()
        reader.wake.finish()
        reader.cut()
    }

    /// One line of JSON: the encoder escapes line feeds, so that a user id cannot end the event.
    private static func body(of event: PresenceEvent) -> String {
        let bytes = (try? AdminJSON.encode(event)) ?? Array("{}".utf8)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A reader's place in the hub, given back when nobody holds it any more: also when the response was never written.
final class PresenceEventSubscription: Sendable {
    let key: Int
    /// Something to do: ask for the next step.
    let wakeUps: AsyncStream<Void>
    private let hub: PresenceEventHub
    private let wake: AsyncStream<Void>.Continuation

    init(hub: PresenceEventHub, key: Int, wakeUps: AsyncStream<Void>, wake: AsyncStream<Void>.Continuation) {
        self.hub = hub
        self.key = key
        self.wakeUps = wakeUps
        self.wake = wake
    }

    deinit {
        self.hub.remove(self.key)
    }

    /// The client is gone.
    func finish() {
        self.hub.remove(self.key)
        self.wake.finish()
    }
}
