// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import SocketIOCodec

/// Hands an event's arguments out one by one, as the types that a handler names.
struct ArgumentDecoder {
    private var slices: ArgumentSlices
    private let attachments: [ByteBuffer]

    init(_ event: IncomingEvent) {
        self.slices = ArgumentSlices(event.arguments)
        self.attachments = event.attachments
    }

    /// The next argument; nil for an optional that was not sent. Surplus arguments are ignored, as in JavaScript.
    mutating func next<T: Decodable>() throws -> T {
        try SocketDecoder.decode(T.self, from: self.slices.next(), attachments: self.attachments)
    }
}

/// How typed handlers are called: arguments decoded, the result sent as the acknowledgement.
enum Invocation {
    /// A synchronous handler, on the event loop: no task, no copy of the arguments.
    @inline(__always)
    static func call<R: Encodable>(
        _ socket: Socket, _ event: IncomingEvent, _ body: (inout ArgumentDecoder) throws -> R
    ) {
        do {
            var arguments = ArgumentDecoder(event)
            let result = try body(&arguments)
            if let id = event.acknowledgementID { try socket.acknowledge(id, with: result) }
        } catch {
            socket.fail(event.acknowledgementID, error)
        }
    }

    /// A synchronous handler without a result: nothing is acknowledged, as in the reference, unless it throws.
    @inline(__always)
    static func call(_ socket: Socket, _ event: IncomingEvent, _ body: (inout ArgumentDecoder) throws -> Void) {
        do {
            var arguments = ArgumentDecoder(event)
            try body(&arguments)
        } catch {
            socket.fail(event.acknowledgementID, error)
        }
    }

    /// An asynchronous handler: `prepare` decodes on the event loop, what it returns runs in a task that starts at once.
    static func start<R: Encodable & Sendable>(
        _ socket: Socket, _ event: IncomingEvent,
        _ prepare: (inout ArgumentDecoder) throws -> @Sendable () async throws -> R
    ) {
        let id = event.acknowledgementID
        do {
            var arguments = ArgumentDecoder(event)
            let body = try prepare(&arguments)
            socket.runTask {
                do {
                    let result = try await body()
                    socket.onLoop { socket in
                        guard let id else { return }
                        do { try socket.acknowledge(id, with: result) } catch { socket.fail(id, error) }
                    }
                } catch {
                    socket.onLoop { $0.fail(id, error) }
                }
            }
        } catch {
            socket.fail(id, error)
        }
    }

    /// An asynchronous handler without a result.
    static func start(
        _ socket: Socket, _ event: IncomingEvent,
        _ prepare: (inout ArgumentDecoder) throws -> @Sendable () async throws -> Void
    ) {
        let id = event.acknowledgementID
        do {
            var arguments = ArgumentDecoder(event)
            let body = try prepare(&arguments)
            socket.runTask {
                do { try await body() } catch { socket.onLoop { $0.fail(id, error) } }
            }
        } catch {
            socket.fail(id, error)
        }
    }
}

extension Socket {
    /// Listens to an event of this socket.
    func addListener(_ event: String, _ listener: @escaping Listener) {
        self.onLoop { socket in
            guard socket.state.phase < .closing else { return }
            if socket.state.listeners == nil { socket.state.listeners = EventTable() }
            socket.state.listeners?.add(event, listener)
        }
    }

    /// Forgets this socket's handlers of an event.
    public func off(_ event: String) {
        self.onLoop { $0.state.listeners?.remove(event) }
    }

    /// Called for each event of this socket before its handler; throw to drop the event.
    public func use(_ middleware: @escaping @Sendable (_ event: String, _ arguments: Arguments) throws -> Void) {
        self.onLoop { if $0.state.phase < .closing { $0.extras.middleware.append(.synchronous(middleware)) } }
    }

    /// The same with a middleware that may wait. The socket's events keep their order: those behind wait, too, and when they become
    /// too many the client is not read any more, its acknowledgements included. Events that wait when the socket ends are dropped.
    @_disfavoredOverload
    public func use(_ middleware: @escaping @Sendable (_ event: String, _ arguments: Arguments) async throws -> Void) {
        self.onLoop { if $0.state.phase < .closing { $0.extras.middleware.append(.asynchronous(middleware)) } }
    }

    /// Called for each event of this socket, beside its handler.
    public func onAny(_ listener: @escaping @Sendable (_ event: String, _ arguments: Arguments) -> Void) {
        self.onLoop { if $0.state.phase < .closing { $0.extras.anyListeners.append(listener) } }
    }

    /// Handles an event with its arguments as they came; what is returned is the acknowledgement, nil sends none.
    public func on(_ event: String, passing handler: @escaping @Sendable (Arguments) throws -> Arguments?) {
        self.addListener(event) { socket, incoming in socket.answer(incoming) { try handler(Arguments(incoming)) } }
    }

    func answer(_ event: IncomingEvent, _ body: () throws -> Arguments?) {
        do {
            guard let answer = try body(), let id = event.acknowledgementID else { return }
            self.acknowledge(id, passing: answer)
        } catch {
            self.fail(event.acknowledgementID, error)
        }
    }
}

extension NamespaceProtocol {
    /// Handles an event of every socket with its arguments as they came; what is returned is the acknowledgement, nil sends none.
    public func on(_ event: String, passing handler: @escaping @Sendable (Socket, Arguments) throws -> Arguments?) {
        self.addListener(event) { socket, incoming in
            socket.answer(incoming) { try handler(socket, Arguments(incoming)) }
        }
    }
}
