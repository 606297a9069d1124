// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// What a client gets back when it returns in time.
struct RecoverableSession: Sendable {
    /// The socket's id, known to others.
    let id: String
    /// The session's id, known to its client alone.
    let privateID: String
    /// The position in the log at which the session began: what was sent before is not for it.
    let began: UInt64
    let data: SocketData
    /// Without the socket's own.
    let rooms: [String]
    /// Whom the registry had admitted.
    let user: String?
    /// When the socket was to end, in seconds since 1970.
    let expiry: Int64?
}

/// The sessions of connections that were lost lately, bounded by age and number.
struct SessionStore {
    private var sessions: [String: (session: RecoverableSession, serial: UInt64)] = [:]
    /// Oldest first. An entry whose session was taken, or kept again later, does not count.
    private var order = CircularBuffer<(privateID: String, serial: UInt64, keptAt: NIODeadline)>()
    private var nextSerial: UInt64 = 0
    private let maximumAge: TimeAmount
    private let maximumCount: Int

    init(maximumAge: TimeAmount, maximumCount: Int) {
        self.maximumAge = maximumAge
        self.maximumCount = max(0, maximumCount)
    }

    var count: Int { self.sessions.count }

    mutating func keep(_ session: RecoverableSession, now: NIODeadline) {
        self.nextSerial += 1
        self.sessions[session.privateID] = (session, self.nextSerial)
        self.order.append((session.privateID, self.nextSerial, now))
        self.trim(now: now)
        if self.order.count > 2 * self.maximumCount + 16 {
            self.order = CircularBuffer(self.order.filter { self.sessions[$0.privateID]?.serial == $0.serial })
        }
    }

    /// Gives a session out once; nil when it is not there or too old.
    mutating func take(_ privateID: String, now: NIODeadline) -> RecoverableSession? {
        self.trim(now: now)
        return self.sessions.removeValue(forKey: privateID)?.session
    }

    /// Forgets what is too old or too much.
    mutating func trim(now: NIODeadline) {
        while let oldest = self.order.first,
            self.sessions.count > self.maximumCount || now - oldest.keptAt > self.maximumAge
        {
            if self.sessions[oldest.privateID]?.serial == oldest.serial { self.sessions[oldest.privateID] = nil }
            self.order.removeFirst()
        }
    }
}
