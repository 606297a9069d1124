// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import SocketIOCodec

/// Thrown by connection middleware to refuse a connection for good: the client gets `connect_error` with the message and the
/// data, and official clients do not try again by themselves.
public struct ConnectError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the client's `connect_error` handler sees as `err.message`.
    public var message: String
    /// What it sees as `err.data`; by convention an object with a `code`.
    public var data: SocketValue?

    /// Memberwise.
    public init(_ message: String, data: SocketValue? = nil) {
        self.message = message
        self.data = data
    }

    /// With `data: {"code": code}`.
    public init(_ message: String, code: String) {
        self.init(message, data: ["code": .string(code)])
    }

    /// The message.
    public var description: String { self.message }
}

/// Thrown by connection middleware to refuse a connection for now: the transport is closed, after which official clients come
/// back by themselves. The code goes to the log and the metrics.
public struct TemporaryRefusal: Error, Hashable, Sendable {
    /// For example `REGISTRY_UNAVAILABLE`.
    public var code: String

    /// Memberwise.
    public init(code: String) { self.code = code }
}

/// Thrown by an event's handler or middleware: fails that event, not the connection.
public struct EventError: Error, Hashable, Sendable, CustomStringConvertible {
    /// For the client.
    public var message: String
    /// A word for programs; none by default.
    public var code: String?

    /// Memberwise.
    public init(_ message: String, code: String? = nil) {
        self.message = message
        self.code = code
    }

    /// The message.
    public var description: String { self.message }
}
