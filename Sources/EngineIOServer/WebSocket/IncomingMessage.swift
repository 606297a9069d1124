// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// A message of more than one frame, or a compressed one, as far as it has come (RFC 6455, 5.4).
final class IncomingMessage {
    let isText: Bool
    let isCompressed: Bool
    /// Inflated, where it was compressed.
    var bytes = ByteBuffer()
    var utf8 = UTF8Validator()

    init(isText: Bool, isCompressed: Bool) {
        self.isText = isText
        self.isCompressed = isCompressed
    }

    /// Whether what was added behind `start` is text so far, or all of it where this was the last frame.
    func isTextValid(from start: Int, isLast: Bool) -> Bool {
        self.bytes.withUnsafeReadableBytes { all in
            self.utf8.accepts(UnsafeRawBufferPointer(rebasing: all[start...])) && (!isLast || self.utf8.isComplete)
        }
    }
}

/// How far the text of a frame that is not whole yet was checked: what is wrong is refused when it comes, not when the frame ends.
struct CutTextProgress {
    private var checked: UInt32 = 0
    private var utf8 = UTF8Validator()

    init() {}

    /// Whether nothing was checked yet.
    var isFresh: Bool { self.checked == 0 }

    /// A frame that goes on where another ended.
    init(after utf8: UTF8Validator) { self.utf8 = utf8 }

    /// Looks at what came since the last time. False where it cannot be text.
    ///
    /// - Parameter frame: begins with the header; what there is of the payload follows.
    mutating func accepts(_ frame: UnsafeRawBufferPointer, _ header: FrameHeader, on loop: EngineLoop) -> Bool {
        let start = header.headerLength + Int(self.checked)
        guard let base = frame.baseAddress, start < frame.count else { return true }
        let count = frame.count - start
        loop.reserveScratch(count)
        let turned = 8 * (self.checked & 3)
        let mask = header.mask >> turned | header.mask << ((32 - turned) & 31)
        let isASCII = WebSocketCodec.unmask(base + start, into: loop.scratch, count: count, mask: mask)
        self.checked += UInt32(truncatingIfNeeded: count)
        if isASCII, self.utf8.isComplete { return true }
        return self.utf8.accepts(UnsafeRawBufferPointer(start: loop.scratch, count: count))
    }
}
