// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Why an Engine.IO session ended. The raw values of the wire-visible ones are the reference's disconnect reasons.
package enum CloseReason: String, Sendable, CaseIterable {
    /// The peer closed the WebSocket, or the polling client's connection was lost.
    case transportClose = "transport close"
    /// A broken frame, a message above the limit, or an I/O error.
    case transportError = "transport error"
    /// No pong in time.
    case pingTimeout = "ping timeout"
    /// An unknown Engine.IO packet type.
    case parseError = "parse error"
    /// The server closed the session.
    case forcedClose = "forced close"
    /// The node stops.
    case serverShuttingDown = "server shutting down"
    /// More output waits than the limit allows.
    case slowConsumer = "slow consumer"
}

/// How the transport is told that the session is over.
package enum CloseMode: Sendable {
    /// What was sent before still reaches the client: WebSocket close frame; polling: the next GET gets what is queued.
    case flush
    /// Passes by itself: the client is to come back. WebSocket close frame with code 1001; polling: the waiting GET is answered
    /// 503 with this code.
    case comeBack(code: String)
    /// At once: nothing more reaches the client.
    case discard
}
