// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import Testing

@testable import UserRegistryRedis

/// The scripts about single users, against a real Redis: every reply code, and each call twice.
@Suite(.serialized) struct ClaimScriptTests {
    @Test func claimsAreGrantedOnceAndRepeatable() async throws {
        try await ScriptBench.with { bench in
            let one = try await bench.register("aaaaaaaaaa1")
            #expect(try await bench.claim("u", 1, one) == ["RECOVERING"])
            try await bench.recover()
            let granted = try await bench.claim("u", 1, one)
            #expect(granted.first == "OK")
            #expect(try await bench.claim("u", 1, one) == granted)
            let other = try await bench.claim("v", 2, one)
            #expect((UInt64(other[1]) ?? 0) > (UInt64(granted[1]) ?? 0))
            #expect(try await bench.record("u") == [one.inc, "1", granted[1], "1700000000000", "info1", ""])
            #expect(try await bench.members(one) == ["", "u", "v"])
            // What is one's own is not granted inside a window either.
            try await bench.redis("HSET", bench.keys.meta, "rec", "9999999999999")
            #expect(try await bench.claim("u", 1, one) == ["RECOVERING"])
        }
    }

    @Test func claimsNeedALeaseOfThisEpochAndSession() async throws {
        try await ScriptBench.with { bench in
            var (one, _) = try await bench.pair()
            var stranger = one
            stranger.inc = "cccccccccc1"
            #expect(try await bench.claim("u", 1, stranger) == ["NOLEASE"])
            one.session = 1
            #expect(try await bench.claim("u", 1, one) == ["STALE"])
            one.session = 0
            try await bench.redis("HSET", bench.keys.meta, "s:\(one.inc)", "7/0")
            #expect(try await bench.claim("u", 1, one) == ["RESYNC"])
            try await bench.redis("HDEL", bench.keys.meta, "s:\(one.inc)")
            #expect(try await bench.claim("u", 1, one) == ["RESYNC"])
            try await bench.expire(one)
            #expect(try await bench.claim("u", 1, one) == ["NOLEASE"])
            one.epoch = "1"
            #expect(try await bench.claim("u", 1, one).first == "EPOCH")
        }
    }

