// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// What a subscriber under test told, in order.
struct SubscriberEvents: Sendable {
    let all = Recorder<String>()
    let log = Recorder<String>()

    var messages: [String] { self.all.all.filter { $0.contains("=") } }

    func count(_ event: String) -> Int { self.all.all.count { $0 == event } }
}

@Suite(.serialized) struct RedisSubscriberTests {
    private func withSubscriber<Outcome>(
        _ configuration: RedisConfiguration, _ body: (RedisSubscriber, SubscriberEvents) async throws -> Outcome
    ) async throws -> Outcome {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let events = SubscriberEvents()
        let subscriber = RedisSubscriber(
            configuration: configuration, eventLoop: loop, logger: Logger(recording: events.log))
        try await loop.submit {
            subscriber.onMessage = {
                events.all.add("\(String(decoding: $0, as: UTF8.self))=\(String(decoding: $1, as: UTF8.self))")
            }
            subscriber.onReadComplete = { events.all.add("read complete") }
            subscriber.onReady = { events.all.add("ready") }
            subscriber.onGap = { events.all.add("gap") }
            subscriber.onDisconnected = { _ in events.all.add("disconnected") }
        }.get()
        return try await running({ try await subscriber.run() }) { try await body(subscriber, events) }
    }

    private func onLoop<Value: Sendable>(
        _ subscriber: RedisSubscriber, _ body: @escaping @Sendable (RedisSubscriber) -> Value
    ) async throws -> Value {
        try await subscriber.eventLoop.submit { body(subscriber) }.get()
    }

    /// Subscribes and waits for the confirmation.
    private func subscribe(_ subscriber: RedisSubscriber, _ channels: String...) async throws -> Bool {
        let confirmed = Recorder<Bool>()
        try await self.onLoop(subscriber) { $0.subscribe(channels) { confirmed.add($0) } }
        try await eventually("confirmed") { !confirmed.all.isEmpty }
        return confirmed.all[0]
    }

    private func subscriptions(_ client: RedisClient, _ channel: String) async throws -> Int {
        try await client.command("PUBSUB", "NUMSUB", channel).elements?.last?.int ?? -1
    }

