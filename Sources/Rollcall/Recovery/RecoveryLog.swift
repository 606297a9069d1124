// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Synchronization

/// What one namespace remembers for clients that come back.
///
/// That a client has seen one event must mean that it has seen all before it, on whichever event loop it is. So all loops work off
/// the same sequence: an event is appended to the log and to a queue for each loop in one step, and a loop that sends something
/// first works off what is queued for it. Whatever must keep its place among the events (to enter a room, say) is queued, too.
/// None of it calls handlers of the application, since it may run in the midst of another.
final class RecoveryLog: Sendable {
    /// What is done on an event loop in its turn.
    enum Work: Sendable {
        case deliver(EncodedEvent, BroadcastOptions, countsAsBroadcast: Bool)
        case everywhere(@Sendable (NamespaceMembers, _ isFirst: Bool) -> Void)
        case socket(Socket, @Sendable (Socket) -> Void)
    }

    private struct State {
        var events: EventLog
        var sessions: SessionStore
        var queues: [CircularBuffer<Work>]
        /// Whether a loop will look at its queue without being told again.
        var isWoken: [Bool]
    }
    private let state: Mutex<State>
    let settings: ConnectionStateRecovery

    init(_ settings: ConnectionStateRecovery, loops: Int) {
        self.settings = settings
        let age = TimeAmount(settings.maxDisconnectionDuration)
        self.state = Mutex(
            State(
                events: EventLog(maximumAge: age, maximumBytes: settings.maxLogBytes),
                sessions: SessionStore(maximumAge: age, maximumCount: settings.maxSessions),
                queues: (0..<loops).map { _ in CircularBuffer() },
                isWoken: [Bool](repeating: false, count: loops)))
    }

    // MARK: the sequence

    /// Appends an event to the log and to the loops' queues.
    ///
    /// - Parameter only: the loop of its only recipient; nil: all, and it counts as a broadcast.
    func append(_ event: EncodedEvent, _ options: BroadcastOptions, only loop: Int? = nil) {
        self.state.withLock { state in
            let event = state.events.append(event, options, now: .now())
            for index in state.queues.indices where loop == nil || loop == index {
                state.queues[index].append(.deliver(event, options, countsAsBroadcast: loop == nil))
            }
        }
    }

    /// - Parameter only: the loop whose turn it is; nil: all.
    func append(_ work: Work, only loop: Int? = nil) {
        self.state.withLock { state in
            for index in state.queues.indices where loop == nil || loop == index { state.queues[index].append(work) }
        }
    }

    /// The next thing for a loop to do.
    func next(on loop: Int) -> Work? {
        self.state.withLock { state in
            if let work = state.queues[loop].popFirst() { return work }
            state.isWoken[loop] = false
            return nil
        }
    }

    /// Whether the caller must wake a loop up, since there is work for it and nobody has done so yet.
    func mustWake(_ loop: Int) -> Bool {
        self.state.withLock { state in
            guard !state.queues[loop].isEmpty, !state.isWoken[loop] else { return false }
            state.isWoken[loop] = true
            return true
        }
    }

    // MARK: sessions

    func keep(_ session: RecoverableSession) {
        self.state.withLock { $0.sessions.keep(session, now: .now()) }
    }

    /// Gives out the session of a client that comes back, with the position behind the last event that it has seen. Nil when
    /// the session or an event that it missed is not there any more, or when it missed more than a client may be sent at once.
    ///
    /// A session is given out once. That a wrong offset loses it does no harm: its client gets a fresh one.
    func take(_ privateID: String, offset: String, maximumBytes: Int) -> (RecoverableSession, position: UInt64)? {
        self.state.withLock { state in
            guard let session = state.sessions.take(privateID, now: .now()) else { return nil }
            if let expiry = session.expiry, expiry * 1000 <= Clock.milliseconds() { return nil }
            state.events.trim(now: .now())
            guard let seen = state.events.position(after: offset) else { return nil }
            let position = max(seen, session.began)
            guard let missed = state.events.events(from: position, for: Set(session.rooms + [session.id])) else {
                return nil
            }
            let bytes = missed.reduce(0) { bytes, event in
                event.attachments.reduce(bytes + event.payload.readableBytes) { $0 + $1.readableBytes }
            }
            return maximumBytes == 0 || bytes <= maximumBytes ? (session, position) : nil
        }
    }

    /// What a client missed.
    enum Missed {
        /// Work is queued for its loop: what of it the client would get twice cannot be told before that is done.
        case notYet
        /// It took so long to admit the client that events were forgotten meanwhile.
        case forgotten
        case events([EncodedEvent])
        /// The session begins: here.
        case nothing(end: UInt64)
    }

    /// What a client has missed, up to the events that are queued for its loop from now on.
    ///
    /// - Parameter position: nil for a fresh session.
    func missed(from position: UInt64?, rooms: Set<String>, on loop: Int) -> Missed {
        self.state.withLock { state in
            guard state.queues[loop].isEmpty else { return .notYet }
            guard let position else { return .nothing(end: state.events.end) }
            return state.events.events(from: position, for: rooms).map { .events($0) } ?? .forgotten
        }
    }

    /// Forgets what is too old.
    func trim() {
        self.state.withLock { state in
            state.events.trim(now: .now())
            state.sessions.trim(now: .now())
        }
    }

    /// What is kept, for tests.
    var sizes: (events: Int, bytes: Int, sessions: Int) {
        self.state.withLock { ($0.events.count, $0.events.bytes, $0.sessions.count) }
    }
}
