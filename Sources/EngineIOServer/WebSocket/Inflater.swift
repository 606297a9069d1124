// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CZlib
import NIOCore

/// Inflates messages as RFC 7692, 7.2.2 says, in bounded steps. Belongs to one event loop.
final class Inflater {
    enum Outcome {
        case done
        case invalid
        /// More would come out than is allowed.
        case tooLarge
    }

    private static let step = 16384
    // zlib keeps a pointer to it, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    /// The input ended with a block marked as the last: the next one begins anew (7.2.3.4).
    private var isAtStreamEnd = false

    /// Nil where zlib has no memory.
    init?(windowBits: Int) {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let code = inflateInit2_(
            self.stream, -Int32(windowBits), ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            self.stream.deallocate()
            return nil
        }
    }

    deinit {
        inflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// Appends what the payload of one frame yields.
    ///
    /// - Parameter limit: how long `out` may get, in bytes.
    func inflate(_ payload: UnsafeRawBufferPointer, into out: inout ByteBuffer, limit: Int) -> Outcome {
        guard let base = payload.baseAddress, payload.count > 0 else { return .done }
        self.isAtStreamEnd = false
        self.stream.pointee.next_in = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
        self.stream.pointee.avail_in = UInt32(clamping: payload.count)
        while true {
            let allowed = limit - out.readableBytes + 1  // the byte too many shows that there is more
            var code = Z_OK
            out.writeWithUnsafeMutableBytes(minimumWritableBytes: min(allowed, Self.step)) { room in
                let offered = UInt32(clamping: min(room.count, allowed))
                self.stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
                self.stream.pointee.avail_out = offered
                code = CZlib.inflate(self.stream, Z_SYNC_FLUSH)
                return Int(offered - self.stream.pointee.avail_out)
            }
            guard out.readableBytes <= limit else { return .tooLarge }
            switch code {
            case Z_OK, Z_BUF_ERROR:
                if self.stream.pointee.avail_out > 0 { return .done }
            case Z_STREAM_END:
                guard inflateResetKeep(self.stream) == Z_OK else { return .invalid }
                if self.stream.pointee.avail_in == 0 {
                    self.isAtStreamEnd = true
                    return .done
                }
            default: return .invalid
            }
        }
    }

    /// The message is over: the end that its sender took off is put back (7.2.2), and must be the end of a block.
    func finishMessage(into out: inout ByteBuffer, limit: Int) -> Outcome {
        if self.isAtStreamEnd { return .done }
        let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
        let outcome = tail.withUnsafeBytes { self.inflate($0, into: &out, limit: limit) }
        guard case .done = outcome else { return outcome }
        return self.stream.pointee.data_type & 128 != 0 ? .done : .invalid
    }

    /// Forgets everything.
    func reset() {
        self.isAtStreamEnd = false
        inflateReset(self.stream)
    }
}