    @Test func theNewestWaiterStandsInTheRecordAndIsHandedTheUser() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            let three = try await bench.register("cccccccccc1")
            _ = try await bench.claim("u", 1, one)
            #expect(try await bench.claim("u", 2, two) == ["WAIT"])
            #expect(try await bench.claim("u", 2, two) == ["WAIT"])
            #expect(try await bench.claim("u", 3, three) == ["WAIT"])
            #expect(try await bench.record("u").suffix(4) == [three.inc, "3", "1700000000000", "info3"])
            #expect(try await bench.waitMarks() == ["\(one.inc)\u{1F}u"])
            // Renewals tell the owner who waits.
            #expect(try await bench.renew(one)[2] == "u,1,\(three.inc),3,")
            #expect(try await bench.release("u", 1, one) == "HANDED")
            #expect(try await bench.release("u", 1, one) == "NONE")
            let record = try await bench.record("u")
            #expect(record.count == 6 && record[0] == three.inc && record[1] == "3" && record[4] == "info3")
            #expect(try await bench.claim("u", 3, three) == ["OK", record[2]])
            #expect(try await bench.waitMarks() == [])
            #expect(try await bench.members(one) == [""])
            #expect(try await bench.members(three) == ["", "u"])
        }
    }

    @Test func handingOverWithinANodeKeepsItsIndex() async throws {
        try await ScriptBench.with { bench in
            let (one, _) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            #expect(try await bench.claim("u", 2, one) == ["WAIT"])
            #expect(try await bench.release("u", 1, one) == "HANDED")
            #expect(try await bench.members(one) == ["", "u"])
            #expect(try await bench.release("u", 2, one) == "OK")
            #expect(try await bench.members(one) == [""])
            #expect(try await bench.record("u") == [])
        }
    }

    @Test func aDeadOwnersUserIsTakenAndItsLeaseVoided() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            _ = try await bench.claim("u", 2, two)
            try await bench.expire(one)
            #expect(try await bench.claim("u", 2, two).first == "OK")
            #expect(try await bench.redis("ZSCORE", bench.keys.leases, one.inc).text == "0")
            #expect(try await bench.renew(one) == ["LOST"])
            #expect(try await bench.waitMarks() == [])
            // A late release of the dead one does no harm.
            #expect(try await bench.release("u", 1, one) == "NONE")
            #expect(try await bench.record("u").first == two.inc)
        }
    }

    @Test func releasesMatchIncarnationAndConnectionInAnyEpoch() async throws {
        try await ScriptBench.with { bench in
            var (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            _ = try await bench.claim("u", 2, two)
            one.epoch = "5"
            one.session = 9
            two.epoch = "5"
            #expect(try await bench.release("u", 7, one) == "NONE")
            #expect(try await bench.release("u", 1, two) == "NONE")
            #expect(try await bench.release("u", 2, two) == "OK")
            #expect(try await bench.release("u", 2, two) == "NONE")
            #expect(try await bench.record("u").count == 6)
            #expect(try await bench.waitMarks() == [])
            #expect(try await bench.members(two) == [""])
            #expect(try await bench.release("u", 1, one) == "OK")
            #expect(try await bench.release("nobody", 1, one) == "NONE")
        }
    }

    @Test func releasesHandNothingOverInDoubtfulData() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            _ = try await bench.claim("u", 2, two)
            var elsewhere = one
            elsewhere.run = "run1111111111111"
            #expect(try await bench.release("u", 1, elsewhere) == "OK")
            #expect(try await bench.record("u") == [])
        }
    }

    @Test func denialsComeFromALiveOwnerOnly() async throws {
        try await ScriptBench.with { bench in
            var (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            _ = try await bench.claim("u", 2, two)
            func deny(_ caller: ScriptBench.Caller, owner: Int, _ waiter: String, _ conn: Int) async throws -> String? {
                try await bench.code(
                    RegistryScript.deny, caller, "u", .integer(Int64(owner)), .text(waiter), .integer(Int64(conn)))
            }
            #expect(try await deny(two, owner: 1, two.inc, 2) == "NONE")
            #expect(try await deny(one, owner: 8, two.inc, 2) == "NONE")
            one.session = 1
            #expect(try await deny(one, owner: 1, two.inc, 2) == "NONE")
            one.session = 0
            // A displaced waiter is answered; the one in the record keeps its place.
            #expect(try await deny(one, owner: 1, "cccccccccc1", 5) == "DENIED")
            #expect(try await bench.record("u").count == 10)
            #expect(try await deny(one, owner: 1, two.inc, 2) == "DENIED")
            #expect(try await deny(one, owner: 1, two.inc, 2) == "DENIED")
            #expect(try await bench.record("u").count == 6)
            #expect(try await bench.waitMarks() == [])
            try await bench.expire(one)
            #expect(try await deny(one, owner: 1, two.inc, 2) == "NONE")
        }
    }

    @Test func continuingNodesAssertWithTheirTokens() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            try await bench.redis("HSET", bench.keys.meta, "rec", "9999999999999")
            // Absent: taken, and the sequence follows.
            #expect(try await bench.reassert("u", 1, "8999999999999999", one) == ["OK", "8999999999999999"])
            #expect(try await bench.redis("HGET", bench.keys.meta, "seq").text == "8999999999999999")
            #expect(try await bench.reassert("u", 1, "3", one) == ["OK", "8999999999999999"])
            // Inside a window the higher token wins.
            #expect(try await bench.reassert("u", 2, "8999999999999998", two) == ["OK", ""])
            #expect(try await bench.reassert("u", 2, "9000000000000000", two) == ["OK", "9000000000000000"])
            try await bench.recover()
            // Outside of it a live owner keeps the user.
            #expect(try await bench.reassert("u", 1, "9000000000000009", one) == ["OK", ""])
            try await bench.expire(two)
            #expect(try await bench.reassert("u", 1, "9000000000000009", one) == ["OK", "9000000000000009"])
            #expect(try await bench.redis("ZSCORE", bench.keys.leases, two.inc).text == "0")
        }
    }

    @Test func assertionsNeedALeaseAndTheSession() async throws {
        try await ScriptBench.with { bench in
            var (one, two) = try await bench.pair()
            one.session = 4
            #expect(try await bench.reassert("u", 1, "3", one) == ["STALE"])
            one.session = 0
            try await bench.redis("HSET", bench.keys.meta, "s:\(one.inc)", "0/0")
            #expect(try await bench.reassert("u", 1, "3", from: "xxxxxxxxxx1", one) == ["RESYNC"])
            #expect(try await bench.reassert("u", 1, "3", one) == ["OK", "3"])
            try await bench.expire(one)
            #expect(try await bench.reassert("u", 1, "3", one) == ["LOST"])
            two.epoch = "4"
            #expect(try await bench.reassert("u", 1, "3", two).first == "EPOCH")
        }
    }

    @Test func suspendedConnectionsRejoinAfterTheWindowOnly() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            let old = "xxxxxxxxxx1"
            try await bench.redis("HSET", bench.keys.meta, "rec", "9999999999999")
            #expect(try await bench.reassert("u", 1, "3", from: old, one) == ["RECOVERING"])
            try await bench.recover()
            let granted = try await bench.reassert("u", 1, "3", from: old, one)
            #expect(granted.count == 2 && granted[1] != "3" && granted[1] != "")
            #expect(try await bench.reassert("u", 1, "3", from: old, one) == granted)
            #expect(try await bench.reassert("u", 2, "3", from: old, two) == ["OK", ""])
        }
    }

    @Test func administratorsMarksStayUntilTheOwnerHasSeenThem() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            func kick(_ user: String) async throws -> [String] {
                try await bench.call(RegistryScript.kick, two, .text(user), "because")
            }
            #expect(try await kick("u") == ["NONE"])
            _ = try await bench.claim("u", 1, one)
            #expect(try await kick("u") == ["OK", "1"])
            #expect(try await kick("u") == ["OK", "1"])
            _ = try await bench.claim("u", 2, two)
            #expect(try await bench.renew(one)[2] == "u,1,\(two.inc),2,k=because")
            #expect(try await bench.release("u", 2, two) == "OK")
            #expect(try await bench.renew(one)[2] == "u,1,,,k=because")
            #expect(try await bench.release("u", 1, one) == "OK")
            #expect(try await bench.renew(one)[2] == "")
            _ = try await bench.claim("u", 3, one)
            try await bench.expire(one)
            #expect(try await kick("u") == ["NONE"])
        }
    }

    @Test func detailsAreRewrittenForTheRightConnectionOnly() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            _ = try await bench.claim("u", 1, one)
            _ = try await bench.claim("u", 2, two)
            #expect(try await bench.code(RegistryScript.update, one, "u", "1", "new") == "OK")
            #expect(try await bench.code(RegistryScript.update, two, "u", "2", "newer") == "OK")
            #expect(try await bench.code(RegistryScript.update, two, "u", "1", "wrong") == "NONE")
            #expect(try await bench.code(RegistryScript.update, two, "nobody", "1", "wrong") == "NONE")
            let record = try await bench.record("u")
            #expect(record[4] == "new" && record[9] == "newer")
        }
    }

    @Test func theListOfOnesOwnClearsAwayWhatNoRecordBearsOut() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            for number in 0..<300 { _ = try await bench.claim("u\(number)", number, one) }
            _ = try await bench.claim("w", 1_000, two)
            _ = try await bench.claim("w", 1_001, one)
            try await bench.redis("SADD", bench.keys.index(of: one.inc), "stale")
            var found: [String: String] = [:]
            var cursor = "0"
            repeat {
                let page = try await bench.call(RegistryScript.mine, one, .text(cursor))
                try #require(page[0] == "OK")
                cursor = page[1]
                for index in stride(from: 2, to: page.count, by: 2) { found[page[index]] = page[index + 1] }
            } while cursor != "0"
            #expect(found.count == 301)
            #expect(found["w"] == "1001" && found["u299"] == "299")
            #expect(try await bench.members(one).contains("stale") == false)
        }
    }

    /// All bytes but NUL, and those that the scripts use as separators in every place.
    @Test func userIdsMayHoldAnyByte() async throws {
        try await ScriptBench.with { bench in
            let (one, two) = try await bench.pair()
            var ids = (UInt8(1)...255).map { [$0] }
            ids += [Array(1...255), [0x1F, 0x1F], [0x20, 0x1F, 0x0A], Array("k=\u{1F}a\u{1F}".utf8), [0x0D, 0x0A]]
            for (number, id) in ids.enumerated() {
                let user = RedisArgument.bytes(ByteBuffer(bytes: id))
                func claim(_ conn: Int, _ caller: ScriptBench.Caller) async throws -> [String] {
                    try await bench.call(RegistryScript.claim, caller, user, .integer(Int64(conn)), "1", "i")
                }
                #expect(try await claim(number, one).first == "OK")
                #expect(try await claim(number + 1_000, two) == ["WAIT"])
                let reply = try await bench.client.execute(
                    RegistryScript.renew, keys: (bench.keys.fixed + [bench.keys.index(of: one.inc)]).map { .text($0) },
                    arguments: [
                        .text(one.run), .text(one.epoch), 600_000, 120_000, .text(one.inc), 0, "0", "", "", "",
                    ])
                let waiters = reply.elements?[2].elements ?? []
                #expect(waiters.count == 5 && waiters.first?.bytes == ByteBuffer(bytes: id))
                #expect(try await bench.code(RegistryScript.release, one, user, .integer(Int64(number))) == "HANDED")
                #expect(try await claim(number + 1_000, two).first == "OK")
                #expect(
                    try await bench.code(RegistryScript.release, two, user, .integer(Int64(number + 1_000))) == "OK")
            }
            #expect(try await bench.redis("HLEN", bench.keys.claims).int == 1)
            #expect(try await bench.members(one) == [""])
            #expect(try await bench.members(two) == [""])
        }
    }

    @Test func tokensPassTwoToTheFiftyThird() async throws {
        try await ScriptBench.with { bench in
            let (one, _) = try await bench.pair()
            for (before, after) in [
                ("9007199254740990", "9007199254740991"), ("9007199254740992", "9007199254740993"),
                ("9223372036854775800", "9223372036854775801"),
            ] {
                try await bench.redis("HSET", bench.keys.meta, "seq", before)
                #expect(try await bench.claim("u\(before)", 1, one) == ["OK", after])
            }
            // Compared as numbers, not as text or as doubles.
            try await bench.redis("HSET", bench.keys.meta, "rec", "9999999999999")
            #expect(try await bench.reassert("v", 1, "9223372036854775805", one)[1] == "9223372036854775805")
            let two = try await bench.register("bbbbbbbbbb1")
            #expect(try await bench.reassert("v", 2, "9223372036854775804", two) == ["OK", ""])
            #expect(try await bench.reassert("v", 2, "9223372036854775806", two)[1] == "9223372036854775806")
        }
    }
}
