// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import NIOPosix
import TestSupport
import Testing
import UserRegistryCore

@testable import UserRegistryRedis

/// One partition in a real Redis, and nodes that call scripts by hand.
final class ScriptBench: Sendable {
    /// A node's side of a call.
    struct Caller {
        var inc: String
        var epoch = "0"
        var session = 0
        var run = "run0000000000000"
    }

    static let lease = 600_000
    static let step = 120_000

    let server: RedisServerProcess
    let client: RedisClient
    let keys = PartitionKeys(prefix: "bench", scope: "/", partition: 0, of: 1)

    /// Runs `body` with an empty Redis.
    static func with(_ body: (ScriptBench) async throws -> Void) async throws {
        let bench = try ScriptBench()
        let connection = Task { try await bench.client.run() }
        do { try await body(bench) } catch {
            connection.cancel()
            throw error
        }
        connection.cancel()
        _ = await connection.result
    }

    private init() throws {
        self.server = try RedisServerProcess()
        self.client = RedisClient(
            configuration: RedisConfiguration(url: try RedisURL("redis://127.0.0.1:\(self.server.port)")),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next())
    }

    @discardableResult
    func redis(_ words: String...) async throws -> RedisReply {
        try await self.client.execute(RedisCommand(words), waitUpTo: .seconds(10))
    }

    /// Calls a script; the answer as words, arrays within it as their words joined by commas.
    @discardableResult
    func call(_ script: RedisScript, _ caller: Caller, _ arguments: RedisArgument...) async throws -> [String] {
        try await self.call(script, caller, arguments)
    }

    func call(_ script: RedisScript, _ caller: Caller, _ arguments: [RedisArgument]) async throws -> [String] {
        let common: [RedisArgument] = [
            .text(caller.run), .text(caller.epoch), .integer(Int64(Self.lease)), .integer(Int64(Self.step)),
            .text(caller.inc), .integer(Int64(caller.session)),
        ]
        let reply = try await self.client.execute(
            script, keys: (self.keys.fixed + [self.keys.index(of: caller.inc)]).map { .text($0) },
            arguments: common + arguments, waitUpTo: .seconds(10))
        return (reply.elements ?? []).map { element in
            element.elements.map { $0.map { $0.text ?? "nil" }.joined(separator: ",") } ?? element.text ?? "nil"
        }
    }

    /// The code of an answer.
    func code(_ script: RedisScript, _ caller: Caller, _ arguments: RedisArgument...) async throws -> String? {
        try await self.call(script, caller, arguments).first
    }

    /// A registered incarnation in the present epoch.
    func register(_ inc: String, predecessor: String = "") async throws -> Caller {
        var caller = Caller(inc: inc)
        let answer = try await self.call(RegistryScript.renew, caller, "1", "", "", "")
        try #require(answer.first == "EPOCH")
        caller.epoch = answer[1]
        let info = "node-\(inc)\u{1F}\(inc)\u{1F}{}"
        let registered = try await self.code(RegistryScript.renew, caller, "1", .text(predecessor), "", .text(info))
        try #require(registered == "OK")
        return caller
    }

    /// Ends the recovery window.
    func recover() async throws { try await self.redis("HSET", self.keys.meta, "rec", "0") }

    /// A registered pair of nodes after the recovery window.
    func pair() async throws -> (Caller, Caller) {
        let one = try await self.register("aaaaaaaaaa1")
        let two = try await self.register("bbbbbbbbbb1")
        try await self.recover()
        return (one, two)
    }

    /// Lets a lease run out.
    func expire(_ caller: Caller) async throws { try await self.redis("ZADD", self.keys.leases, "1", caller.inc) }

    func renew(_ caller: Caller) async throws -> [String] {
        try await self.call(RegistryScript.renew, caller, "0", "", "", "")
    }

    func claim(_ user: String, _ conn: Int, _ caller: Caller) async throws -> [String] {
        try await self.call(
            RegistryScript.claim, caller, .text(user), .integer(Int64(conn)), "1700000000000", .text("info\(conn)"))
    }

    func release(_ user: String, _ conn: Int, _ caller: Caller) async throws -> String? {
        try await self.code(RegistryScript.release, caller, .text(user), .integer(Int64(conn)))
    }

    func reassert(
        _ user: String, _ conn: Int, _ token: String, from inc: String? = nil, _ caller: Caller
    ) async throws -> [String] {
        try await self.call(
            RegistryScript.reassert, caller, .text(inc ?? caller.inc), .text(user), .integer(Int64(conn)), .text(token),
            "1700000000000", "info")
    }

    /// The words of a user's record; empty when there is none.
    func record(_ user: String) async throws -> [String] {
        let text = try await self.redis("HGET", self.keys.claims, user).text ?? ""
        return text.isEmpty
            ? [] : text.split(separator: "\u{1F}", omittingEmptySubsequences: false).map(String.init)
    }

    func members(_ caller: Caller) async throws -> [String] {
        let reply = try await self.redis("SMEMBERS", self.keys.index(of: caller.inc))
        return (reply.elements ?? []).compactMap(\.text).sorted()
    }

    /// The users somebody waits for, with their owners' incarnations.
    func waitMarks() async throws -> [String] {
        let reply = try await self.redis("ZRANGE", self.keys.waiters, "0", "-1")
        return (reply.elements ?? []).compactMap(\.text).filter { !$0.isEmpty }
    }
}
