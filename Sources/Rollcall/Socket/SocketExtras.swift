// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// What only some sockets need: made on first use. Belongs to the socket's event loop.
final class SocketExtras {
    /// Waits for the client's acknowledgement.
    struct PendingAcknowledgement {
        var completion: (Result<Arguments, AcknowledgementError>) -> Void
        var timeout: Scheduled<Void>?
    }

    var acknowledgements: [UInt64: PendingAcknowledgement] = [:]
    var tasks: [UInt64: Task<Void, Never>] = [:]
    var nextTask: UInt64 = 0
    /// The last task that never suspended: it is over before it could be kept.
    var finishedAtOnce: UInt64?
    var middleware: [EventMiddleware] = []
    /// Where the events are that a middleware makes wait.
    var pipeline = EventPipeline()
    var anyListeners: [AnyListener] = []

    /// Packets that came, and frames that were to go, while the gate was shut.
    var heldPackets: [HeldPacket] = []
    var heldBytes = 0
    var heldOutput = ByteBuffer()
    /// More output was held than may: the connection is about to close.
    var hasOverflowed = false

    /// Tells everybody who waits that the socket is gone.
    func cancelAll() {
        for task in self.tasks.values { task.cancel() }
        self.tasks = [:]
        let waiting = self.acknowledgements.values
        self.acknowledgements = [:]
        for pending in waiting {
            pending.timeout?.cancel()
            pending.completion(.failure(.disconnected))
        }
        self.pipeline.waiting.removeAll()
        self.heldPackets = []
        self.heldOutput = ByteBuffer()
    }
}

/// A packet that waits, for the gate to open again or for a middleware.
struct HeldPacket: Sendable {
    var payload: ByteBuffer
    var id: UInt64?
    var attachments: [ByteBuffer]
    var isEvent: Bool
}

/// Called for each event beside its handler.
typealias AnyListener = @Sendable (String, Arguments) -> Void

/// Why no acknowledgement came.
public enum AcknowledgementError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not within the time given.
    case timeout
    /// The client is gone.
    case disconnected

    /// For people; `timeout` as in the reference.
    public var description: String {
        switch self {
        case .timeout: "operation has timed out"
        case .disconnected: "socket has been disconnected"
        }
    }
}
