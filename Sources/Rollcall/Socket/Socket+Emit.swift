// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import Logging
package import NIOCore
import SocketIOCodec
import UserRegistryCore

extension Socket {
    /// Sends an event to this client.
    ///
    /// An argument that cannot be encoded, and a reserved event name, are programming errors: they are logged and nothing is sent.
    public func emit<each A: Encodable & Sendable>(_ event: String, _ arguments: repeat each A) {
        guard let encoded = self.namespace.encode(event, repeat each arguments) else { return }
        self.emit(encoded)
    }

    /// Sends an event whose arguments are passed on as they came.
    public func emit(_ event: String, passing arguments: Arguments) {
        guard self.namespace.mayEmit(event) else { return }
        self.emit(EncodedEvent(event, arguments))
    }

    package func emit(_ event: EncodedEvent, isVolatile: Bool = false) {
        if let recovery = self.namespace.recovery, !isVolatile { return self.emitRecoverably(event, recovery) }
        self.onLoop { socket in
            if isVolatile, !(socket.state.connection?.session.isWritable ?? false) { return }
            socket.send(holdable: !isVolatile) { socket.namespace.write(event, into: &$0) }
        }
    }

    /// Sends an event that is dropped when the client cannot take it now, instead of waiting.
    public func emitVolatile<each A: Encodable & Sendable>(_ event: String, _ arguments: repeat each A) {
        guard let encoded = self.namespace.encode(event, repeat each arguments) else { return }
        self.emit(encoded, isVolatile: true)
    }

    /// Sends an event and waits for the client's acknowledgement.
    ///
    /// - Throws: ``AcknowledgementError``, or what decoding the acknowledgement's first argument throws.
    public func emitWithAck<each A: Encodable & Sendable, R: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each A, timeout: Duration, as type: R.Type = R.self
    ) async throws -> R {
        let answer = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Arguments, any Error>) in
            self.emit(event, repeat each arguments, timeout: timeout) {
                continuation.resume(with: $0.mapError { $0 as any Error })
            }
        }
        return try answer.decode(type, at: 0)
    }

    /// Sends an event; `acknowledged` is called once on the socket's event loop.
    public func emit<each A: Encodable & Sendable>(
        _ event: String, _ arguments: repeat each A, timeout: Duration?,
        acknowledged: @escaping @Sendable (Result<Arguments, AcknowledgementError>) -> Void
    ) {
        guard let encoded = self.namespace.encode(event, repeat each arguments) else {
            return self.onLoop { _ in acknowledged(.failure(.disconnected)) }
        }
        self.onLoop { $0.emit(encoded, timeout: timeout, acknowledged: acknowledged) }
    }

    func emit(
        _ event: EncodedEvent, timeout: Duration?,
        acknowledged: @escaping @Sendable (Result<Arguments, AcknowledgementError>) -> Void
    ) {
        guard self.state.phase == .connected else { return acknowledged(.failure(.disconnected)) }
        let id = self.state.nextAcknowledgement
        self.state.nextAcknowledgement += 1
        let scheduled = timeout.map { timeout in
            self.loop.eventLoop.scheduleTask(in: TimeAmount(timeout)) { [weak self] in
                let pending = self?.state.extras?.acknowledgements.removeValue(forKey: id)
                pending?.completion(.failure(.timeout))
            }
        }
        self.extras.acknowledgements[id] = .init(completion: acknowledged, timeout: scheduled)
        self.send(holdable: true) { self.namespace.write(event, id: id, into: &$0) }
    }

    // MARK: acknowledging

    /// Answers an event with arguments that are JSON already.
    @inline(__always)
    package func acknowledge(_ id: UInt64, arguments: UnsafeRawBufferPointer, attachments: [ByteBuffer] = []) {
        let prefix = self.namespace.wirePrefix
        if attachments.isEmpty, self.namespace.encoder == nil {
            self.send(holdable: true) { out in
                PacketWriter.writeAcknowledgement(namespace: prefix, id: id, arguments: arguments, into: &out)
            }
        } else {
            self.acknowledge(id, any: arguments, attachments)
        }
    }

    private func acknowledge(_ id: UInt64, any arguments: UnsafeRawBufferPointer, _ attachments: [ByteBuffer]) {
        var payload = ByteBufferAllocator().buffer(capacity: arguments.count + 2)
        payload.writeInteger(UInt8(ascii: "["))
        payload.writeBytes(arguments)
        payload.writeInteger(UInt8(ascii: "]"))
        self.send(holdable: true) { out in
            payload.withUnsafeReadableBytes { bytes in
                self.namespace.write(.ack, id: id, payload: bytes, attachments: attachments, into: &out)
            }
        }
    }

    /// Answers an event with one value.
    @inline(__always)
    func acknowledge<R: Encodable>(_ id: UInt64, with value: R) throws {
        let members = self.members
        var text = members.takeScratch()
        defer { members.giveBack(text) }
        var attachments: [ByteBuffer] = []
        try SocketEncoder.encode(value, into: &text, attachments: &attachments)
        text.withUnsafeReadableBytes { self.acknowledge(id, arguments: $0, attachments: attachments) }
    }

    /// An event failed: its acknowledgement, or the event `exception`, tells the client.
    func fail(_ id: UInt64?, _ error: any Error) {
        var answer: [String: SocketValue] = ["status": "error"]
        switch error {
        case let error as EventError:
            answer["message"] = .string(error.message)
            if let code = error.code { answer["code"] = .string(code) }
        case let error as DecodingError:
            answer["message"] = .string("Invalid arguments: \(Self.describe(error))")
            answer["code"] = "INVALID_ARGUMENTS"
        case is CancellationError: return
        default:
            answer["message"] = "Internal server error"
            answer["code"] = "INTERNAL"
            self.namespace.server.logger.error(
                "event handler failed", metadata: ["sid": "\(self.id)", "error": "\(error)"])
        }
        self.members.eventsFailed += 1
        let value = SocketValue.object(answer)
        if let id {
            try? self.acknowledge(id, with: value)
        } else {
            self.emit("exception", value)
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context.debugDescription
        @unknown default: "malformed"
        }
    }

    /// Frames for this client, unless the gate is shut.
    @inline(__always)
    func send(holdable: Bool, _ write: (inout ByteBuffer) -> Void) {
        guard self.state.phase == .connected, let session = self.state.connection?.session else { return }
        if self.mustHold() {
            if holdable { self.hold(output: write) }
            return
        }
        session.send(write)
    }
}
