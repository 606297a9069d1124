// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import Rollcall

/// What is kept for clients that come back, with the time in our hands.
@Suite struct RecoveryStoresTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private static func text(_ event: EncodedEvent) -> String { String(buffer: event.payload) }

    private static func offset(_ event: EncodedEvent) -> String {
        let text = Self.text(event)
        return text.lastIndex(of: ",").map { String(text[$0...].dropFirst(2).dropLast(2)) } ?? ""
    }

    @Test func eventsAreFoundByOffsetAndRoom() throws {
        var log = EventLog(maximumAge: .seconds(10), maximumBytes: 1 << 20)
        let first = log.append(try EncodedEvent("a"), BroadcastOptions(), now: self.start, tag: 7)
        #expect(Self.text(first) == #"["a","0.7"]"#)
        _ = log.append(try EncodedEvent("b", 1), BroadcastOptions(rooms: ["x", "y"]), now: self.start)
        _ = log.append(try EncodedEvent("c"), BroadcastOptions(except: ["x"]), now: self.start)
        let last = log.append(try EncodedEvent("d"), BroadcastOptions(rooms: ["me"]), now: self.start)
        let position = try #require(log.position(after: "0.7"))
        func names(_ rooms: Set<String>) -> [Character]? {
            log.events(from: position, for: rooms)?.compactMap { Self.text($0).dropFirst(2).first }
        }
        #expect(names(["me"]) == ["c", "d"])
        #expect(names(["me", "x"]) == ["b", "d"])
        #expect(names(["me", "y"]) == ["b", "c", "d"])
        #expect(log.position(after: Self.offset(last)) == log.end)
        #expect(log.events(from: log.end, for: ["me"])?.isEmpty == true)
        for wrong in ["0.8", "4.7", "-1.7", "0", ".", "", "0.7.", "zzzzzzzzzzzzzzzzzzzzzzzz.7", "3w5e11264sgsf.7"] {
            #expect(log.position(after: wrong) == nil, "\(wrong)")
        }
        #expect(log.events(from: log.end + 1, for: ["me"]) == nil)
    }

    @Test func eventsGoByAgeAndByBytes() throws {
        var log = EventLog(maximumAge: .seconds(10), maximumBytes: 1000)
        let first = log.append(try EncodedEvent("a"), BroadcastOptions(), now: self.start)
        let second = log.append(try EncodedEvent("b"), BroadcastOptions(), now: self.start + .seconds(6))
        log.trim(now: self.start + .seconds(11))
        #expect(log.position(after: Self.offset(first)) == nil)
        #expect(log.events(from: 0, for: ["me"]) == nil)
        #expect(log.position(after: Self.offset(second)) == 2)
        for _ in 0..<20 { _ = log.append(try EncodedEvent("c"), BroadcastOptions(), now: self.start + .seconds(6)) }
        #expect(log.bytes <= 1000 && log.count > 2)
        #expect(log.position(after: Self.offset(second)) == nil)
        let huge = log.append(
            try EncodedEvent("d", String(repeating: "x", count: 2000)), BroadcastOptions(), now: self.start)
        #expect(log.count == 0 && log.bytes == 0 && log.end == 23)
        #expect(log.position(after: Self.offset(huge)) == nil)
        log.trim(now: self.start + .hours(1))
        #expect(log.end == 23)
    }

    private static func session(_ id: String) -> RecoverableSession {
        RecoverableSession(
            id: "public-\(id)", privateID: id, began: 0, data: SocketData(), rooms: [], user: nil, expiry: nil)
    }

    @Test func sessionsGoByAgeAndByNumber() {
        var store = SessionStore(maximumAge: .seconds(10), maximumCount: 2)
        store.keep(Self.session("a"), now: self.start)
        store.keep(Self.session("b"), now: self.start + .seconds(1))
        store.keep(Self.session("a"), now: self.start + .seconds(2))  // again: now the younger one
        store.keep(Self.session("c"), now: self.start + .seconds(3))
        #expect(store.count == 2)
        #expect(store.take("b", now: self.start + .seconds(3)) == nil)
        #expect(store.take("a", now: self.start + .seconds(12))?.id == "public-a")
        #expect(store.take("a", now: self.start + .seconds(12)) == nil)
        #expect(store.take("c", now: self.start + .seconds(14)) == nil)
        #expect(store.count == 0)
        for round in 0..<1000 {
            store.keep(Self.session("x"), now: self.start + .milliseconds(Int64(round)))
            #expect(store.take("x", now: self.start + .milliseconds(Int64(round))) != nil)
        }
        store.keep(Self.session("y"), now: self.start + .seconds(2))
        #expect(store.count == 1)
        var none = SessionStore(maximumAge: .seconds(10), maximumCount: 0)
        none.keep(Self.session("a"), now: self.start)
        #expect(none.count == 0)
    }
}
