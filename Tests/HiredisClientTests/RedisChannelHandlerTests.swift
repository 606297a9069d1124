// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import HiredisClient

@Suite struct RedisChannelHandlerTests {
    /// A handler on an embedded channel, and what it told.
    final class Link: RedisChannelListener {
        let channel = EmbeddedChannel()
        let counters = CounterCell()
        private(set) var handler: RedisChannelHandler!
        var answers: [String] = []
        var closed: [String] = []

        init(_ change: (inout RedisConfiguration) -> Void = { _ in }) throws {
            var configuration = RedisConfiguration(url: try RedisURL("redis://h"))
            change(&configuration)
            self.handler = RedisChannelHandler(configuration: configuration, counters: self.counters, listener: self)
            try self.channel.pipeline.syncOperations.addHandler(self.handler)
            try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        /// Breaks the circle of handler and listener.
        func finish() { _ = try? self.channel.finish(acceptAlreadyClosed: true) }

        func channelWillClose(_ error: RedisError) { self.closed.append("will \(error.code)") }

        func channelDidClose(_ error: RedisError) { self.closed.append("did \(error.code)") }

        func send(_ name: String) {
            self.handler.send(RedisCommand(name)) { self.note(name, $0) }
        }

        func note(_ name: String, _ result: Result<RedisReply, RedisError>) {
            switch result {
            case .success(let reply): self.answers.append("\(name) \(reply.text ?? reply.int.map { "\($0)" } ?? "?")")
            case .failure(let error): self.answers.append("\(name) \(error.code) \(error.wasSent ? "sent" : "unsent")")
            }
        }

        func receive(_ text: String) throws {
            try self.channel.writeInbound(ByteBuffer(string: text))
        }

        /// What was written since; one string per write.
        func written() throws -> [String] {
            var writes: [String] = []
            while let buffer = try self.channel.readOutbound(as: ByteBuffer.self) {
                writes.append(String(buffer: buffer))
            }
            return writes
        }

        func endTurn() { self.channel.embeddedEventLoop.run() }
    }

    @Test func commandsOfATurnAreOneWrite() throws {
        let link = try Link()
        defer { link.finish() }
        link.send("A")
        link.send("B")
        #expect(try link.written() == [])
        link.endTurn()
        #expect(try link.written() == ["*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n"])
        link.send("C")
        link.endTurn()
        #expect(try link.written() == ["*1\r\n$1\r\nC\r\n"])
        #expect(link.counters.value.commands == 3)
        #expect(link.counters.value.bytesOut == 33)
    }

    @Test func repliesGoToCommandsInOrder() throws {
        let link = try Link()
        defer { link.finish() }
        for name in ["A", "B", "C"] { link.send(name) }
        link.endTurn()
        try link.receive("+one\r\n-OOM full\r\n$5\r\nth")
        #expect(link.answers == ["A one", "B server error OOM unsent"])
        #expect(link.handler.pendingCount == 1)
        try link.receive("ree\r\n")
        #expect(link.answers.last == "C three")
        #expect(link.handler.pendingBytes == 0)
        #expect(link.counters.value.replies == 3)
        #expect(link.counters.value.errors == 1)
    }

    @Test func repliesSplitAtEveryByteArriveWhole() throws {
        let stream = Array("$3\r\nabc\r\n:12\r\n+OK\r\n".utf8)
        for split in 1..<stream.count {
            let link = try Link()
            defer { link.finish() }
            for name in ["A", "B", "C"] { link.send(name) }
            link.endTurn()
            try link.channel.writeInbound(ByteBuffer(bytes: stream[..<split]))
            try link.channel.writeInbound(ByteBuffer(bytes: stream[split...]))
            #expect(link.answers == ["A abc", "B 12", "C OK"])
        }
    }

    @Test func whatAReplyLeadsToIsFlushedWithItsRead() throws {
        let link = try Link()
        defer { link.finish() }
        for name in ["A", "B"] {
            link.handler.send(RedisCommand(name)) { _ in link.send("after \(name)") }
        }
        link.endTurn()
        _ = try link.written()
        try link.receive(":1\r\n:2\r\n")
        #expect(try link.written() == ["*1\r\n$7\r\nafter A\r\n*1\r\n$7\r\nafter B\r\n"])
    }

    @Test func aLostConnectionFailsEverythingInOrder() throws {
        let link = try Link()
        defer { link.finish() }
        for name in ["A", "B"] { link.send(name) }
        link.endTurn()
        try link.receive("$10\r\nhalf")
        link.send("C")
        link.channel.pipeline.fireChannelInactive()
        // The turn was not over yet: C was still in the output.
        #expect(link.answers == ["A disconnected sent", "B disconnected sent", "C disconnected unsent"])
        #expect(link.closed == ["will disconnected", "did disconnected"])
        #expect(!link.handler.isOpen)
        #expect(link.handler.pendingCount == 0)
    }

