// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Ends the event streams when the server stops: they would never end by themselves, and the server waits for every
/// request.
final class QuiescingHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = NIOAny
    typealias InboundOut = NIOAny

    private let events: PresenceEventHub

    init(events: PresenceEventHub) {
        self.events = events
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            self.events.close()
        }
        context.fireUserInboundEventTriggered(event)
    }
}
