// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import HiredisClient

@Suite struct SHA1Tests {
    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        (String(repeating: "a", count: 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
    ])
    func matchesTheStandard(text: String, digest: String) {
        #expect(RedisScript(text).sha1 == digest)
    }
}

@Suite struct BackoffTests {
    @Test func doublesUpToTheMaximum() {
        var backoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2), jitter: 0.5)
        let pauses = (0..<8).map { _ in backoff.next(chance: 0) }
        #expect(pauses == [50, 100, 200, 400, 800, 1600, 2000, 2000].map { .milliseconds($0) })
        for _ in 0..<1000 { _ = backoff.next(chance: 0) }
        #expect(backoff.next(chance: 0) == .seconds(2))
        #expect(backoff.next(chance: 1) == .seconds(1))
        backoff.reset()
        #expect(backoff.next(chance: 0.5) == .nanoseconds(37_500_000))
    }

    @Test func neverPausesForNothingOrForever() {
        var backoff = Backoff(initial: .zero, maximum: .zero, jitter: 7)
        #expect(backoff.next(chance: 0) > .zero)
        var huge = Backoff(initial: .nanoseconds(.max), maximum: .nanoseconds(.max), jitter: 0)
        #expect(huge.next(chance: 1) == .nanoseconds(.max))
        #expect(huge.next(chance: 1) == .nanoseconds(.max))
    }
}

@Suite struct RingBufferTests {
    @Test func keepsOrderWhileItGrowsAndWraps() {
        var ring = RingBuffer<Int>()
        var expected: [Int] = []
        var next = 0
        for round in 0..<200 {
            for _ in 0..<(round % 37) {
                ring.append(next)
                expected.append(next)
                next += 1
            }
            for _ in 0..<(round % 31) where !expected.isEmpty { #expect(ring.popFirst() == expected.removeFirst()) }
            #expect(ring.count == expected.count)
            #expect(ring.first == expected.first)
            #expect(Array(ring) == expected)
        }
        while let value = ring.popFirst() { #expect(value == expected.removeFirst()) }
        #expect(expected.isEmpty)
        #expect(ring.isEmpty)
    }

    @Test func removesByPredicateInOrder() {
        var ring = RingBuffer<Int>()
        for value in 0..<20 { ring.append(value) }
        for _ in 0..<10 { _ = ring.popFirst() }
        for value in 20..<30 { ring.append(value) }
        #expect(ring.remove { $0.isMultiple(of: 3) } == [12, 15, 18, 21, 24, 27])
        #expect(Array(ring) == (10..<30).filter { !$0.isMultiple(of: 3) })
    }

    @Test func releasesWhatWasTaken() {
        final class Token {}
        var ring = RingBuffer<Token>()
        weak var weakToken: Token?
        do {
            let token = Token()
            weakToken = token
            ring.append(token)
        }
        #expect(weakToken != nil)
        _ = ring.popFirst()
        #expect(weakToken == nil)
    }
}

@Suite struct LivenessWatchTests {
    private func watch() -> LivenessWatch { LivenessWatch(timeout: .seconds(8), keepalive: .seconds(3)) }

    @Test func givesUpAfterTheWholeTimeoutOnly() {
        var watch = self.watch()
        #expect(watch.interval == .seconds(1))
        watch.beganWaiting()
        let actions = (0..<9).map { _ in watch.tick(isWaiting: true) }
        #expect(actions == Array(repeating: .none, count: 8) + [.giveUp])
    }

    @Test func anythingReceivedCountsAsLife() {
        var watch = self.watch()
        for _ in 0..<100 {
            for _ in 0..<8 { #expect(watch.tick(isWaiting: true) == .none) }
            watch.received()
            #expect(watch.tick(isWaiting: true) == .none)
        }
    }

    @Test func asksAnIdleConnectionAndThenWaitsFromThere() {
        var watch = self.watch()
        #expect((0..<3).map { _ in watch.tick(isWaiting: false) } == [.none, .none, .ping])
        for _ in 0..<8 { #expect(watch.tick(isWaiting: true) == .none) }
        #expect(watch.tick(isWaiting: true) == .giveUp)
    }

    @Test func idleTimeDoesNotCountAgainstAFreshCommand() {
        var watch = self.watch()
        _ = watch.tick(isWaiting: false)
        _ = watch.tick(isWaiting: false)
        watch.beganWaiting()
        for _ in 0..<8 { #expect(watch.tick(isWaiting: true) == .none) }
        #expect(watch.tick(isWaiting: true) == .giveUp)
    }

    @Test func withoutKeepaliveItNeverAsks() {
        var watch = LivenessWatch(timeout: .seconds(8), keepalive: nil)
        for _ in 0..<100 { #expect(watch.tick(isWaiting: false) == .none) }
    }
}

@Suite struct RedisErrorTests {
    @Test(arguments: [
        "LOADING", "READONLY", "OOM", "NOSCRIPT", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOAUTH", "NOPERM",
    ])
    func refusalsWereNotExecuted(prefix: String) {
        let error = RedisError(serverReply: "\(prefix) some text")
        #expect(error.code == .server(prefix))
        #expect(error.serverPrefix == prefix)
        #expect(error.certainlyNotExecuted)
        #expect(!error.wasSent)
    }

    @Test func otherErrorsMayHaveHadEffects() {
        #expect(!RedisError(serverReply: "ERR wrong").certainlyNotExecuted)
        #expect(!RedisError(serverReply: "").certainlyNotExecuted)
        #expect(!RedisError(serverReply: "NOPERM no script: 0a1b, on @user_script:2.").certainlyNotExecuted)
        #expect(!RedisError(.disconnected, "", wasSent: true).certainlyNotExecuted)
        #expect(RedisError(.disconnected, "").certainlyNotExecuted)
        #expect(RedisError(.queueFull, "").certainlyNotExecuted)
    }
}

@Suite struct RedisReplyTests {
    @Test func conveniences() {
        #expect(RedisReply.string(ByteBuffer(string: "12")).int == 12)
        #expect(RedisReply.string(ByteBuffer(string: "x")).int == nil)
        #expect(RedisReply.integer(-3).int == -3)
        #expect(RedisReply.status("OK").text == "OK")
        #expect(RedisReply.string(ByteBuffer(bytes: [0xFF])).text == "\u{FFFD}")
        #expect(RedisReply.array([.null]).elements == [.null])
        #expect(RedisReply.integer(1).text == nil)
        #expect(RedisReply.null.isNull)
        #expect(RedisReply.null.elements == nil)
    }
}
