// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The ways in which the same bytes can arrive.
enum Segments {
    /// All at once, byte by byte, and in two ways that depend on the bytes: an input is nothing but what is on the wire,
    /// and a finding can be replayed.
    static func cuts(of bytes: UnsafeRawBufferPointer) -> [[UnsafeRawBufferPointer]] {
        guard bytes.count > 1 else { return [[bytes]] }
        var cuts = [
            [bytes], self.pieces(of: bytes) { 4 + $0 % 60 },
            self.pieces(of: bytes) { 1 + $0 % max(8, bytes.count / 32) },
        ]
        if bytes.count <= 128 { cuts.append(self.pieces(of: bytes) { _ in 1 }) }
        return cuts
    }

    private static func pieces(
        of bytes: UnsafeRawBufferPointer, _ length: (Int) -> Int
    ) -> [UnsafeRawBufferPointer] {
        var pieces: [UnsafeRawBufferPointer] = []
        // FNV-1a of what came before decides where the next cut is.
        var hash: UInt32 = 2_166_136_261
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + length(Int(hash >> 8)))
            for byte in bytes[start..<end] { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
            pieces.append(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
        return pieces
    }
}
