// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Dispatch
import NIOCore
import NIOPosix

/// An event loop that can be kept busy.
final class BlockedLoop: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let gate = DispatchSemaphore(value: 0)

    var eventLoop: any EventLoop { self.group.any() }

    func block() {
        self.eventLoop.execute { [gate] in gate.wait() }
    }

    func unblock() { self.gate.signal() }

    deinit { self.group.shutdownGracefully { _ in } }
}