    @Test func aReplyWithoutACommandClosesTheConnection() throws {
        let link = try Link()
        defer { link.finish() }
        try link.receive("+hello\r\n")
        #expect(link.closed == ["will protocol violation", "did protocol violation"])
        #expect(!link.channel.isActive)
    }

    @Test func aReplyToACommandThatWasNotWrittenYetClosesTheConnection() throws {
        let link = try Link()
        defer { link.finish() }
        link.send("A")
        try link.receive("+early\r\n")
        #expect(link.answers == ["A protocol violation unsent"])
    }

    @Test(arguments: ["garbage", "$99999999999\r\n", "*2147483647\r\n", ":1\r\n:2\r\n:3\r\n?"])
    func garbageClosesTheConnection(text: String) throws {
        let link = try Link()
        defer { link.finish() }
        for name in ["A", "B", "C", "D"] { link.send(name) }
        link.endTurn()
        try link.receive(text)
        #expect(link.answers.count == 4)
        #expect(link.answers.last == "D protocol violation sent")
        #expect(!link.channel.isActive)
        try? link.receive("+more\r\n")
        #expect(link.answers.count == 4)
    }

    @Test func aCompletionMayCloseTheConnection() throws {
        let link = try Link()
        defer { link.finish() }
        link.handler.send(RedisCommand("A")) { result in
            link.note("A", result)
            link.handler.close(RedisError(.disconnected, "reset"))
        }
        link.send("B")
        link.endTurn()
        try link.receive("+1\r\n+2\r\n")
        #expect(link.answers == ["A 1", "B disconnected sent"])
        #expect(link.closed == ["will disconnected", "did disconnected"])
    }

    @Test func anErrorInThePipelineClosesTheConnection() throws {
        let link = try Link()
        defer { link.finish() }
        link.send("A")
        link.endTurn()
        link.channel.pipeline.fireErrorCaught(TestFailure("broken"))
        #expect(link.answers == ["A disconnected sent"])
    }

    @Test func silenceIsGivenUp() throws {
        let link = try Link { $0.commandTimeout = .seconds(8) }
        defer { link.finish() }
        link.send("A")
        link.endTurn()
        for _ in 0..<8 { link.handler.tick() }
        #expect(link.answers == [])
        link.handler.tick()
        #expect(link.answers == ["A timeout sent"])
        #expect(link.counters.value.timeouts == 1)
        #expect(!link.channel.isActive)
    }

    @Test func anIdleConnectionIsPinged() throws {
        let link = try Link { $0.keepaliveInterval = .seconds(2) }
        defer { link.finish() }
        while try link.written().isEmpty {
            link.handler.tick()
            link.endTurn()
            try #require(link.counters.value.timeouts == 0)
        }
        #expect(link.handler.pendingCount == 1)
        try link.receive("+PONG\r\n")
        #expect(link.handler.pendingCount == 0)
        #expect(link.handler.isOpen)
    }

    @Test func closesWhenTheLastReplyCame() throws {
        let link = try Link()
        defer { link.finish() }
        link.send("A")
        link.send("B")
        link.endTurn()
        link.handler.closeWhenIdle()
        try link.receive(":1\r\n")
        #expect(link.closed == [])
        try link.receive(":2\r\n")
        #expect(link.answers == ["A 1", "B 2"])
        #expect(link.closed == ["will closed", "did closed"])
    }

    @Test func aDemotedServerIsLeft() throws {
        let link = try Link { $0.requireMaster = true }
        defer { link.finish() }
        link.send("A")
        link.send("B")
        link.endTurn()
        try link.receive("-READONLY You can't write against a read only replica.\r\n")
        #expect(link.answers == ["A server error READONLY unsent", "B disconnected sent"])
    }

    @Test func buildsCommandsInTheOutput() throws {
        let link = try Link()
        defer { link.finish() }
        #expect(!link.handler.send(capacity: 10, { _ in }) { _ in })
        let wrote = link.handler.send(capacity: 1) { writer in
            writer.append("SET")
            writer.append(String(repeating: "k", count: 40_000))
        } completion: {
            link.note("A", $0)
        }
        #expect(wrote)
        link.endTurn()
        #expect(try link.written().first?.utf8.count == 40_000 + 4 + 9 + 8 + 2)
        #expect(link.handler.pendingBytes == 40_023)
        try link.receive("+OK\r\n")
        #expect(link.answers == ["A OK"])
    }
}
