// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import CZlib
import NIOCore

/// Compression of polling answers, where the client accepts it.
enum HTTPCompression: String {
    case gzip
    case deflate

    /// Which coding an `Accept-Encoding` asks for (RFC 9110, 12.5.3): the highest weight, of equal ones the first named. Nil: none.
    init?(accepting header: String?) {
        var best: (coding: HTTPCompression?, weight: Double)? = nil
        for item in (header ?? "").split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            let coding = name == "*" ? .gzip : HTTPCompression(rawValue: name)
            guard let coding, weight > best?.weight ?? 0 else { continue }
            best = (coding, weight)
        }
        guard let coding = best?.coding else { return nil }
        self = coding
    }

    /// Nil when zlib has no memory. The fastest level: this runs on the event loop.
    func compress(_ body: ByteBuffer) -> ByteBuffer? {
        var stream = z_stream()
        let windowBits: Int32 = self == .gzip ? 15 + 16 : 15
        guard
            deflateInit2_(
                &stream, Z_BEST_SPEED, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(body.readableBytes)))
        var out = ByteBufferAllocator().buffer(capacity: bound)
        let isDone = body.withUnsafeReadableBytes { input in
            // zlib does not write to its input.
            stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(truncatingIfNeeded: input.count)
            var isDone = false
            out.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { room in
                stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(truncatingIfNeeded: room.count)
                isDone = CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END
                return room.count - Int(stream.avail_out)
            }
            return isDone
        }
        return isDone ? out : nil
    }
}
