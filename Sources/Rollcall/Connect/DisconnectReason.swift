// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer

/// Why a socket's connection ended: the texts of the reference, and finer ones of our own.
public struct DisconnectReason: Hashable, Sendable, CustomStringConvertible {
    /// The text.
    public let rawValue: String

    /// For reasons of your own.
    public init(_ rawValue: String) { self.rawValue = rawValue }

    /// The client closed its connection, or the connection was lost.
    public static let transportClose = Self("transport close")
    /// A broken or too large message, or an I/O error.
    public static let transportError = Self("transport error")
    /// The client did not answer a ping in time.
    public static let pingTimeout = Self("ping timeout")
    /// An unknown Engine.IO packet.
    public static let parseError = Self("parse error")
    /// A packet that the protocol does not allow.
    public static let forcedClose = Self("forced close")
    /// The node stops.
    public static let serverShuttingDown = Self("server shutting down")
    /// The client left the namespace.
    public static let clientNamespaceDisconnect = Self("client namespace disconnect")
    /// The server called ``Socket/disconnect(close:)``.
    public static let serverNamespaceDisconnect = Self("server namespace disconnect")
    /// More output waited for the client than the limit allows.
    public static let slowConsumer = Self("slow consumer")
    /// A newer connection of the same user took over.
    public static let replaced = Self("replaced")
    /// The old connection did not answer when a newer one asked for its user.
    public static let probeTimeout = Self("probe timeout")
    /// The user was granted to another node while this one could not renew its lease.
    public static let registryLeaseLost = Self("registry lease lost")
    /// The registry was away for too long.
    public static let registryUnavailable = Self("registry unavailable")
    /// An administrator disconnected the user.
    public static let kicked = Self("kicked")
    /// The user's token has expired.
    public static let tokenExpired = Self("token expired")

    /// Whether a client may come back to its session: the reference's list. Not a slow consumer, who would be sent the same again.
    var isRecoverable: Bool {
        switch self {
        case .transportClose, .transportError, .pingTimeout, .forcedClose, .serverShuttingDown: true
        default: false
        }
    }

    init(_ reason: CloseReason) { self.init(reason.rawValue) }

    /// The text.
    public var description: String { self.rawValue }
}
