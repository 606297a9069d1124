// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Servers that refuse, stall, die or lie.
@Suite(.serialized) struct RedisFailureTests {
    private func failure(
        _ body: () async throws -> RedisReply, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> RedisError {
        do {
            let reply = try await body()
            Issue.record("no failure but \(reply)", sourceLocation: sourceLocation)
            throw TestFailure("no failure")
        } catch let error as RedisError {
            return error
        }
    }

    // MARK: Away

    @Test func withoutAServerCommandsFailAtOnceOrWait() async throws {
        let away = try ReservedPort()
        defer { withExtendedLifetime(away) {} }
        let port = away.number
        try await withClient(.testing(port: port)) { client, events in
            let now = try await self.failure { try await client.execute(RedisCommand("PING")) }
            #expect(now.code == .disconnected)
            #expect(!now.wasSent)
            #expect(now.certainlyNotExecuted)
            let later = try await self.failure {
                try await client.execute(RedisCommand("PING"), waitUpTo: .milliseconds(30))
            }
            #expect(later.code == .timeout)
            #expect(!later.wasSent)
            let line = "cannot connect to 127.0.0.1:\(port): Connection refused"
            try await eventually("it is logged") { events.log.all.contains { $0.contains(line) } }
            let counters = try await client.onLoop { [client] in client.counters }
            #expect(counters.timeouts == 1)
            #expect(counters.dropped == 2)
        }
    }

    @Test func aCompletionNeverComesBeforeSendReturned() async throws {
        let away = try ReservedPort()
        defer { withExtendedLifetime(away) {} }
        let configuration = try RedisConfiguration.testing(port: away.number)
        try await withClient(configuration) { client, _ in
            let order = Recorder<String>()
            try await client.onLoop { [client] in
                client.send(RedisCommand("PING")) { _ in order.add("completed") }
                client.send(RedisCommand()) { _ in order.add("completed") }
                client.send(capacity: 10, { $0.append("PING") }) { _ in order.add("completed") }
                order.add("returned")
            }
            try await eventually("completed") { order.all.count == 4 }
            #expect(order.all.first == "returned")
        }
    }

    @Test func waitingCommandsGoOutInOrderAfterWhatTheConnectionBringsAbout() async throws {
        let server = try RedisServerProcess()
        server.stop()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let client = RedisClient(configuration: try .testing(port: server.port), eventLoop: loop)
        let answers = Recorder<String>()
        @Sendable func push(_ word: String, waitUpTo: TimeAmount? = nil) {
            client.send(RedisCommand("RPUSH", "list", word), waitUpTo: waitUpTo) { _ in answers.add(word) }
        }
        try await loop.submit {
            client.onConnected = { _ in push("hello") }
        }.get()
        try await running({ try await client.run() }) {
            try await client.onLoop {
                for word in ["a", "b", "c"] { push(word, waitUpTo: .seconds(600)) }
            }
            try server.start()
            try await eventually("all sent") { answers.all.count == 4 }
            #expect(
                try await client.command("LRANGE", "list", "0", "-1").elements?.map(\.text) == ["hello", "a", "b", "c"])
        }
    }

    @Test func expiredCommandsAreNotSentLater() async throws {
        let server = try RedisServerProcess()
        server.stop()
        try await withClient(.testing(port: server.port)) { client, _ in
            let answers = Recorder<String>()
            try await client.onLoop { [client] in
                for (word, patience) in [("long", 600_000), ("short", 10), ("shorter", 5), ("medium", 40)] {
                    client.send(RedisCommand("RPUSH", "list", word), waitUpTo: .milliseconds(Int64(patience))) {
                        if case .failure(let error) = $0 {
                            answers.add("\(word) \(error.code)")
                        } else {
                            answers.add(word)
                        }
                    }
                }
            }
            try await eventually("three expired") { answers.all.count == 3 }
            try server.start()
            try await eventually("the fourth is sent") { answers.all.count == 4 }
            #expect(Set(answers.all.dropLast()) == ["short timeout", "shorter timeout", "medium timeout"])
            #expect(answers.all.last == "long")
            #expect(try await client.command("LRANGE", "list", "0", "-1").elements?.map(\.text) == ["long"])
        }
    }

