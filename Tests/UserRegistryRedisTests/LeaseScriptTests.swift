// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import Testing

@testable import UserRegistryRedis

/// The scripts about leases, epochs and the dead, against a real Redis.
@Suite(.serialized) struct LeaseScriptTests {
    @Test func anEmptyRedisBeginsAnEpochWithAWindow() async throws {
        try await ScriptBench.with { bench in
            var one = ScriptBench.Caller(inc: "aaaaaaaaaa1")
            let first = try await bench.renew(one)
            #expect(first.count == 3 && first[0] == "EPOCH" && first[2] == "600000")
            let again = try await bench.renew(one)
            #expect(again[1] == first[1] && (Int(again[2]) ?? 0) > 500_000)
            one.epoch = first[1]
            let registered = try await bench.call(RegistryScript.renew, one, "1", "", "", "info")
            #expect(registered[0] == "OK" && (Int(registered[1]) ?? 0) > 500_000)
            #expect(registered[2] == "" && registered[3] == "")
            #expect(try await bench.redis("HGET", bench.keys.meta, "n:\(one.inc)").text == "info")
            #expect(try await bench.renew(one)[0] == "OK")
        }
    }

    @Test func aLeaseIsNeverRevived() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            try await bench.expire(one)
            #expect(try await bench.renew(one) == ["LOST"])
            #expect(try await bench.renew(one) == ["LOST"])
            #expect(try await bench.renew(two)[3] == one.inc)
            // Gone altogether: lost outside a window, to be asserted again inside one.
            try await bench.redis("ZREM", bench.keys.leases, one.inc)
            #expect(try await bench.renew(one) == ["LOST"])
            try await bench.redis("HSET", bench.keys.meta, "rec", "9999999999999")
            #expect(try await bench.renew(one)[0] == "RESYNC")
            #expect(try await bench.renew(one)[0] == "RESYNC")
            #expect(try await bench.call(RegistryScript.synced, one)[0] == "OK")
            #expect(try await bench.renew(one)[0] == "OK")
        }
    }

    @Test func sessionsOnlyGrow() async throws {
        try await ScriptBench.with { bench in
            var (one, _) = try await bench.pair()
            one.session = 3
            #expect(try await bench.renew(one)[0] == "OK")
            #expect(try await bench.renew(one)[0] == "OK")
            one.session = 2
            #expect(try await bench.renew(one) == ["STALE"])
            #expect(try await bench.call(RegistryScript.synced, one) == ["STALE"])
            one.session = 10
            #expect(try await bench.renew(one)[0] == "OK")
            one.session = 9
            #expect(try await bench.renew(one) == ["STALE"])
        }
    }

    @Test func anUnsyncedLeaseIsNotExtended() async throws {
        try await ScriptBench.with { bench in
            var (one, _) = try await bench.pair()
            one.run = "run1111111111111"
            let epoch = try await bench.renew(one)
            #expect(epoch[0] == "EPOCH" && epoch[1] != one.epoch)
            one.epoch = epoch[1]
            let end = try await bench.redis("ZSCORE", bench.keys.leases, one.inc).text
            #expect(try await bench.renew(one)[0] == "RESYNC")
            #expect(try await bench.renew(one)[0] == "RESYNC")
            #expect(try await bench.redis("ZSCORE", bench.keys.leases, one.inc).text == end)
            #expect(try await bench.call(RegistryScript.synced, one)[0] == "OK")
            #expect(try await bench.call(RegistryScript.synced, one)[0] == "OK")
            #expect(try await bench.renew(one)[0] == "OK")
            try await bench.expire(one)
            #expect(try await bench.call(RegistryScript.synced, one) == ["LOST"])
            one.epoch = "3"
            #expect(try await bench.call(RegistryScript.synced, one)[0] == "EPOCH")
        }
    }

    @Test func aPredecessorThatIsCertainlyDeadIsVoided() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            _ = try await bench.register("cccccccccc1", predecessor: one.inc)
            #expect(try await bench.claim("u", 2, two).first == "OK")
            #expect(try await bench.renew(one) == ["LOST"])
            #expect(try await bench.redis("ZSCORE", bench.keys.leases, "").text == "inf")
        }
    }

    @Test func everyLossBeginsAnEpoch() async throws {
        try await ScriptBench.with { bench in
            let losses: [(String, (ScriptBench.Caller) async throws -> Void)] = [
                ("meta", { _ in try await bench.redis("DEL", bench.keys.meta) }),
                ("leases", { _ in try await bench.redis("DEL", bench.keys.leases) }),
                ("claims", { _ in try await bench.redis("DEL", bench.keys.claims) }),
                ("waiters", { _ in try await bench.redis("DEL", bench.keys.waiters) }),
                ("index", { try await bench.redis("DEL", bench.keys.index(of: $0.inc)) }),
                ("everything", { _ in try await bench.redis("FLUSHALL") }),
            ]
            var one = try await bench.register("aaaaaaaaaa1")
            for (name, lose) in losses {
                try await lose(one)
                let answer = try await bench.renew(one)
                #expect(answer[0] == "EPOCH" && answer[1] != one.epoch, "\(name)")
                #expect((UInt64(answer[1]) ?? 0) > (UInt64(one.epoch) ?? 0), "\(name)")
                one.epoch = answer[1]
                #expect(try await bench.renew(one)[0] == "RESYNC", "\(name)")
                #expect(try await bench.claim("u", 1, one)[0] == "RESYNC", "\(name)")
                #expect(try await bench.call(RegistryScript.synced, one)[0] == "OK", "\(name)")
                #expect(try await bench.renew(one)[0] == "OK", "\(name)")
                #expect(try await bench.claim("u", 1, one) == ["RECOVERING"], "\(name)")
                #expect(try await bench.members(one) == [""], "\(name)")
            }
        }
    }

    @Test func anEpochKeepsTheDeadDeadAndTheOthersUndecided() async throws {
        try await ScriptBench.with { bench in
            var (one, two) = try await bench.pair()
            let three = try await bench.register("cccccccccc1")
            try await bench.redis("ZADD", bench.keys.leases, "0", one.inc)
            try await bench.expire(two)
            try await bench.redis("ZREM", bench.keys.leases, three.inc)
            one.run = "run1111111111111"
            one.epoch = try await bench.renew(one)[1]
            let window = try await bench.redis("HGET", bench.keys.meta, "rec").text
            #expect(try await bench.redis("ZSCORE", bench.keys.leases, one.inc).text == "0")
            #expect(try await bench.renew(one) == ["LOST"])
            #expect(try await bench.redis("ZSCORE", bench.keys.leases, two.inc).text == window)
            // One that is known but has no lease entry is cleared away like the others after the window.
            #expect(try await bench.redis("ZSCORE", bench.keys.leases, three.inc).text == window)
        }
    }

    @Test func epochsPassTwoToTheFiftyThird() async throws {
        try await ScriptBench.with { bench in
            var (one, _) = try await bench.pair()
            try await bench.redis("HSET", bench.keys.meta, "ep", "9007199254740992")
            try await bench.redis("HSET", bench.keys.claims, "", "9007199254740992")
            #expect(try await bench.renew(one) == ["EPOCH", "9007199254740992", "0"])
            one.run = "run1111111111111"
            #expect(try await bench.renew(one)[1] == "9007199254740993")
            one.epoch = "9007199254740993"
            #expect(try await bench.renew(one)[0] == "RESYNC")
        }
    }

    @Test func stepsOfTheClockCostAtMostTheLargestStep() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            func observed() async throws -> (v: Int, wall: Int) {
                let reply = try await bench.redis("HMGET", bench.keys.meta, "v", "lw")
                return (reply.elements?[0].int ?? 0, reply.elements?[1].int ?? 0)
            }
            // A leap of an hour ahead ages leases by one step only.
            let (before, wall) = try await observed()
            try await bench.redis("HSET", bench.keys.meta, "lw", "\(wall - 3_600_000)")
            #expect(try await bench.claim("u", 2, two) == ["WAIT"])
            #expect(try await bench.renew(two)[0] == "OK")
            let (after, _) = try await observed()
            #expect(after - before == ScriptBench.step)
            // An hour back: time stands, nothing goes back.
            try await bench.redis("HSET", bench.keys.meta, "lw", "\(wall + 3_600_000)")
            #expect(try await bench.renew(one)[0] == "OK")
            #expect(try await observed().v == after)
        }
    }

    @Test func theDeadAreClearedAwayInChunks() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            var dead = one
            dead.epoch = two.epoch
            func reap() async throws -> String? { try await bench.code(RegistryScript.reap, dead, "100") }
            for number in 0..<150 { _ = try await bench.claim("u\(number)", number, one) }
            _ = try await bench.claim("u0", 1_000, two)
            _ = try await bench.claim("w", 1_001, two)
            _ = try await bench.claim("w", 1_002, one)
            #expect(try await reap() == "ALIVE")
            try await bench.expire(one)
            try await bench.redis("HSET", bench.keys.meta, "rec", "9999999999999")
            #expect(try await reap() == "RECOVERING")
            try await bench.recover()
            #expect(try await reap() == "MORE")
            #expect(try await reap() == "DONE")
            #expect(try await reap() == "DONE")
            #expect(try await bench.record("u0").first == two.inc)
            #expect(try await bench.record("w").count == 6)
            #expect(try await bench.redis("HLEN", bench.keys.claims).int == 3)
            #expect(try await bench.redis("EXISTS", bench.keys.index(of: one.inc)).int == 0)
            #expect(try await bench.redis("HEXISTS", bench.keys.meta, "s:\(one.inc)").int == 0)
            #expect(try await bench.redis("ZSCORE", bench.keys.leases, one.inc).isNull)
            #expect(try await bench.waitMarks() == [])
            dead.epoch = "3"
            #expect(try await reap() == "EPOCH")
        }
    }

    @Test func withoutAnIndexAllClaimsAreWalkedThrough() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            for number in 0..<700 {
                _ = try await bench.claim("u\(number)", number, number % 2 == 0 ? one : two)
            }
            try await bench.expire(one)
            try await bench.redis("DEL", bench.keys.index(of: one.inc))
            var dead = two
            dead.inc = one.inc
            var calls = 0
            while try await bench.code(RegistryScript.reap, dead, "100") == "MORE", calls < 100 { calls += 1 }
            #expect(calls > 1)
            #expect(try await bench.redis("HLEN", bench.keys.claims).int == 351)
            #expect(try await bench.redis("HEXISTS", bench.keys.meta, "z:\(one.inc)").int == 0)
        }
    }

    @Test func leavingFreesTheUsersAtOnce() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            #expect(try await bench.code(RegistryScript.leave, one) == "OK")
            #expect(try await bench.code(RegistryScript.leave, one) == "OK")
            #expect(try await bench.claim("u", 2, two).first == "OK")
            #expect(try await bench.renew(one) == ["LOST"])
        }
    }

    @Test func questionsSeeTheLivingOnly() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            _ = try await bench.claim("v", 2, two)
            let list = try await bench.call(RegistryScript.list, one, "0", "100")
            #expect(list[0] == "OK" && list[1] == "0" && list[2] == "0")
            let users = Set(list[3].split(separator: ",").map(String.init))
            #expect(users.isSuperset(of: ["u", "v", one.inc, two.inc, "info1", "info2"]))
            #expect(list[4].contains("node-\(one.inc)") && list[4].contains("node-\(two.inc)"))
            #expect(
                try await bench.call(RegistryScript.user, two, "u") == [
                    "OK", "node-\(one.inc)", "1700000000000", "info1",
                ])
            #expect(try await bench.call(RegistryScript.user, two, "nobody") == ["NONE"])
            try await bench.expire(one)
            let rest = try await bench.call(RegistryScript.list, one, "0", "100")
            #expect(rest[3] == "v,\(two.inc),1700000000000,info2")
            #expect(try await bench.call(RegistryScript.user, two, "u") == ["NONE"])
            let census = try await bench.call(RegistryScript.census, two, "1", "0")
            #expect(census[1] == "2" && census[2] == "0" && census[3] == one.inc)
            #expect(census[4].hasPrefix("\(two.inc),"))
            try await bench.redis("DEL", bench.keys.meta)
            #expect(try await bench.call(RegistryScript.list, one, "0", "100")[2] == "1")
            try await bench.redis("FLUSHALL")
            #expect(try await bench.call(RegistryScript.census, two, "1", "1") == ["OK", "0", "1", "", ""])
            #expect(try await bench.redis("DBSIZE").int == 0)
        }
    }

    @Test func constantsAreComparedAndOverwrittenOnlyForTheDead() async throws {
        try await ScriptBench.with { bench in
            func configure(_ constants: String, _ instance: String, over old: String = "") async throws -> [String] {
                let reply = try await bench.client.execute(
                    RegistryScript.configure, keys: ["{bench:/}:cfg"],
                    arguments: [.text(constants), .text(instance), 60_000, .text(old)], waitUpTo: .seconds(10))
                return (reply.elements ?? []).map { $0.text ?? "" }
            }
            #expect(try await configure("A", "one") == ["OK"])
            #expect(try await configure("A", "one") == ["OK"])
            #expect(try await configure("A", "two") == ["OK"])
            #expect(try await configure("B", "three") == ["MISMATCH", "A", "2"])
            #expect(try await configure("B", "three", over: "A") == ["MISMATCH", "A", "2"])
            try await bench.redis("HSET", "{bench:/}:cfg", "i:one", "1", "i:two", "1")
            #expect(try await configure("B", "three") == ["MISMATCH", "A", "0"])
            #expect(try await configure("B", "three", over: "X") == ["MISMATCH", "A", "0"])
            #expect(try await configure("B", "three", over: "A") == ["OK"])
            #expect(try await configure("A", "one") == ["MISMATCH", "B", "1"])
        }
    }

    @Test func aNewRegistryHasNoWindowAndIsMadeOnce() async throws {
        try await ScriptBench.with { bench in
            var one = ScriptBench.Caller(inc: "aaaaaaaaaa1")
            #expect(try await bench.code(RegistryScript.initialize, one) == "OK")
            #expect(try await bench.code(RegistryScript.initialize, one) == "EXISTS")
            let epoch = try await bench.renew(one)
            #expect(epoch[0] == "EPOCH" && epoch[2] == "0")
            one.epoch = epoch[1]
            #expect(try await bench.code(RegistryScript.renew, one, "1", "", "", "") == "OK")
            #expect(try await bench.claim("u", 1, one).first == "OK")
        }
    }

    @Test func changesArePublishedWhileSomebodyListens() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            func number() async throws -> Int { try await bench.redis("HGET", bench.keys.meta, "ev").int ?? -1 }
            let first = try await number()
            _ = try await bench.claim("u", 1, one)
            #expect(try await number() == first)
            #expect(try await bench.code(RegistryScript.renew, one, "0", "", "1", "") == "OK")
            #expect(try await number() == first + 1)
            #expect(try await bench.code(RegistryScript.renew, one, "0", "", "1", "") == "OK")
            #expect(try await number() == first + 1)
            _ = try await bench.claim("v", 2, one)
            _ = try await bench.claim("v", 3, two)
            _ = try await bench.release("v", 2, one)
            _ = try await bench.release("v", 3, two)
            #expect(try await number() == first + 4)
        }
    }
}
