// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Hummingbird
import NIOCore

/// What a request carries beside itself: the channel, so that a reader who does not read can be cut off.
struct AdminRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.channel = source.channel
    }
}
