// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization
import Testing

@testable import RollcallAdmin

@Suite struct PresenceEventHubTests {
    private let backend = FakeBackend()

    private func ids(_ step: PresenceEventHub.Step) -> [String] {
        guard case .write(let text) = step else { return [] }
        return text.split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
    }

    @Test func aNewReaderBeginsWithReset() throws {
        let hub = PresenceEventHub(history: 10, streams: 2)
        hub.publish(self.backend.join("before"))
        let reader = try hub.subscribe(lastEventID: nil) {}
        guard case .write(let text) = hub.step(reader.key) else {
            Issue.record("nothing to write")
            return
        }
        #expect(text.hasPrefix("event: reset\nid: "))
        #expect(!text.contains("before"))
        #expect(hub.step(reader.key) == .wait)
        hub.publish(self.backend.join("u\n1"))
        guard case .write(let event) = hub.step(reader.key) else {
            Issue.record("nothing to write")
            return
        }
        #expect(event.hasPrefix("event: join\nid: "))
        #expect(
            event.hasSuffix("\ndata: {\"node\":\"n1\",\"time\":\"2026-11-22T13:44:22.123Z\",\"user\":\"u\\n1\"}\n\n"))
    }

    @Test func aReaderGoesOnAfterItsLastEvent() throws {
        let hub = PresenceEventHub(history: 3, streams: 10)
        let first = try hub.subscribe(lastEventID: nil) {}
        let start = try #require(self.ids(hub.step(first.key)).first)
        var ids = [start]
        for index in 0..<3 {
            hub.publish(self.backend.join("u\(index)"))
            ids += self.ids(hub.step(first.key))
        }
        #expect(Set(ids).count == 4)
        for (position, id) in ids.enumerated() {
            let reader = try hub.subscribe(lastEventID: id) {}
            #expect(self.ids(hub.step(reader.key)) == Array(ids[(position + 1)...]))
        }
        // One more, and the oldest is beyond the history.
        hub.publish(self.backend.join("u3"))
        let late = try hub.subscribe(lastEventID: start) {}
        guard case .write(let text) = hub.step(late.key) else {
            Issue.record("nothing to write")
            return
        }
        #expect(text.hasPrefix("event: reset\n"))
        #expect(!text.contains("event: join"))
    }

    @Test(arguments: ["", "x", "1", "-1", "other-1", "%-1", "%-99", "%-", "%--1", "%-9223372036854775808"])
    func foreignIdsBeginWithReset(id: String) throws {
        let hub = PresenceEventHub(history: 3, streams: 10)
        let first = try hub.subscribe(lastEventID: nil) {}
        let own = try #require(self.ids(hub.step(first.key)).first?.split(separator: "-").first)
        let reader = try hub.subscribe(lastEventID: id.replacing("%", with: own)) {}
        guard case .write(let text) = hub.step(reader.key) else {
            Issue.record("nothing to write")
            return
        }
        #expect(text.hasPrefix("event: reset\n"))
    }

    @Test func aSlowReaderIsCutOff() throws {
        let cuts = Atomic<Int>(0)
        let counted = Mutex(0)
        let hub = PresenceEventHub(history: 5, streams: 2, cutOff: { counted.withLock { $0 += 1 } })
        let slow = try hub.subscribe(lastEventID: nil) { cuts.add(1, ordering: .relaxed) }
        let quick = try hub.subscribe(lastEventID: nil) { Issue.record("the quick reader was cut off") }
        _ = hub.step(slow.key)
        for index in 0..<6 {
            _ = hub.step(quick.key)
            hub.publish(self.backend.join("u\(index)"))
        }
        #expect(cuts.load(ordering: .relaxed) == 1)
        #expect(counted.withLock { $0 } == 1)
        #expect(hub.step(slow.key) == .end)
        #expect(hub.readerCount == 1)
    }

    @Test func aReaderThatDoesNotTakeWhatIsWrittenIsCutOff() throws {
        let cuts = Atomic<Int>(0)
        let hub = PresenceEventHub(history: 5, streams: 2)
        let reader = try hub.subscribe(lastEventID: nil) { cuts.add(1, ordering: .relaxed) }
        _ = hub.step(reader.key)
        hub.heartbeat()
        #expect(cuts.load(ordering: .relaxed) == 0)
        hub.heartbeat()
        #expect(cuts.load(ordering: .relaxed) == 1)
        #expect(hub.readerCount == 0)
    }

    @Test func idleReadersGetACommentAtEachHeartbeat() throws {
        let hub = PresenceEventHub(history: 5, streams: 2)
        let reader = try hub.subscribe(lastEventID: nil) { Issue.record("cut off") }
        _ = hub.step(reader.key)
        for _ in 0..<5 {
            #expect(hub.step(reader.key) == .wait)
            hub.heartbeat()
            #expect(hub.step(reader.key) == .write(":\n\n"))
        }
    }

    @Test func streamsAreBoundedAndGivenBack() throws {
        let hub = PresenceEventHub(history: 5, streams: 2)
        let first = try hub.subscribe(lastEventID: nil) {}
        do {
            let second = try hub.subscribe(lastEventID: nil) {}
            let error = #expect(throws: AdminError.self) { try hub.subscribe(lastEventID: nil) {} }
            #expect(error?.code == "TOO_MANY_STREAMS")
            #expect(error?.status == 503)
            #expect(hub.step(second.key) != .end)
        }
        // The second is not held by anyone any more.
        _ = try hub.subscribe(lastEventID: nil) {}
        #expect(hub.step(first.key) != .end)
    }

    @Test func aClosedHubEndsItsReadersAndTakesNoNewOnes() async throws {
        let hub = PresenceEventHub(history: 5, streams: 2)
        let reader = try hub.subscribe(lastEventID: nil) {}
        hub.close()
        for await _ in reader.wakeUps {}
        #expect(hub.step(reader.key) == .end)
        let error = #expect(throws: AdminError.self) { try hub.subscribe(lastEventID: nil) {} }
        #expect(error?.code == "SHUTTING_DOWN")
    }

    @Test func manyEventsComeInPiecesAndInOrder() throws {
        let hub = PresenceEventHub(history: 1_000, streams: 1)
        let reader = try hub.subscribe(lastEventID: nil) {}
        for index in 0..<500 {
            hub.publish(self.backend.join("u\(index)"))
        }
        var users: [String] = []
        while case .write(let text) = hub.step(reader.key) {
            #expect(text.utf8.count < 20_000)
            users += text.split(separator: "\n").compactMap {
                $0.firstMatch(of: /"user":"(u\d+)"/).map { String($0.1) }
            }
        }
        #expect(users == (0..<500).map { "u\($0)" })
    }
}
