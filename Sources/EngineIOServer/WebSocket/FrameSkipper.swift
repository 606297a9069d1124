// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Follows the frames of a peer to whom our close frame is under way, only to find its own: whatever else they hold or violate is of
/// no interest any more. A frame of absurd length is followed, too; the connection's time for closing is limited.
final class FrameSkipper {
    /// A header that is cut.
    private var header: [UInt8] = []
    /// Bytes of the present frame that are still to come.
    private var left = 0
    private var isClose = false

    /// True when the peer's close frame has come as a whole.
    func skip(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while true {
            let part = min(self.left, bytes.count - position)
            position += part
            self.left -= part
            if self.left == 0, self.isClose { return true }
            guard position < bytes.count else { return false }
            self.header.append(bytes[position])
            position += 1
            guard let length = self.lengthInHeader() else { continue }
            self.isClose = self.header[0] & 0x0F == 0x08
            self.left = length
            self.header.removeAll(keepingCapacity: true)
        }
    }

    /// Bytes behind the header, once it is whole.
    private func lengthInHeader() -> Int? {
        guard self.header.count >= 2 else { return nil }
        let short = Int(self.header[1] & 0x7F)
        let lengthEnd = short < 126 ? 2 : short == 126 ? 4 : 10
        let isMasked = self.header[1] & 0x80 != 0
        guard self.header.count == lengthEnd + (isMasked ? 4 : 0) else { return nil }
        if short < 126 { return short }
        return Int(clamping: self.header[2..<lengthEnd].reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
}
