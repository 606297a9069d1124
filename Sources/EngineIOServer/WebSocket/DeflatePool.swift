// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// What the connections of one event loop share for `permessage-deflate`: zlib's memory of those that keep no context between
/// messages (262 KiB to compress, 40 KiB to inflate), and the buffers. Everything is made on first use.
final class DeflatePool {
    let options: PerMessageDeflate
    private var deflaters: [Int: Deflater] = [:]
    private var spareInflater: Inflater?
    private var output = ByteBuffer()
    private var compressed = ByteBuffer()
    private static let usualCapacity = 1 << 18

    init(_ options: PerMessageDeflate) { self.options = options }

    func makeDeflater(windowBits: Int) -> Deflater? {
        Deflater(level: self.options.level, windowBits: windowBits, memoryLevel: self.options.memoryLevel)
    }

    /// For one message: whoever asks next gets the same one.
    func sharedDeflater(windowBits: Int) -> Deflater? {
        if let deflater = self.deflaters[windowBits] {
            deflater.reset()
            return deflater
        }
        self.deflaters[windowBits] = self.makeDeflater(windowBits: windowBits)
        return self.deflaters[windowBits]
    }

    /// For a message that may take several reads: given back when it is whole.
    func takeInflater() -> Inflater? { self.spareInflater.take() ?? Inflater(windowBits: 15) }

    func giveBack(_ inflater: Inflater) {
        inflater.reset()
        self.spareInflater = inflater
    }

    /// Copies whole server frames, and compresses the messages among them that are long enough.
    func transform(
        _ frames: ByteBuffer, compress: (UnsafeRawBufferPointer, inout ByteBuffer) -> Bool
    ) -> ByteBuffer {
        self.output.clear()
        frames.withUnsafeReadableBytes { bytes in
            var position = 0
            while position < bytes.count {
                let frame = WebSocketCodec.readServerFrame(UnsafeRawBufferPointer(rebasing: bytes[position...]))
                let end = position + frame.header + frame.length
                let whole = UnsafeRawBufferPointer(rebasing: bytes[position..<end])
                position = end
                let isData = frame.firstByte & 0x08 == 0
                let payload = UnsafeRawBufferPointer(rebasing: whole[frame.header...])
                self.compressed.clear()
                if isData, frame.length >= self.options.threshold, compress(payload, &self.compressed) {
                    self.compressed.withUnsafeReadableBytes {
                        self.output.writeFrame(frame.firstByte | WebSocketCodec.compressed, $0)
                    }
                } else {
                    self.output.writeBytes(whole)
                }
            }
        }
        defer { self.trim() }
        return self.output
    }

    /// Gives back what a large message needed.
    private func trim() {
        if self.output.capacity > Self.usualCapacity { self.output = ByteBuffer() }
        if self.compressed.capacity > Self.usualCapacity { self.compressed = ByteBuffer() }
    }
}