    @Test func theQueueIsBounded() async throws {
        let away = try ReservedPort()
        defer { withExtendedLifetime(away) {} }
        var configuration = try RedisConfiguration.testing(port: away.number)
        configuration.maxQueuedCommands = 10
        configuration.maxQueuedBytes = 1000
        let codes = Recorder<RedisError.Code>()
        try await withClient(configuration) { client, _ in
            try await client.onLoop { [client] in
                for _ in 0..<15 {
                    client.send(RedisCommand("PING"), waitUpTo: .seconds(600)) { result in
                        if case .failure(let error) = result { codes.add(error.code) }
                    }
                }
            }
            try await eventually("five are refused") { codes.all.count >= 5 }
            #expect(codes.all == Array(repeating: .queueFull, count: 5))
            let large = RedisCommand("SET", "k", String(repeating: "v", count: 2000))
            #expect(
                try await self.failure { try await client.execute(large, waitUpTo: .seconds(1)) }.code == .queueFull)
        }
        try await eventually("ten waited until the end") { codes.all.count == 15 }
        #expect(codes.all.dropFirst(5).allSatisfy { $0 == .closed })
    }

    @Test func aClientThatIsStoppedBeforeItBeganKeepsNobodyWaiting() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let client = RedisClient(configuration: try .testing("redis://127.0.0.1:1"), eventLoop: loop)
        let codes = Recorder<RedisError.Code>()
        try await client.onLoop {
            client.send(RedisCommand("PING"), waitUpTo: .seconds(600)) { result in
                if case .failure(let error) = result { codes.add(error.code) }
            }
        }
        let run = Task {
            try? await Task.sleep(for: .seconds(600))  // until it is cancelled
            try await client.run()
        }
        run.cancel()
        try await run.value
        try await eventually("told") { codes.all == [.closed] }
    }

    @Test func commandsWithoutReplyAreBoundedToo() async throws {
        let server = try RedisServerProcess()
        var configuration = try RedisConfiguration.testing(port: server.port)
        configuration.maxQueuedCommands = 100
        configuration.maxQueuedBytes = 100_000
        try await withClient(configuration) { client, _ in
            try await client.command("PING")
            server.pause()
            let codes = Recorder<RedisError.Code?>()
            let note: @Sendable (Result<RedisReply, RedisError>) -> Void = { result in
                if case .failure(let error) = result { codes.add(error.code) } else { codes.add(nil) }
            }
            try await client.onLoop { [client] in
                for _ in 0..<10 {
                    client.send(RedisCommand("SET", "k", String(repeating: "v", count: 9_000)), completion: note)
                }
                for _ in 0..<2 { client.send(capacity: 11_000, { $0.append("PING") }, completion: note) }
                for _ in 0..<93 { client.send(RedisCommand("PING"), completion: note) }
            }
            try await eventually("what is too much is refused") { codes.all.count == 5 }
            #expect(codes.all.allSatisfy { $0 == .queueFull })
            server.resume()
            try await eventually("the rest is answered") { codes.all.count == 105 }
            #expect(codes.all.count { $0 == nil } == 100)
        }
    }

    // MARK: Restart

    @Test func comesBackAfterARestart() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, events in
            try await client.command("SET", "k", "v")
            server.stop()
            try await eventually("the loss is noticed") { events.lost.all.count == 1 }
            #expect(try await !client.isReady())
            try server.start()
            #expect(try await client.command("GET", "k") == .null)
            #expect(events.connected.all.map(\.generation) == [1, 2])
            #expect(events.connected.all[0].runID != events.connected.all[1].runID)
            let counters = try await client.onLoop { [client] in client.counters }
            #expect(counters.reconnects == 1)
        }
    }

    @Test func aKilledConnectionFailsThePipelineInOrder() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, events in
            let id = try await client.command("CLIENT", "ID").int ?? 0
            let answers = Recorder<String>()
            try await client.onLoop { [client] in
                for number in 0..<1000 {
                    let command =
                        number == 500
                        ? RedisCommand("CLIENT", "KILL", "ID", "\(id)", "SKIPME", "no") : RedisCommand("INCR", "n")
                    client.send(command) { result in
                        switch result {
                        case .success: answers.add("\(number) ok")
                        case .failure(let error): answers.add("\(number) \(error.code) \(error.wasSent)")
                        }
                    }
                }
            }
            try await eventually("all answered") { answers.all.count == 1000 }
            #expect(answers.all[501...].elementsEqual((501..<1000).map { "\($0) disconnected true" }))
            #expect(answers.all[...500].elementsEqual((0...500).map { "\($0) ok" }))
            try await eventually("it comes back") { events.connected.all.count == 2 }
            // The killed connection's later commands did not run: the answer "unknown" was honest, the count tells.
            #expect(try await client.command("GET", "n").int == 500)
        }
    }

    @Test func resetMakesANewConnection() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, events in
            let first = try await client.command("CLIENT", "ID").int
            try await client.onLoop { [client] in client.reset(reason: "test") }
            #expect(try await client.command("CLIENT", "ID").int != first)
            #expect(events.lost.all.map(\.message) == ["reset: test"])
            #expect(events.connected.all.map(\.generation) == [1, 2])
        }
    }

    @Test func aConnectionMayBeResetAsSoonAsItIsReady() async throws {
        let server = try RedisServerProcess()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let client = RedisClient(configuration: try .testing(port: server.port), eventLoop: loop)
        let events = Recorder<String>()
        try await loop.submit {
            client.onConnected = { info in
                events.add("connected \(info.generation)")
                client.send(RedisCommand("PING")) {
                    if case .failure(let error) = $0 { events.add("\(error.wasSent)") }
                }
                if info.generation == 1 { client.reset(reason: "test") }
            }
            client.onDisconnected = { _ in events.add("lost") }
            // Waits through the first connection and goes out on the second.
            client.send(capacity: 10, waitUpTo: .seconds(600)) {
                $0.append("PING")
            } completion: { result in
                if case .success = result { events.add("answered") }
            }
        }.get()
        try await running({ try await client.run() }) {
            try await eventually("answered") { events.all.last == "answered" }
        }
        #expect(events.all == ["connected 1", "false", "lost", "connected 2", "answered"])
    }

    // MARK: Stalls

    @Test func aStoppedServerIsGivenUp() async throws {
        let server = try RedisServerProcess()
        var configuration = try RedisConfiguration.testing(port: server.port)
        configuration.commandTimeout = .seconds(2)
        try await withClient(configuration) { client, events in
            try await client.command("PING")
            server.pause()
            let error = try await self.failure { try await client.execute(RedisCommand("INCR", "n")) }
            #expect(error.code == .timeout)
            #expect(error.wasSent)
            #expect(!error.certainlyNotExecuted)
            try await eventually("the loss is told") { events.lost.all.map(\.code) == [.timeout] }
            server.resume()
            #expect(try await client.command("PING") == .status("PONG"))
        }
    }

    @Test func aSilentConnectionIsFoundDeadByItsPing() async throws {
        let server = try RedisServerProcess()
        var configuration = try RedisConfiguration.testing(port: server.port)
        configuration.commandTimeout = .seconds(2)
        configuration.keepaliveInterval = .milliseconds(50)
        try await withClient(configuration) { client, events in
            try await client.command("PING")
            server.pause()
            try await eventually("given up without a command") { events.lost.all.count == 1 }
            #expect(events.lost.all.first?.code == .timeout)
            server.resume()
            #expect(try await client.command("PING") == .status("PONG"))
        }
    }

    @Test func aSlowServerIsNotGivenUp() async throws {
        let server = try RedisServerProcess()
        var configuration = try RedisConfiguration.testing(port: server.port)
        configuration.keepaliveInterval = .milliseconds(50)
        try await withClient(configuration) { client, events in
            try await client.command("DEBUG", "SLEEP", "0.5")
            #expect(events.lost.all.isEmpty)
        }
    }

    // MARK: Refusals

    @Test func outOfMemoryIsAnError() async throws {
        let server = try RedisServerProcess("--maxmemory", "1", "--maxmemory-policy", "noeviction")
        try await withClient(.testing(port: server.port)) { client, events in
            let error = try await self.failure { try await client.command("SET", "k", "v") }
            #expect(error.code == .server("OOM"))
            #expect(error.certainlyNotExecuted)
            let script = RedisScript("return redis.call('SET', KEYS[1], 'v')")
            let inScript = try await self.failure { try await client.execute(script, keys: ["k"], arguments: []) }
            #expect(inScript.code == .server("OOM"))
            #expect(events.lost.all.isEmpty)
        }
    }

    @Test func aReplicaRefusesWrites() async throws {
        let master = try RedisServerProcess()
        let replica = try RedisServerProcess("--replicaof", "127.0.0.1", "\(master.port)")
        try await withClient(.testing(port: replica.port)) { client, events in
            let error = try await self.failure { try await client.command("SET", "k", "v") }
            #expect(error.code == .server("READONLY"))
            #expect(error.certainlyNotExecuted)
            #expect(events.connected.all.first?.role == .replica)
            #expect(events.lost.all.isEmpty)
        }
    }

    @Test func aClientThatNeedsAMasterWaitsForOne() async throws {
        let master = try RedisServerProcess()
        let server = try RedisServerProcess()
        var configuration = try RedisConfiguration.testing(port: server.port)
        configuration.requireMaster = true
        try await withClient(configuration) { client, events in
            try await client.command("REPLICAOF", "127.0.0.1", "\(master.port)")
            let error = try await self.failure { try await client.command("SET", "k", "v") }
            #expect(error.code == .server("READONLY"))
            try await eventually("it leaves and is refused") {
                events.log.all.contains { $0.contains("not a master") }
            }
            #expect(events.connected.all.count == 1)
            let loop = client.eventLoop
            let operatorsClient = RedisClient(configuration: try .testing(port: server.port), eventLoop: loop)
            _ = try await running({ try await operatorsClient.run() }) {
                try await operatorsClient.command("REPLICAOF", "NO", "ONE")
            }
            let reply = try await client.command("SET", "k", "v")
            #expect(reply == .status("OK"))
        }
    }

    @Test func aBusyServerRefuses() async throws {
        let server = try RedisServerProcess("--busy-reply-threshold", "20")
        try await withClient(.testing(port: server.port)) { client, _ in
            try await client.command("PING")
            try await withClient(.testing(port: server.port)) { other, _ in
                try await other.command("PING")
                let script = Task { try await other.command("EVAL", "while true do end", "0") }
                try await eventually("busy") {
                    do {
                        try await client.command("GET", "k")
                        return false
                    } catch let error as RedisError {
                        return error.code == .server("BUSY") && error.certainlyNotExecuted
                    }
                }
                try await client.command("SCRIPT", "KILL")
                await #expect(throws: RedisError.self) { try await script.value }
            }
        }
    }

    @Test func aLoadingServerIsTriedAgain() async throws {
        let isLoading = Recorder<Bool>()
        let fake = try await FakeServer { connection, words in
            if words[0] == "PING", connection < 3 {
                isLoading.add(true)
                return .bytes("-LOADING Redis is loading the dataset in memory\r\n")
            }
            return FakeServer.handshake(words) ?? .bytes("+OK\r\n")
        }
        try await withClient(.testing(fake.url)) { client, events in
            let reply = try await client.command("SET", "k", "v")
            #expect(reply == .status("OK"))
            #expect(isLoading.all.count == 3)
            #expect(events.log.all.contains { $0.contains("warning") && $0.contains("LOADING") })
            #expect(events.connected.all.map(\.generation) == [1])
        }
    }

    // MARK: Lies

    @Test(arguments: [
        "hello\r\n", "$9223372036854775807\r\n", "*2147483647\r\n", ">3\r\n", "+OK\r\n+OK\r\n", "$10\r\nhalf", "",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "\0\0\0\0",
    ])
    func lyingServersCostOneConnection(text: String) async throws {
        let fake = try await FakeServer { connection, words in
            if let answer = FakeServer.handshake(words) { return answer }
            return connection == 0 ? .last(text) : .bytes("$5\r\nhappy\r\n")
        }
        try await withClient(.testing(fake.url)) { client, events in
            // One of them may get "+OK", the first of two replies; the connection ends nevertheless.
            _ = try? await client.command("GET", "k")
            try await eventually("it comes back") { events.connected.all.count == 2 }
            #expect(try await client.command("GET", "k").text == "happy")
            #expect(events.lost.all.count == 1)
        }
    }

    @Test(arguments: ["garbage\r\n", "$-7\r\n", "*2147483647\r\n", ""])
    func lyingHandshakesAreTriedAgain(text: String) async throws {
        let fake = try await FakeServer { connection, words in
            connection < 2 ? .last(text) : FakeServer.handshake(words) ?? .bytes(":1\r\n")
        }
        try await withClient(.testing(fake.url)) { client, events in
            let reply = try await client.command("INCR", "n")
            #expect(reply == .integer(1))
            #expect(events.connected.all.count == 1)
            #expect(events.lost.all.isEmpty)
        }
    }

    @Test func aServerThatAcceptsAndSaysNothingIsGivenUp() async throws {
        let fake = try await FakeServer { connection, words in
            connection == 0 ? .silence : FakeServer.handshake(words) ?? .bytes(":1\r\n")
        }
        var configuration = try RedisConfiguration.testing(fake.url)
        configuration.commandTimeout = .seconds(2)
        try await withClient(configuration) { client, _ in
            let reply = try await client.command("INCR", "n")
            #expect(reply == .integer(1))
            #expect(fake.connectionCount == 2)
        }
    }

    @Test func stopsWhateverItIsDoing() async throws {
        let fake = try await FakeServer { _, _ in .silence }
        let away = try ReservedPort()
        defer { withExtendedLifetime(away) {} }
        for url in ["redis://127.0.0.1:\(away.number)", fake.url, "redis://192.0.2.1"] {
            try await withClient(.testing(url)) { _, _ in
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...20)))
            }
        }
    }
}
