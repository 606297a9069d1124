// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix

/// The least of a Socket.IO client over WebSocket: text and binary frames as they come. Pings are answered.
package final class WebSocketClient: Sendable {
    package enum Frame: Hashable, Sendable {
        case text(String)
        case binary([UInt8])
        case closed
    }

    private let channel: any Channel
    private let frames: Recorder<Frame>

    private init(_ channel: any Channel, _ frames: Recorder<Frame>) {
        self.channel = channel
        self.frames = frames
    }

    /// Opens a session and joins a namespace.
    package static func connect(
        port: Int, namespace: String = "/", auth: String = "", headers: [String] = []
    ) async throws -> WebSocketClient {
        let client = try await Self.open(port: port, headers: headers)
        try await client.send("40" + (namespace == "/" ? "" : "\(namespace),") + auth)
        try await eventually("CONNECT is answered") { client.texts.contains { $0.hasPrefix("40") } }
        return client
    }

    /// Opens a session.
    ///
    /// - Parameter query: of the request, beside the transport.
    package static func open(
        port: Int, host: String = "localhost", headers: [String] = [], query: String = "EIO=4"
    ) async throws -> WebSocketClient {
        let frames = Recorder<Frame>()
        let head = [
            "GET /socket.io/?\(query)&transport=websocket HTTP/1.1", "Host: \(host)", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        let request = (head + headers).joined(separator: "\r\n") + "\r\n\r\n"
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FrameReader(frames, request: request))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let client = WebSocketClient(channel, frames)
        try await eventually("the session is open") { client.texts.contains { $0.hasPrefix("0{") } }
        return client
    }

    /// The id of the socket, which is a room, too.
    package var sid: String {
        get throws {
            guard let connect = self.texts.first(where: { $0.hasPrefix("40") }),
                let start = connect.firstRange(of: "\"sid\":\"")?.upperBound
            else { throw TestFailure("no CONNECT in \(self.texts)") }
            return String(connect[start...].prefix { $0 != "\"" })
        }
    }

    package var all: [Frame] { self.frames.all }

    package var texts: [String] {
        self.frames.all.compactMap { if case .text(let text) = $0 { text } else { nil } }
    }

    /// The events among them.
    package var events: [String] { self.texts.filter { $0.hasPrefix("42") || $0.hasPrefix("45") } }

    package func send(_ text: String) async throws {
        var frame = ByteBuffer(bytes: [0x81])
        let count = text.utf8.count
        if count < 126 {
            frame.writeInteger(UInt8(0x80 | count))
        } else {
            frame.writeInteger(UInt8(0x80 | 126))
            guard let count = UInt16(exactly: count) else { throw TestFailure("\(count) bytes are too long a text") }
            frame.writeInteger(count)
        }
        frame.writeInteger(UInt32(0))  // a mask of zeros leaves the payload as it is
        frame.writeString(text)
        try await self.channel.writeAndFlush(frame)
    }

    package func close() async {
        try? await self.channel.close()
    }

    /// Waits for a text.
    package func text(
        beginning start: String, file: StaticString = #fileID, line: UInt = #line
    ) async throws -> String {
        var found: String?
        try await eventually("\(start) in \(self.all)", file: file, line: line) {
            found = self.texts.first { $0.hasPrefix(start) }
            return found != nil
        }
        return found ?? ""
    }

    /// Waits until the server closes the connection.
    package func expectClosed(file: StaticString = #fileID, line: UInt = #line) async throws {
        try await eventually("closed after \(self.all)", file: file, line: line) { self.all.contains(.closed) }
    }

    /// Waits for the events with these texts, in this order, and nothing else.
    package func expect(
        _ events: [String], _ what: String = "the events arrive", file: StaticString = #fileID, line: UInt = #line
    ) async throws {
        try await eventually(what, file: file, line: line) { self.events.count >= events.count }
        guard self.events == events else {
            throw TestFailure("\(file):\(line): \(what): \(self.events) instead of \(events)")
        }
    }
}

/// Asks for the WebSocket and takes the server's frames apart.
private final class FrameReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let frames: Recorder<WebSocketClient.Frame>
    private let request: String
    private var buffer = ByteBuffer()
    private var isUpgraded = false

    init(_ frames: Recorder<WebSocketClient.Frame>, request: String) {
        self.frames = frames
        self.request = request
    }

    /// Here and not by the test, which may wait for a thread until the server has lost its patience.
    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: self.request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var read = self.unwrapInboundIn(data)
        self.buffer.writeBuffer(&read)
        if !self.isUpgraded {
            guard let end = self.buffer.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            self.buffer.moveReaderIndex(to: end.upperBound)
            self.isUpgraded = true
        }
        while self.readFrame(context) {}
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.frames.add(.closed)
    }

    private func readFrame(_ context: ChannelHandlerContext) -> Bool {
        var ahead = self.buffer
        guard let first = ahead.readInteger(as: UInt8.self), let second = ahead.readInteger(as: UInt8.self) else {
            return false
        }
        var length = Int(second & 0x7F)
        if length == 126 {
            guard let extended = ahead.readInteger(as: UInt16.self) else { return false }
            length = Int(extended)
        } else if length == 127 {
            guard let extended = ahead.readInteger(as: UInt64.self) else { return false }
            length = Int(extended)
        }
        guard let payload = ahead.readSlice(length: length) else { return false }
        self.buffer = ahead
        switch first & 0x0F {
        case 1 where payload.readableBytesView.elementsEqual([0x32]):  // a ping of Engine.IO
            context.writeAndFlush(
                self.wrapOutboundOut(ByteBuffer(bytes: [0x81, 0x81, 0, 0, 0, 0, 0x33])), promise: nil)
        case 1: self.frames.add(.text(String(buffer: payload)))
        case 2: self.frames.add(.binary(Array(payload.readableBytesView)))
        default: break
        }
        return true
    }
}
