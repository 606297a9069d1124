// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HTTPTypes
import Hummingbird
import NIOCore

extension PresenceEventHub {
    /// The stream of server-sent events for one client. Ends when the client goes, is cut off, or the server shuts
    /// down.
    func response(to request: Request, channel: any Channel) throws(AdminError) -> Response {
        let lastEventID = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
        let subscription = try self.subscribe(lastEventID: lastEventID) {
            channel.close(promise: nil)
        }
        let body = ResponseBody { writer in
            try await request.body.consumeWithInboundCloseHandler { _ in
                for await _ in subscription.wakeUps {
                    while case .write(let text) = self.step(subscription.key) {
                        try await writer.write(ByteBuffer(string: text))
                    }
                }
                try await writer.finish(nil)
            } onInboundClosed: {
                subscription.finish()
            }
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8"], body: body)
    }
}
