// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Connection state recovery: a client that lost its connection for a short time gets back its id, its rooms, its data and the
/// events that it missed. Kept in memory, for each namespace; with an adapter that connects several nodes there is none.
///
/// Every event that is neither volatile nor asks for an acknowledgement carries one more argument then, a string that names its
/// place in the log. A client shows the last one that it has seen together with the private id of its session when it comes back.
///
/// Where users are admitted through a registry (``Admission``), a recovered session claims its user like any other, is refused
/// like any other, and always runs the middleware: it must say again who the client is. If that is somebody else than before, the
/// client gets a fresh session.
public struct ConnectionStateRecovery: Sendable, Hashable {
    /// How long a session is kept after its connection was lost, and an event after it was sent.
    public var maxDisconnectionDuration: Duration
    /// Whether a recovered session may pass by the connection middleware. Not heeded in a namespace with an ``Admission``. A
    /// socket that was to end at a time (``Socket/expire(at:)``) still ends then.
    public var skipMiddlewares: Bool
    /// Sessions that are kept for clients to come back to. Above it the oldest go: their clients get fresh sessions.
    public var maxSessions: Int
    /// Bytes of the events that are kept. Above it the oldest go: clients that have not seen them yet get fresh sessions.
    public var maxLogBytes: Int

    /// Memberwise; the first two defaults are the reference's.
    public init(
        maxDisconnectionDuration: Duration = .seconds(120), skipMiddlewares: Bool = true, maxSessions: Int = 10_000,
        maxLogBytes: Int = 16 << 20
    ) {
        self.maxDisconnectionDuration = maxDisconnectionDuration
        self.skipMiddlewares = skipMiddlewares
        self.maxSessions = maxSessions
        self.maxLogBytes = maxLogBytes
    }
}
