// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// Against a real server that stays up.
@Suite(.serialized) struct RedisClientTests {
    @Test func sendsCommandsAndLearnsAboutTheServer() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, events in
            #expect(try await client.command("SET", "k", "한글") == .status("OK"))
            #expect(try await client.command("GET", "k").text == "한글")
            #expect(try await client.command("INCR", "n") == .integer(1))
            #expect(try await client.command("GET", "none") == .null)
            #expect(try await client.command("CLIENT", "GETNAME").text == "rollcall-test")
            let info = try #require(events.connected.all.first)
            #expect(info.runID?.count == 40)
            #expect(try await client.command("INFO", "server").text?.contains(info.runID ?? "?") == true)
            #expect(info.role == .master)
            #expect(info.version?.hasPrefix("7.") == true || info.version?.contains(".") == true)
            #expect(info.generation == 1)
            let error = await #expect(throws: RedisError.self) { try await client.command("NOSUCH") }
            #expect(error?.code == .server("ERR"))
            let empty = await #expect(throws: RedisError.self) { try await client.execute(RedisCommand()) }
            #expect(empty?.code == .invalidCommand)
        }
    }

    @Test func pipelinesTenThousandCommandsInOrder() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, _ in
            try await client.command("DEL", "n")
            let answers = Recorder<Int>()
            let (before, after) = try await client.onLoop { [client] in
                let before = client.counters.commands
                for number in 0..<10_000 {
                    if number.isMultiple(of: 2) {
                        client.send(RedisCommand("INCR", "n")) { answers.add((try? $0.get().int) ?? -1) }
                    } else {
                        client.send(capacity: 64) {
                            $0.append("INCR"); $0.append("n")
                        } completion: {
                            answers.add((try? $0.get().int) ?? -1)
                        }
                    }
                }
                return (before, client.counters.commands)
            }
            #expect(after - before == 10_000)
            try await eventually("all answered") { answers.all.count == 10_000 }
            #expect(answers.all == Array(1...10_000))
        }
    }

    @Test func carriesLargeValuesAndEveryByte() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, _ in
            let bytes = ByteBuffer(bytes: (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            var set = RedisCommand("SET", "large")
            set.append(bytes)
            #expect(try await client.execute(set, waitUpTo: .seconds(60)) == .status("OK"))
            #expect(try await client.command("GET", "large").bytes == bytes)
            let nested = try await client.command("EVAL", "return {1,{2,{'x',false}},{}}", "0")
            #expect(
                nested
                    == .array([
                        .integer(1), .array([.integer(2), .array([.string(ByteBuffer(string: "x")), .null])]),
                        .array([]),
                    ]))
        }
    }

    @Test func authenticatesWithUserAndPasswordAndSelects() async throws {
        let server = try RedisServerProcess(
            "--user", "default", "off", "--user", "node", "on", ">pa%ss@word", "allkeys", "+@all")
        let url = "redis://node:pa%25ss%40word@127.0.0.1:\(server.port)/5"
        try await withClient(.testing(url)) { client, events in
            let user = try await client.command("ACL", "WHOAMI").text
            #expect(user == "node")
            #expect(try await client.command("CLIENT", "INFO").text?.contains(" db=5 ") == true)
            #expect(!events.log.all.contains { $0.contains("pa%ss@word") || $0.contains("pa%25ss") })
        }
    }

    @Test func authenticatesWithThePasswordOfTheDefaultUser() async throws {
        let server = try RedisServerProcess("--requirepass", "secret")
        try await withClient(.testing("redis://:secret@127.0.0.1:\(server.port)")) { client, _ in
            let reply = try await client.command("PING")
            #expect(reply == .status("PONG"))
        }
    }

    @Test(arguments: [("redis://:wrong-word@", "WRONGPASS"), ("redis://", "NOAUTH")])
    func saysWhyItCannotConnect(prefix: String, reason: String) async throws {
        let server = try RedisServerProcess("--requirepass", "secret")
        try await withClient(.testing("\(prefix)127.0.0.1:\(server.port)")) { client, events in
            try await eventually("the reason is logged") {
                events.log.all.contains { $0.contains("warning") && $0.contains(reason) }
            }
            let error = await #expect(throws: RedisError.self) {
                try await client.execute(RedisCommand("PING"), waitUpTo: .milliseconds(20))
            }
            #expect(error?.code == .timeout)
            #expect(error?.wasSent == false)
            #expect(events.connected.all.isEmpty)
            #expect(!events.log.all.contains { $0.contains("wrong-word") })
            // The same reason again is no news.
            try await eventually("it tries again") { events.log.all.count { $0.contains(reason) } >= 3 }
            #expect(events.log.all.count { $0.contains("warning") && $0.contains(reason) } == 1)
        }
    }

    @Test func toleratesAUserWithoutInfoAndRole() async throws {
        let server = try RedisServerProcess("--user", "weak", "on", ">pw", "allkeys", "+get", "+set", "+ping")
        try await withClient(.testing("redis://weak:pw@127.0.0.1:\(server.port)")) { client, events in
            let reply = try await client.command("SET", "k", "v")
            #expect(reply == .status("OK"))
            #expect(
                events.connected.all == [RedisServerInfo(runID: nil, role: .unknown, version: nil, generation: 1)])
            let error = await #expect(throws: RedisError.self) { try await client.command("DEL", "k") }
            #expect(error?.code == .server("NOPERM"))
            #expect(error?.certainlyNotExecuted == true)
        }
    }

    @Test func usesAUnixSocket() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing("unix://\(server.socketPath)?db=3")) { client, _ in
            let reply = try await client.command("CLIENT", "INFO").text
            #expect(reply?.contains(" db=3 ") == true)
        }
    }

    @Test func usesAHostName() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing("redis://localhost:\(server.port)")) { client, _ in
            let reply = try await client.command("PING")
            #expect(reply == .status("PONG"))
        }
    }

    @Test func tlsHookIsRequiredForRediss() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let client = RedisClient(configuration: try .testing("rediss://127.0.0.1:1"), eventLoop: loop)
        let error = await #expect(throws: RedisError.self) { try await client.run() }
        #expect(error?.code == .misconfigured)
    }

    @Test func tlsHookStandsInFront() async throws {
        let server = try RedisServerProcess()
        var configuration = try RedisConfiguration.testing("rediss://127.0.0.1:\(server.port)")
        let seen = Recorder<String>()
        configuration.tls = { channel in
            seen.add("made")
            return PassThrough(seen: seen)
        }
        try await withClient(configuration) { client, _ in
            let reply = try await client.command("PING")
            #expect(reply == .status("PONG"))
            #expect(seen.all.first == "made")
            #expect(seen.all.contains("read"))
        }
    }

    @Test func runsOnceOnly() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, _ in
            try await client.command("PING")
            await #expect(throws: RedisError.self) { try await client.run() }
        }
    }

    @Test func closesGracefully() async throws {
        let server = try RedisServerProcess()
        let answers = Recorder<String>()
        var configuration = try RedisConfiguration.testing(port: server.port)
        configuration.shutdownGrace = .seconds(60)
        let client = try await withClient(configuration) { client, _ in
            try await client.command("PING")
            try await client.onLoop { [client] in
                // Slow enough that the end of this block comes first.
                client.send(RedisCommand("EVAL", "for i=1,3e6 do local x = i*i end return 'done'", "0")) {
                    answers.add((try? $0.get().text) ?? "failed")
                }
            }
            return client
        }
        #expect(answers.all == ["done"])
        let error = await #expect(throws: RedisError.self) { try await client.execute(RedisCommand("PING")) }
        #expect(error?.code == .closed)
        let waiting = await #expect(throws: RedisError.self) {
            try await client.execute(RedisCommand("PING"), waitUpTo: .seconds(60))
        }
        #expect(waiting?.code == .closed)
    }

    @Test func aCancelledWaitLeavesNothingBehind() async throws {
        let away = try ReservedPort()
        defer { withExtendedLifetime(away) {} }
        let configuration = try RedisConfiguration.testing(port: away.number)
        try await withClient(configuration) { client, _ in
            let waiting = Task { try await client.execute(RedisCommand("PING"), waitUpTo: .seconds(60)) }
            try await Task.sleep(for: .milliseconds(10))
            waiting.cancel()
            let error = await #expect(throws: RedisError.self) { try await waiting.value }
            #expect(error?.code == .cancelled)
        }
    }

    // MARK: Scripts

    @Test func loadsAScriptThatTheServerDoesNotKnow() async throws {
        let server = try RedisServerProcess()
        let script = RedisScript("return {KEYS[1], ARGV[1], ARGV[2] + 1}")
        try await withClient(.testing(port: server.port)) { client, _ in
            for _ in 0..<2 {
                let reply = try await client.execute(
                    script, keys: ["key"], arguments: [.bytes(ByteBuffer(string: "a\0b")), 41], waitUpTo: .seconds(60))
                #expect(
                    reply
                        == .array([
                            .string(ByteBuffer(string: "key")), .string(ByteBuffer(string: "a\0b")), .integer(42),
                        ]))
                try await client.command("SCRIPT", "FLUSH")
            }
            let loaded = Recorder<String>()
            try await client.onLoop { [client] in
                client.load(script) { loaded.add((try? $0.get().text) ?? "failed") }
            }
            try await eventually("loaded") { loaded.all == [script.sha1] }
        }
    }

    @Test func manyCallsOfAnUnknownScriptLoadItOnce() async throws {
        let server = try RedisServerProcess()
        let script = RedisScript("return redis.call('INCR', KEYS[1])")
        try await withClient(.testing(port: server.port)) { client, _ in
            try await client.command("CONFIG", "RESETSTAT")
            let answers = Recorder<Int>()
            try await client.onLoop { [client] in
                for _ in 0..<500 {
                    client.evaluate(script, keyCount: 1, capacity: 100) {
                        $0.append("counter")
                    } completion: {
                        answers.add((try? $0.get().int) ?? -1)
                    }
                }
            }
            try await eventually("all answered") { answers.all.count == 500 }
            #expect(answers.all == Array(1...500))
            let loads = try await client.command("INFO", "commandstats").text ?? ""
            #expect(loads.contains("cmdstat_script|load:calls=1,") || loads.contains("cmdstat_script:calls=1,"))
        }
    }

    @Test func anErrorOfAScriptIsNotRepeated() async throws {
        let server = try RedisServerProcess()
        try await withClient(.testing(port: server.port)) { client, _ in
            let script = RedisScript("redis.call('INCR', KEYS[1]) return redis.error_reply('NOPE no')")
            let error = await #expect(throws: RedisError.self) {
                try await client.execute(script, keys: ["n"], arguments: [], waitUpTo: .seconds(60))
            }
            #expect(error?.code == .server("NOPE"))
            #expect(error?.certainlyNotExecuted == false)
            let count = try await client.command("GET", "n")
            #expect(count.int == 1)
        }
    }
}

private final class PassThrough: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let seen: Recorder<String>

    init(seen: Recorder<String>) { self.seen = seen }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.seen.add("read")
        context.fireChannelRead(data)
    }
}
