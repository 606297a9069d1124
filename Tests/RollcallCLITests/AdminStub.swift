// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server that answers as the table says and remembers what it was asked.
final class AdminStub: Sendable {
    struct Request: Equatable {
        let line: String
        let authorization: String?
        let body: String
    }

    struct Answer {
        let status: Int
        let body: String
    }

    let port: Int
    private let channel: any Channel
    private let received: Received

    var requests: [Request] { self.received.requests.withLock { $0 } }

    /// - Parameter answers: by `METHOD path?query`; what is not there is a 404.
    init(_ answers: [String: Answer]) async throws {
        let received = Received()
        self.received = received
        self.channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(answers, received))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = self.channel.localAddress?.port ?? 0
    }

    func close() async throws {
        try await self.channel.close()
    }

    private final class Received: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answers: [String: Answer]
        private let received: Received
        private var head: HTTPRequestHead?
        private var body = ""

        init(_ answers: [String: Answer], _ received: Received) {
            self.answers = answers
            self.received = received
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                self.body = ""
            case .body(let buffer):
                self.body += String(buffer: buffer)
            case .end:
                guard let head = self.head else { return }
                self.answer(head, context)
            }
        }

        private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
            let line = "\(head.method) \(head.uri)"
            let request = Request(line: line, authorization: head.headers.first(name: "authorization"), body: self.body)
            self.received.requests.withLock { $0.append(request) }
            let answer = self.answers[line] ?? Answer(status: 404, body: #"{"title":"Not found"}"#)
            let headers = HTTPHeaders([("content-length", "\(answer.body.utf8.count)")])
            let status = HTTPResponseStatus(statusCode: answer.status)
            context.write(
                self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))),
                promise: nil)
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
