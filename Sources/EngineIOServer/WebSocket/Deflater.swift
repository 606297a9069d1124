// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CZlib
import NIOCore

/// Compresses messages as RFC 7692, 7.2.1 says, each going on from the one before until ``reset()``. Belongs to one event loop.
final class Deflater {
    // zlib keeps a pointer to it, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Nil where zlib has no memory, or was asked for what it does not know.
    init?(level: Int, windowBits: Int, memoryLevel: Int) {
        self.stream = .allocate(capacity: 1)
        self.stream.initialize(to: z_stream())
        let code = deflateInit2_(
            self.stream, Int32(min(max(level, -1), 9)), Z_DEFLATED, -Int32(windowBits),
            Int32(min(max(memoryLevel, 1), 9)), Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            self.stream.deallocate()
            return nil
        }
    }

    deinit {
        deflateEnd(self.stream)
        self.stream.deallocate()
    }

    /// Appends the message as it goes into frames: without the four bytes that end every flush. False where zlib failed; this
    /// compressor must not be used again then.
    func compress(_ message: UnsafeRawBufferPointer, into out: inout ByteBuffer) -> Bool {
        guard let base = message.baseAddress, message.count > 0 else {
            out.writeInteger(0 as UInt8)  // RFC 7692, 7.2.3.6
            return true
        }
        guard message.count <= Int(Int32.max) else { return false }
        self.stream.pointee.next_in = UnsafeMutablePointer(mutating: base.assumingMemoryBound(to: UInt8.self))
        self.stream.pointee.avail_in = UInt32(message.count)
        let start = out.writerIndex
        // Room for all of it and the flush: zlib would repeat the flush if it came to the end of the room.
        let bound = Int(deflateBound(self.stream, UInt(message.count))) + 64
        var code = Z_OK
        repeat {
            out.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { room in
                let offered = UInt32(clamping: room.count)
                self.stream.pointee.next_out = room.bindMemory(to: UInt8.self).baseAddress
                self.stream.pointee.avail_out = offered
                code = deflate(self.stream, Z_SYNC_FLUSH)
                return Int(offered - self.stream.pointee.avail_out)
            }
        } while code == Z_OK && self.stream.pointee.avail_out == 0
        guard code == Z_OK || code == Z_BUF_ERROR, out.writerIndex - start >= 4 else { return false }
        out.moveWriterIndex(to: out.writerIndex - 4)
        return true
    }

    /// Forgets what was compressed so far.
    func reset() { deflateReset(self.stream) }
}
