// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import NIOCore

/// Carries a value that belongs to one event loop through code that may run elsewhere.
///
/// Safe because the value can only be taken out on its loop: every access asserts that, and all state of connections,
/// sessions and sockets is reached either from a channel handler of that loop or through this type. Unlike `NIOLoopBound` it
/// checks in debug builds only (the tests run with them), and may be made on any thread.
package struct LoopBound<Value>: @unchecked Sendable {
    private let value: Value
    package let eventLoop: any EventLoop

    package init(_ value: Value, on eventLoop: any EventLoop) {
        self.value = value
        self.eventLoop = eventLoop
    }

    /// The value; on its event loop only.
    @inline(__always)
    package var onLoop: Value {
        self.eventLoop.assertInEventLoop()
        return self.value
    }

    /// The value where it is not touched but only passed on to something else of the same loop.
    package var unchecked: Value { self.value }

    /// Calls `body` with the value on its event loop: now, if that is the present one.
    package func execute(_ body: @escaping @Sendable (Value) -> Void) {
        if self.eventLoop.inEventLoop {
            body(self.value)
        } else {
            self.eventLoop.execute { body(self.onLoop) }
        }
    }
}
