// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// What any thread may ask.
final class ClusterStatus: Sendable {
    /// Commands can be sent.
    let isConnected = Atomic(false)
    /// Everything wanted is subscribed.
    let isSubscribed = Atomic(false)
    /// Both were true at some time.
    let wasReached = Atomic(false)
    /// Messages for which there was no room.
    let refusedMessages = Atomic(0)

    var isReady: Bool {
        self.isConnected.load(ordering: .acquiring) && self.isSubscribed.load(ordering: .acquiring)
    }

    func setConnected(_ isConnected: Bool) {
        self.isConnected.store(isConnected, ordering: .sequentiallyConsistent)
        self.noteReached()
    }

    func setSubscribed(_ isSubscribed: Bool) {
        self.isSubscribed.store(isSubscribed, ordering: .sequentiallyConsistent)
        self.noteReached()
    }

    private func noteReached() {
        if self.isReady { self.wasReached.store(true, ordering: .releasing) }
    }
}
