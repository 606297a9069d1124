// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// `permessage-deflate` of one connection. Holds zlib's state only where the context is kept between messages, from the first
/// compressed message on. Belongs to the event loop of its connection.
final class MessageDeflate {
    private let parameters: DeflateParameters
    private let pool: DeflatePool
    private var deflater: Deflater?
    private var inflater: Inflater?

    init(_ parameters: DeflateParameters, pool: DeflatePool) {
        self.parameters = parameters
        self.pool = pool
    }

    /// Whether the connection holds memory of zlib's.
    var holdsState: Bool { self.deflater != nil || self.inflater != nil }

    // MARK: out

    /// Whole server frames as they are to be sent. Valid until the next call on this loop, unless a copy is held.
    func compress(_ frames: ByteBuffer) -> ByteBuffer {
        guard frames.readableBytes > self.pool.options.threshold else { return frames }
        return self.pool.transform(frames) { message, out in self.compress(message, into: &out) }
    }

    /// False: it goes out uncompressed, which is always allowed.
    private func compress(_ message: UnsafeRawBufferPointer, into out: inout ByteBuffer) -> Bool {
        let bits = self.parameters.serverWindowBits
        if self.parameters.serverNoContextTakeover {
            return self.pool.sharedDeflater(windowBits: bits)?.compress(message, into: &out) ?? false
        }
        if self.deflater == nil { self.deflater = self.pool.makeDeflater(windowBits: bits) }
        guard let deflater = self.deflater else { return false }
        if deflater.compress(message, into: &out) { return true }
        self.deflater = nil  // a new one refers to nothing that was sent before
        return false
    }

    // MARK: in

    /// Appends the payload of one frame to the message. Nothing can be received after an outcome other than `done`.
    func inflate(
        _ payload: UnsafeRawBufferPointer, into message: inout ByteBuffer, limit: Int, isLast: Bool
    ) -> Inflater.Outcome {
        if self.inflater == nil {
            self.inflater =
                self.parameters.clientNoContextTakeover
                ? self.pool.takeInflater() : Inflater(windowBits: self.parameters.clientWindowBits)
        }
        guard let inflater = self.inflater else { return .tooLarge }  // no memory
        let outcome = inflater.inflate(payload, into: &message, limit: limit)
        guard case .done = outcome, isLast else { return outcome }
        let end = inflater.finishMessage(into: &message, limit: limit)
        if case .done = end, self.parameters.clientNoContextTakeover {
            self.inflater = nil
            self.pool.giveBack(inflater)
        }
        return end
    }
}
