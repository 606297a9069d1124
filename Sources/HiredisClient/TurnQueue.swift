// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// What is to be done at the end of the event loop's turn, so that a call never runs its callback before it returned.
final class TurnQueue {
    private let eventLoop: any EventLoop
    private var tasks: [() -> Void] = []

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func add(_ task: @escaping () -> Void) {
        self.tasks.append(task)
        guard self.tasks.count == 1 else { return }
        self.eventLoop.assumeIsolated().execute { self.run() }
    }

    private func run() {
        let tasks = self.tasks
        self.tasks = []
        for task in tasks { task() }
    }
}
