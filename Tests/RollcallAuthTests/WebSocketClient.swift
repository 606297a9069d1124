// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOPosix
import Synchronization
import Testing

/// The least of a Socket.IO client over WebSocket: short texts, as they come.
final class WebSocketClient: Sendable {
    private let channel: any Channel
    private let transcript: Transcript

    private init(_ channel: any Channel, _ transcript: Transcript) {
        self.channel = channel
        self.transcript = transcript
    }

    /// Opens a session and asks to join the namespace `/`.
    static func connect(port: Int, auth: String = "", headers: [String] = []) async throws -> WebSocketClient {
        let transcript = Transcript()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FrameReader(transcript))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let request = [
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1", "Host: chat.example:8080", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ]
        let client = WebSocketClient(channel, transcript)
        try await channel.writeAndFlush(
            ByteBuffer(string: (request + headers).joined(separator: "\r\n") + "\r\n\r\n"))
        _ = try await client.text(beginning: "0{")
        try await client.send("40" + auth)
        return client
    }

    func send(_ text: String) async throws {
        let count = text.utf8.count
        try #require(count < 65_536)
        var frame = ByteBuffer(bytes: [0x81])
        if count < 126 {
            frame.writeInteger(UInt8(0x80 | count))
        } else {
            frame.writeInteger(UInt8(0x80 | 126))
            frame.writeInteger(UInt16(count))
        }
        frame.writeInteger(UInt32(0))  // a mask of zeros leaves the payload as it is
        frame.writeString(text)
        try await self.channel.writeAndFlush(frame)
    }

    /// Waits for a text.
    func text(beginning start: String, sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let found = try await self.wait(sourceLocation) { transcript in
            transcript.texts.first { $0.hasPrefix(start) }
        }
        return try #require(found, "\(start) in \(self.texts)", sourceLocation: sourceLocation)
    }

    /// Waits until the server closes the connection.
    func expectClosed(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let closed: Bool? = try await self.wait(sourceLocation) { $0.isClosed ? true : nil }
        #expect(closed == true, "still open after \(self.texts)", sourceLocation: sourceLocation)
    }

    var texts: [String] { self.transcript.state.withLock { $0.texts } }

    func close() async {
        try? await self.channel.close()
    }

    private func wait<Found>(
        _ sourceLocation: SourceLocation, for look: (Transcript.State) -> Found?
    ) async throws -> Found? {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if let found = look(self.transcript.state.withLock { $0 }) { return found }
            try await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }
}

/// What a server has sent.
private final class Transcript: Sendable {
    struct State {
        var texts: [String] = []
        var isClosed = false
    }

    let state = Mutex(State())
}

/// Takes a server's frames apart.
private final class FrameReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let transcript: Transcript
    private var buffer = ByteBuffer()
    private var isUpgraded = false

    init(_ transcript: Transcript) { self.transcript = transcript }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var read = self.unwrapInboundIn(data)
        self.buffer.writeBuffer(&read)
        if !self.isUpgraded {
            guard let end = self.buffer.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            self.buffer.moveReaderIndex(to: end.upperBound)
            self.isUpgraded = true
        }
        while let text = self.readFrame() { self.transcript.state.withLock { $0.texts.append(text) } }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.transcript.state.withLock { $0.isClosed = true }
    }

    private func readFrame() -> String? {
        var ahead = self.buffer
        guard let head = ahead.readInteger(as: UInt16.self) else { return nil }
        var length = Int(head & 0x7F)
        if length == 126 {
            guard let extended = ahead.readInteger(as: UInt16.self) else { return nil }
            length = Int(extended)
        }
        guard let payload = ahead.readSlice(length: length) else { return nil }
        self.buffer = ahead
        return head >> 8 == 0x81 ? String(buffer: payload) : ""
    }
}
