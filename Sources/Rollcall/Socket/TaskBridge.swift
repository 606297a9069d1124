// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension Socket {
    /// Starts `body` at once, on the socket's event loop up to its first suspension: asynchronous handlers start in the order of
    /// their events. It is cancelled when the socket ends. The only place where tasks without a parent are made for sockets.
    func runTask(_ body: @escaping @Sendable () async -> Void) {
        let extras = self.extras
        let id = extras.nextTask
        extras.nextTask += 1
        let task = Task.immediate {
            await body()
            self.onLoop { socket in
                guard let extras = socket.state.extras else { return }
                if extras.tasks.removeValue(forKey: id) == nil { extras.finishedAtOnce = id }
            }
        }
        guard extras.finishedAtOnce != id else { return }
        if self.state.phase < .closing { extras.tasks[id] = task } else { task.cancel() }
    }
}
