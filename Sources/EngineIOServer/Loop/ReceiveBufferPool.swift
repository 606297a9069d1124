// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// One receive buffer for all channels of a loop, so that an idle connection holds none.
///
/// Used only on its loop: the pool hangs on the loop's state, and an allocator is given to channels of that loop alone, which
/// call it there. That is what makes `@unchecked Sendable` (asked for by the option's type) safe.
final class ReceiveBufferPool: @unchecked Sendable {
    static let capacity = 65536
    private var spare: ByteBuffer?

    func take() -> ByteBuffer {
        guard var buffer = self.spare.take() else { return ByteBufferAllocator().buffer(capacity: Self.capacity) }
        buffer.clear()  // nobody else holds it by now: no allocation
        return buffer
    }

    func giveBack(_ buffer: ByteBuffer) {
        if buffer.storageCapacity >= Self.capacity { self.spare = buffer }
    }
}

/// NIO keeps the first buffer that a channel's allocator hands out for the whole life of the channel, so that one is tiny;
/// `record` answering "the next may be larger" keeps NIO from ever using it again, and `maxMessagesPerRead` must be 1 or it would
/// collect more of them. Every later read takes the loop's buffer, which the handler gives back when it has looked at it.
struct SharedReceiveAllocator: RecvByteBufferAllocator {
    let pool: ReceiveBufferPool
    private var isFirst = true

    init(pool: ReceiveBufferPool) { self.pool = pool }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        self.isFirst ? allocator.buffer(capacity: 16) : self.pool.take()
    }

    mutating func record(actualReadBytes: Int) -> Bool {
        self.isFirst = false
        return true
    }
}
