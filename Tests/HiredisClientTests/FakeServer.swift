// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOPosix
import Synchronization
import TestSupport

/// A TCP server that answers commands as a test wants, also wrongly. It understands whole commands only.
final class FakeServer: Sendable {
    /// What it does about one command.
    enum Answer: Sendable {
        /// These bytes, whatever they are.
        case bytes(String)
        /// These bytes, then the end of the connection.
        case last(String)
        /// Nothing.
        case silence
    }

    /// Answers the number of the connection, from 0, and a command's words.
    typealias Script = @Sendable (_ connection: Int, _ words: [String]) -> Answer

    private let channel: any Channel
    private let connections: Connections
    let commands = Recorder<[String]>()

    var port: Int { self.channel.localAddress?.port ?? 0 }

    var url: String { "redis://127.0.0.1:\(self.port)" }

    /// How many connections it had.
    var connectionCount: Int { self.connections.all.withLock { $0.count } }

    private final class Connections: Sendable {
        let all = Mutex<[any Channel]>([])
    }

    init(_ script: @escaping Script) async throws {
        let connections = Connections()
        let commands = self.commands
        self.connections = connections
        self.channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = connections.all.withLock {
                        $0.append(channel)
                        return $0.count - 1
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        FakeServerHandler(number: number, commands: commands, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    deinit {
        self.channel.close(promise: nil)
        for connection in self.connections.all.withLock({ $0 }) { connection.close(promise: nil) }
    }

    /// Sends bytes on a connection out of turn.
    func push(_ text: String, connection: Int) {
        let channel = self.connections.all.withLock { $0[connection] }
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    /// What a healthy server says to a handshake; nil for other commands.
    static func handshake(_ words: [String]) -> Answer? {
        switch words[0] {
        case "CLIENT", "AUTH", "SELECT": .bytes("+OK\r\n")
        case "INFO": .bytes("$10\r\nrun_id:abc\r\n")
        case "ROLE": .bytes("*1\r\n$6\r\nmaster\r\n")
        case "PING": .bytes("+PONG\r\n")
        default: nil
        }
    }
}

private final class FakeServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let number: Int
    private let commands: Recorder<[String]>
    private let script: FakeServer.Script
    private var input = ByteBuffer()

    init(number: Int, commands: Recorder<[String]>, script: @escaping FakeServer.Script) {
        self.number = number
        self.commands = commands
        self.script = script
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.input.writeImmutableBuffer(Self.unwrapInboundIn(data))
        while let words = self.nextCommand() {
            self.commands.add(words)
            switch self.script(self.number, words) {
            case .bytes(let text):
                context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
            case .last(let text):
                context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
                context.close(promise: nil)
                return
            case .silence: break
            }
        }
    }

    private func nextCommand() -> [String]? {
        let start = self.input
        guard let count = self.number(after: "*") else {
            self.input = start
            return nil
        }
        var words: [String] = []
        for _ in 0..<count {
            guard let length = self.number(after: "$"), let word = self.input.readString(length: length),
                self.input.readString(length: 2) == "\r\n"
            else {
                self.input = start
                return nil
            }
            words.append(word)
        }
        return words
    }

    private func number(after mark: String) -> Int? {
        guard let end = self.input.readableBytesView.firstIndex(of: UInt8(ascii: "\n")),
            let line = self.input.readString(length: end - self.input.readerIndex + 1), line.hasPrefix(mark)
        else { return nil }
        return Int(line.dropFirst().dropLast(1))
    }
}
