// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// Jobs of any thread for one event loop, in their order. Those of one turn share one wakeup.
final class TurnMailbox<Job: Sendable>: Sendable {
    private struct Contents {
        var jobs: [Job] = []
        var messages = 0
        var bytes = 0
    }

    private let contents = Mutex(Contents())
    private let maxMessages: Int
    private let maxBytes: Int

    init(maxMessages: Int, maxBytes: Int) {
        self.maxMessages = maxMessages
        self.maxBytes = maxBytes
    }

    /// Adds a job that must not be lost; there are only as many as there are connections. True: the loop must be woken.
    func add(_ job: Job) -> Bool {
        self.contents.withLock { contents in
            contents.jobs.append(job)
            return contents.jobs.count == 1
        }
    }

    /// Adds a job that may be dropped. Nil: there is no room for it.
    func add(message job: Job, bytes: Int) -> Bool? {
        self.contents.withLock { contents in
            guard contents.messages < self.maxMessages, contents.bytes + bytes <= self.maxBytes else { return nil }
            contents.messages += 1
            contents.bytes += bytes
            contents.jobs.append(job)
            return contents.jobs.count == 1
        }
    }

    /// Puts all jobs into `jobs`, which is empty and whose memory is used again.
    func take(into jobs: inout [Job]) {
        self.contents.withLock { contents in
            swap(&contents.jobs, &jobs)
            contents.messages = 0
            contents.bytes = 0
        }
    }
}