    @Test func receivesWhatItSubscribedTo() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, _ in
            try await self.withSubscriber(.testing(port: server.port)) { subscriber, events in
                #expect(try await self.subscribe(subscriber, "a", "b"))
                #expect(try await self.subscribe(subscriber, "a"))
                #expect(try await self.subscribe(subscriber))
                for (channel, text) in [("a", "1"), ("b", "2"), ("c", "3"), ("a", "한\0")] {
                    try await client.command("PUBLISH", channel, text)
                }
                try await eventually("three messages") { events.messages.count == 3 }
                #expect(events.messages == ["a=1", "b=2", "a=한\0"])
                #expect(events.all.all.first == "ready")
                try await eventually("the read is complete") { events.all.all.last == "read complete" }
                try await self.onLoop(subscriber) { $0.unsubscribe(["a", "never"]) }
                try await eventually("unsubscribed") { try await self.subscriptions(client, "a") == 0 }
                #expect(try await self.subscriptions(client, "b") == 1)
                #expect(try await self.onLoop(subscriber) { $0.counters.messages } == 3)
                #expect(events.count("gap") == 0)
            }
        }
    }

    @Test func carriesLargeMessagesAndBursts() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, _ in
            try await self.withSubscriber(.testing(port: server.port)) { subscriber, events in
                _ = try await self.subscribe(subscriber, "c")
                let large = String(repeating: "x", count: 1_000_000)
                try await client.onLoop { [client] in
                    for number in 0..<5000 { client.send(RedisCommand("PUBLISH", "c", "\(number)")) { _ in } }
                    client.send(RedisCommand("PUBLISH", "c", large)) { _ in }
                }
                try await eventually("all arrive") {
                    try await self.onLoop(subscriber) { $0.counters.messages } == 5001
                }
                #expect(events.messages.prefix(5000).elementsEqual((0..<5000).map { "c=\($0)" }))
                #expect(events.messages.last == "c=\(large)")
                // Many messages share a read.
                #expect(events.count("read complete") < 5001)
            }
        }
    }

    @Test func thousandsOfChannelsInOneTurn() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, _ in
            try await self.withSubscriber(.testing(port: server.port)) { subscriber, events in
                try await eventually("ready") { events.count("ready") == 1 }
                let before = try await self.onLoop(subscriber) { $0.counters.commands }
                let confirmed = Recorder<Bool>()
                try await self.onLoop(subscriber) { subscriber in
                    for number in 0..<3000 { subscriber.subscribe(["room\(number)"]) { confirmed.add($0) } }
                }
                try await eventually("all confirmed") { confirmed.all.count == 3000 }
                #expect(confirmed.all.allSatisfy { $0 })
                #expect(try await self.onLoop(subscriber) { $0.counters.commands } - before == 6)
                #expect(try await client.command("PUBSUB", "CHANNELS").elements?.count == 3000)
            }
        }
    }

    @Test func subscribesAgainAfterARestartAndTellsOfTheGap() async throws {
        let server = try RedisServerProcess()
        try await self.withSubscriber(.testing(port: server.port)) { subscriber, events in
            for number in 0..<1200 { try await self.onLoop(subscriber) { $0.subscribe(["c\(number)"]) } }
            #expect(try await self.subscribe(subscriber, "last"))
            server.stop()
            try await eventually("the loss is noticed") { events.count("disconnected") == 1 }
            #expect(try await !self.onLoop(subscriber) { $0.isReady })
            let late = Recorder<Bool>()
            try await self.onLoop(subscriber) { subscriber in
                subscriber.subscribe(["late"]) { late.add($0) }
                subscriber.unsubscribe(["c7"])
            }
            try server.start()
            try await eventually("ready again") { events.count("ready") == 2 }
            #expect(events.all.all == ["ready", "disconnected", "gap", "ready"])
            #expect(late.all == [true])
            try await withClient(.testing(port: server.port)) { client, _ in
                #expect(try await client.command("PUBSUB", "CHANNELS").elements?.count == 1201)
                #expect(try await self.subscriptions(client, "c7") == 0)
                #expect(try await self.subscriptions(client, "late") == 1)
                try await client.command("PUBLISH", "c1199", "x")
            }
            try await eventually("messages flow") { events.messages == ["c1199=x"] }
        }
    }

    @Test func theLastWishCounts() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, _ in
            try await self.withSubscriber(.testing(port: server.port)) { subscriber, events in
                try await eventually("ready") { events.count("ready") == 1 }
                let confirmed = Recorder<String>()
                try await self.onLoop(subscriber) { subscriber in
                    subscriber.subscribe(["a"]) { confirmed.add("first \($0)") }
                    subscriber.unsubscribe(["a"])
                    subscriber.subscribe(["a"]) { confirmed.add("second \($0)") }
                    subscriber.subscribe(["b"]) { confirmed.add("b \($0)") }
                    subscriber.unsubscribe(["b"])
                }
                try await eventually("all told") { confirmed.all.count == 3 }
                #expect(Set(confirmed.all) == ["first false", "second true", "b false"])
                #expect(try await self.subscriptions(client, "a") == 1)
                #expect(try await self.subscriptions(client, "b") == 0)
                // Any number of changes of mind, each in a turn of its own, with answers under way.
                var random = SplitMix(state: 7)
                for _ in 0..<500 {
                    let subscribes = Bool.random(using: &random)
                    let channels = ["a", "b", "c"].filter { _ in Bool.random(using: &random) }
                    subscriber.eventLoop.execute {
                        if subscribes { subscriber.subscribe(channels) } else { subscriber.unsubscribe(channels) }
                    }
                }
                try await self.onLoop(subscriber) { subscriber in
                    subscriber.unsubscribe(["a", "b", "c"])
                    subscriber.subscribe(["b"])
                }
                #expect(try await self.subscribe(subscriber, "b"))
                for (channel, count) in [("a", 0), ("b", 1), ("c", 0)] {
                    try await eventually("\(channel) settles") {
                        try await self.subscriptions(client, channel) == count
                    }
                }
                #expect(events.count("disconnected") == 0)
            }
        }
    }

    @Test func aChannelThatMayNotBeSubscribedIsRefusedAlone() async throws {
        let server = try RedisServerProcess("--user", "node", "on", ">pw", "resetchannels", "&good*", "+@all")
        let url = "redis://node:pw@127.0.0.1:\(server.port)"
        try await self.withSubscriber(.testing(url)) { subscriber, events in
            let confirmed = Recorder<String>()
            try await self.onLoop(subscriber) { subscriber in
                for name in ["good1", "bad1", "good2", "bad2"] {
                    subscriber.subscribe([name]) { confirmed.add("\(name) \($0)") }
                }
                subscriber.subscribe(["good3", "bad3"]) { confirmed.add("both \($0)") }
            }
            try await eventually("all told") { confirmed.all.count == 5 }
            #expect(
                Set(confirmed.all) == ["good1 true", "bad1 false", "good2 true", "bad2 false", "both false"])
            try await eventually("ready nevertheless") { events.count("ready") == 1 }
            #expect(events.log.all.contains { $0.contains("refuses a subscription") && $0.contains("bad2") })
            #expect(try await self.subscribe(subscriber, "good4"))
            #expect(try await !self.subscribe(subscriber, "bad1"))
            #expect(events.count("disconnected") == 0)
        }
    }

    @Test func aStoppedServerIsFoundDeadByPing() async throws {
        let server = try RedisServerProcess()
        var configuration = try RedisConfiguration.testing(port: server.port)
        configuration.commandTimeout = .seconds(2)
        configuration.keepaliveInterval = .milliseconds(50)
        try await self.withSubscriber(configuration) { subscriber, events in
            #expect(try await self.subscribe(subscriber, "a"))
            // Pings are answered, subscribed or not.
            let replies = try await self.onLoop(subscriber) { $0.counters.replies }
            try await eventually("pongs") { try await self.onLoop(subscriber) { $0.counters.replies } > replies + 2 }
            try await self.onLoop(subscriber) { $0.unsubscribe(["a"]) }
            let later = try await self.onLoop(subscriber) { $0.counters.replies }
            try await eventually("pongs") { try await self.onLoop(subscriber) { $0.counters.replies } > later + 3 }
            #expect(events.count("disconnected") == 0)
            #expect(try await self.subscribe(subscriber, "a"))
            server.pause()
            try await eventually("given up") { events.count("disconnected") == 1 }
            server.resume()
            try await eventually("back") { events.count("ready") == 2 }
        }
    }

    @Test func aUserWithoutPingStaysConnected() async throws {
        let server = try RedisServerProcess("--user", "node", "on", ">pw", "allchannels", "+subscribe", "+unsubscribe")
        var configuration = try RedisConfiguration.testing("redis://node:pw@127.0.0.1:\(server.port)")
        configuration.keepaliveInterval = .milliseconds(10)
        try await self.withSubscriber(configuration) { subscriber, events in
            #expect(try await self.subscribe(subscriber, "a"))
            try await eventually("it was asked") { try await self.onLoop(subscriber) { $0.counters.errors } > 5 }
            #expect(events.count("disconnected") == 0)
        }
    }

    @Test func refusesTooManyChannels() async throws {
        let server = try RedisServerProcess()
        var configuration = try RedisConfiguration.testing(port: server.port)
        configuration.maximumSubscriptions = 2
        try await self.withSubscriber(configuration) { subscriber, _ in
            #expect(try await self.subscribe(subscriber, "a", "b"))
            #expect(try await self.subscribe(subscriber, "a", "b"))
            #expect(try await !self.subscribe(subscriber, "c"))
            try await self.onLoop(subscriber) { $0.unsubscribe(["a"]) }
            try await eventually("there is room again") { try await self.subscribe(subscriber, "c") }
        }
    }

    @Test func waitersLearnOfTheEnd() async throws {
        let confirmed = Recorder<Bool>()
        let away = try ReservedPort()
        defer { withExtendedLifetime(away) {} }
        let configuration = try RedisConfiguration.testing(port: away.number)
        let subscriber = try await self.withSubscriber(configuration) { subscriber, _ in
            try await self.onLoop(subscriber) { $0.subscribe(["a", "b"]) { confirmed.add($0) } }
            return subscriber
        }
        try await eventually("told") { confirmed.all == [false] }
        #expect(try await !self.subscribe(subscriber, "a"))
    }

    // MARK: Hostile servers

    private static let confirmation = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"

    @Test(arguments: [
        "*3\r\n$9\r\nsubscribe\r\n$1\r\nz\r\n:1\r\n", "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n", "+PONG\r\n",
        ":1\r\n",
        "$1\r\nx\r\n", "*0\r\n", "*1\r\n$7\r\nmessage\r\n", "*2\r\n$7\r\nmessage\r\n$1\r\na\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$-1\r\n", "*3\r\n$7\r\nmessage\r\n:1\r\n$1\r\nx\r\n",
        "*3\r\n:1\r\n:2\r\n:3\r\n",
        "*2\r\n$-1\r\n$-1\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n", "-ERR wrong\r\n", "-LOADING wait\r\n", "garbage\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$99999999999\r\n", confirmation + confirmation,
        confirmation + "*3\r\n$7\r\nmess",
    ])
    func lyingServersCostOneConnection(text: String) async throws {
        let fake = try await FakeServer { connection, words in
            if let answer = FakeServer.handshake(words) { return answer }
            return connection == 0 ? .last(text) : .bytes(Self.confirmation)
        }
        try await self.withSubscriber(.testing(fake.url)) { subscriber, events in
            let confirmed = Recorder<Bool>()
            try await self.onLoop(subscriber) { $0.subscribe(["a"]) { confirmed.add($0) } }
            try await eventually("subscribed on the second connection") {
                try await self.onLoop(subscriber) { $0.isReady } && fake.connectionCount == 2
            }
            #expect(confirmed.all == [true])
            fake.push("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n", connection: 1)
            try await eventually("messages flow") { events.messages == ["a=hi"] }
        }
    }

    @Test func aMessageCutByAChunkArrivesWhole() async throws {
        let fake = try await FakeServer { _, words in
            FakeServer.handshake(words) ?? .bytes(Self.confirmation)
        }
        try await self.withSubscriber(.testing(fake.url)) { subscriber, events in
            #expect(try await self.subscribe(subscriber, "a"))
            let push = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n"
            for byte in push + push { fake.push(String(byte), connection: 0) }
            try await eventually("both arrive") { events.messages == ["a=hello", "a=hello"] }
        }
    }

    @Test func confirmationsThatComeLateDoNotUndoTheLastWish() async throws {
        // Answers nothing by itself; the test plays the server.
        let fake = try await FakeServer { _, words in FakeServer.handshake(words) ?? .silence }
        try await self.withSubscriber(.testing(fake.url)) { subscriber, events in
            try await eventually("ready") { events.count("ready") == 1 }
            let confirmed = Recorder<String>()
            try await self.onLoop(subscriber) { $0.subscribe(["a"]) { confirmed.add("first \($0)") } }
            try await self.onLoop(subscriber) { $0.unsubscribe(["a"]) }
            try await self.onLoop(subscriber) { $0.subscribe(["a"]) { confirmed.add("second \($0)") } }
            try await eventually("all three were sent") {
                fake.commands.all.map { $0[0] }.suffix(3) == ["SUBSCRIBE", "UNSUBSCRIBE", "SUBSCRIBE"]
            }
            #expect(confirmed.all == ["first false"])
            fake.push(Self.confirmation + "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n", connection: 0)
            fake.push("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n", connection: 0)
            try await eventually("read") { events.messages == ["a=x"] }
            #expect(confirmed.all == ["first false"])
            fake.push(Self.confirmation, connection: 0)
            try await eventually("confirmed") { confirmed.all == ["first false", "second true"] }
            #expect(fake.commands.all.count { $0[0] == "SUBSCRIBE" } == 2)
        }
    }
}
