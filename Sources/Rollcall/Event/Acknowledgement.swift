// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
public import SocketIOCodec
import Synchronization

/// Answers one event, now or later: what the acknowledgement callback is in JavaScript. May be called on any thread; the first
/// answer counts.
public final class Acknowledgement: Sendable {
    private let socket: Socket
    private let id: UInt64
    private let isAnswered = Atomic<Bool>(false)

    init(_ socket: Socket, _ id: UInt64) {
        self.socket = socket
        self.id = id
    }

    /// Answers with values.
    public func send(_ values: SocketValue...) { self.send(passing: Arguments(values)) }

    /// Answers with arguments that are passed on as they came.
    public func send(passing arguments: Arguments) {
        guard !self.isAnswered.exchange(true, ordering: .relaxed) else { return }
        let id = self.id
        self.socket.onLoop { $0.acknowledge(id, passing: arguments) }
    }
}

extension Socket {
    /// Handles an event with its arguments as they came; the handler answers by the acknowledgement, nil where the client asked for
    /// none.
    public func on(
        _ event: String, acknowledging handler: @escaping @Sendable (Arguments, Acknowledgement?) throws -> Void
    ) {
        self.addListener(event) { socket, incoming in
            socket.hand(incoming) { try handler(Arguments(incoming), $0) }
        }
    }

    func hand(_ event: IncomingEvent, _ body: (Acknowledgement?) throws -> Void) {
        do {
            try body(event.acknowledgementID.map { Acknowledgement(self, $0) })
        } catch {
            self.fail(event.acknowledgementID, error)
        }
    }

    func acknowledge(_ id: UInt64, passing arguments: Arguments) {
        arguments.text.withUnsafeReadableBytes {
            self.acknowledge(id, arguments: $0, attachments: arguments.attachments)
        }
    }
}

extension NamespaceProtocol {
    /// Handles an event of every socket with its arguments as they came; the handler answers by the acknowledgement, nil where the
    /// client asked for none.
    public func on(
        _ event: String,
        acknowledging handler: @escaping @Sendable (Socket, Arguments, Acknowledgement?) throws -> Void
    ) {
        self.addListener(event) { socket, incoming in
            socket.hand(incoming) { try handler(socket, Arguments(incoming), $0) }
        }
    }
}
