// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOPosix

/// Runs blocking test code on threads of its own, so that the few threads of Swift's pool stay free for the server.
package final class BlockingExecutor: TaskExecutor {
    package static let shared = BlockingExecutor()
    private let pool: NIOThreadPool

    private init() {
        self.pool = NIOThreadPool(numberOfThreads: 24)
        self.pool.start()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = self.asUnownedTaskExecutor()
        self.pool.submit { _ in job.runSynchronously(on: executor) }
    }
}

/// Runs `body` where it may block its thread.
package func blocking<T: Sendable>(_ body: @Sendable () async throws -> T) async throws -> T {
    try await withTaskExecutorPreference(BlockingExecutor.shared) { try await body() }
}
