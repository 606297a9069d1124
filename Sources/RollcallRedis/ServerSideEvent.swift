// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import SocketIOCodec

/// An event that another server of the cluster, or an emitter, sent to all servers (`serverSideEmit` of the reference).
public struct ServerSideEvent: Sendable {
    /// The namespace on which it was sent.
    public let namespace: String
    /// The event's name.
    public let name: String
    /// Its arguments.
    public let arguments: [SocketValue]
    /// Answers the sender; the first call counts. Nil when it does not wait for answers.
    public let answer: (@Sendable (SocketValue) -> Void)?
}
