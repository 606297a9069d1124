// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import Testing
import UserRegistryCore

@testable import UserRegistryRedis

/// What comes from Redis may be anything.
@Suite struct DecodingTests {
    static func text(_ text: String) -> RedisReply { .string(ByteBuffer(string: text)) }
    static func array(_ words: String...) -> RedisReply { .array(words.map { Self.text($0) }) }

    static var claim: PartitionCommand.Script {
        .claim(
            Claim(
                id: 1, user: "u", info: "", connectedAt: 0,
                connection: TestSocket(user: "u", node: TestNode("n", port: 1), answersProbes: true), deadline: 0,
                notBefore: 0))
    }

    static func decode(_ reply: RedisReply, of script: PartitionCommand.Script) -> ScriptReply {
        ScriptReplyDecoder.decode(.success(reply), of: script)
    }

    @Test func wellFormedAnswers() {
        #expect(Self.decode(Self.array("OK", "17"), of: Self.claim) == .token(17))
        #expect(Self.decode(Self.array("OK", "18446744073709551615"), of: Self.claim) == .token(.max))
        for (code, reply) in [
            ("WAIT", ScriptReply.wait), ("RECOVERING", .recovering), ("NOLEASE", .noLease), ("RESYNC", .resync),
            ("LOST", .lost), ("STALE", .stale), ("MORE", .more), ("DONE", .done), ("HANDED", .done), ("NONE", .done),
            ("DENIED", .done), ("ALIVE", .done),
        ] {
            #expect(Self.decode(Self.array(code), of: .synced) == reply)
        }
        #expect(Self.decode(Self.array("EPOCH", "5", "100"), of: .synced) == .epoch(5))
        #expect(
            Self.decode(Self.array("OK", "7"), of: .synced)
                == .renewed(recoveryLeft: 7_000_000, waiters: [], expired: []))
        #expect(Self.decode(.integer(5), of: .count) == .count(4))
        #expect(
            Self.decode(Self.array("OK", "3", ""), of: .reassert(from: 1, claims: [], purpose: .check)) == .token3Nil)
        #expect(
            Self.decode(Self.array("OK", "0", "u", "9", "v", "x"), of: .mine(cursor: "0", purpose: .check))
                == .page(cursor: "0", held: [HeldUser(user: "u", connection: 9)]))
        let waiters = RedisReply.array(
            ["u", "4", "inc", "5", "", "v", "6", "", "", "k=why", "w"].map { Self.text($0) })
        let renewed = RedisReply.array([Self.text("OK"), Self.text("0"), waiters, Self.array("dead")])
        #expect(
            Self.decode(renewed, of: .renew(isFresh: false))
                == .renewed(
                    recoveryLeft: 0,
                    waiters: [
                        WaitNotice(
                            user: "u", owner: 4, waiter: WaiterName(incarnation: "inc", connection: 5), kick: nil),
                        WaitNotice(user: "v", owner: 6, waiter: nil, kick: "why"),
                    ], expired: ["dead"]))
    }

    @Test(arguments: [
        RedisReply.null, .integer(3), .status("OK"), .array([]), .array([.null]), .array([.error("ERR")]),
        array("OK"), array("OK", ""), array("OK", "-1"), array("OK", "1x"), array("OK", "18446744073709551616"),
        array("WHAT"), array("EPOCH"), array("EPOCH", "x"), .array([text("OK"), .integer(3)]),
    ])
    func malformedAnswersAreUnknownOutcomes(reply: RedisReply) {
        #expect(Self.decode(reply, of: Self.claim) == .unknown)
    }

    @Test func failuresTellWhetherSomethingRan() {
        func decode(_ error: RedisError) -> ScriptReply { ScriptReplyDecoder.decode(.failure(error), of: .synced) }
        for prefix in ["LOADING", "READONLY", "OOM", "NOSCRIPT", "BUSY", "TRYAGAIN", "NOREPLICAS", "CLUSTERDOWN"] {
            #expect(decode(RedisError(.server(prefix), "\(prefix) something")) == .notExecuted)
        }
        #expect(decode(RedisError(.disconnected, "", wasSent: false)) == .notExecuted)
        #expect(decode(RedisError(.disconnected, "", wasSent: true)) == .unknown)
        #expect(decode(RedisError(.server("ERR"), "ERR in a script")) == .unknown)
        #expect(decode(RedisError(.server("WRONGTYPE"), "WRONGTYPE")) == .unknown)
    }

    @Test func controlMessages() {
        func message(_ text: String) -> ControlMessage? {
            ByteBuffer(string: text.replacing("|", with: "\u{1F}")).withUnsafeReadableBytes { ControlMessage($0) }
        }
        let waiter = WaiterName(incarnation: "inc", connection: 5)
        #expect(
            message("w|4|inc|5|a|b")
                == .notice(WaitNotice(user: "a\u{1F}b", owner: 4, waiter: waiter, kick: nil)))
        #expect(message("k|4|k=why|u") == .notice(WaitNotice(user: "u", owner: 4, waiter: nil, kick: "why")))
        #expect(message("g|5|u") == .granted(connection: 5, user: "u"))
        #expect(message("d|5|17|u") == .denied(connection: 5, since: 17))
        #expect(message("d|5||u") == .denied(connection: 5, since: nil))
        for text in [
            "", "x", "w", "w|4|inc|5", "w|x|inc|5|u", "w|4||5|u", "w|4|inc|x|u", "k|4|why|u", "k|4|k=why", "g|x|u",
            "g|5", "d|x|1|u", "d|5|1", "z|1|2|3|4|5",
        ] {
            #expect(message(text) == nil, "\(text)")
        }
    }

    @Test func detailsFitIntoARecord() {
        let details = ConnectionDetails(
            sid: "abc-12345678901234567", namespace: "/", connectedAt: 5, transport: "websocket", address: "::1")
        let info = RecordInfo.encode(details, scope: "/")
        #expect(RecordInfo.decode(info, since: 5, scope: "/") == details)
        var other = details
        other.namespace = "/chat"
        #expect(RecordInfo.decode(RecordInfo.encode(other, scope: "/"), since: 5, scope: "/") == other)
        let wild = ConnectionDetails(
            sid: String(repeating: "ü", count: 200), namespace: "\u{1F}\u{1E}\u{1D}\n",
            connectedAt: 5, transport: String(repeating: "t", count: 200), address: String(repeating: "日", count: 99))
        let cut = RecordInfo.encode(wild, scope: "/")
        #expect(cut.utf8.count <= 256)
        #expect(!cut.utf8.contains { $0 == 0x1F || $0 == 0x1E || $0 == 0x0A })
        let decoded = RecordInfo.decode(cut, since: 5, scope: "/")
        #expect(decoded.sid == String(repeating: "ü", count: 40) && decoded.namespace == "    ")
        #expect(RecordInfo.decode("", since: 5, scope: "/").namespace == "/")
    }

    @Test func constantsAreReadAsWritten() {
        let constants = RegistryConstants(partitions: 16, timing: RegistryTiming())
        #expect(constants.text == "16 12000 2400 1" && RegistryConstants(constants.text) == constants)
        for text in [
            "", "16", "16 12000 2400", "0 1 1 1", "65 1 1 1", "16 0 1 1", "16 1 x 1", "16 1 1 1 1", "-1 1 1 1",
        ] {
            #expect(RegistryConstants(text) == nil, "\(text)")
        }
    }

    @Test func keysOfAPartitionShareItsTag() {
        let keys = PartitionKeys.all(prefix: "p", scope: "/s", partitions: 4)
        for (number, partition) in keys.enumerated() {
            let tag = String(partition.meta.dropLast(2))
            #expect(tag.hasPrefix("{p:/s:\(number).") && tag.hasSuffix("}"))
            #expect(partition.fixed == [":m", ":l", ":c", ":w"].map { tag + $0 })
            #expect(partition.index(of: "i") == tag + ":n:i" && partition.control(of: "i") == tag + ":ctl:i")
        }
    }
}

extension ScriptReply {
    fileprivate static let token3Nil = ScriptReply.tokens([3, nil])
}
