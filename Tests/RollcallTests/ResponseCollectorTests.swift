// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization
import Testing

@testable import Rollcall

@Suite struct ResponseCollectorTests {
    private enum Step {
        case suppose(Int), expect(Int), giveUp, announce(Int), list([Int]), add(Int), lose
    }

    private static func perform(_ steps: [Step], on collector: ResponseCollector<Int>) {
        for step in steps {
            switch step {
            case .suppose(let others): collector.suppose(others: others)
            case .expect(let others): collector.expect(others: others)
            case .giveUp: collector.giveUp()
            case .announce(let count): collector.serverAnswered(announcing: count)
            case .list(let elements): collector.serverAnswered(with: elements)
            case .add(let element): collector.add(element)
            case .lose: collector.lose()
            }
        }
    }

    private func collector(_ steps: [Step], alone: Bool = false) -> (ResponseCollector<Int>, isOver: () -> Bool) {
        let collector = ResponseCollector<Int>(includingThisServer: !alone)
        let isOver = Mutex(false)
        collector.onEnd { isOver.withLock { $0 = true } }
        Self.perform(steps, on: collector)
        return (collector, { isOver.withLock { $0 } })
    }

    /// Nobody has to wait: the last step ends it, and no step before does.
    @Test func endsWhenAllIsThereInWhateverOrder() async {
        let cases: [(steps: [Step], elements: [Int], missing: (servers: Int, clients: Int))] = [
            ([.expect(0), .list([1, 2])], [1, 2], (0, 0)), ([.list([]), .expect(0)], [], (0, 0)),
            ([.list([1]), .suppose(5), .expect(1), .list([2])], [1, 2], (0, 0)),
            ([.list([1]), .list([2]), .expect(1)], [1, 2], (0, 0)),
            ([.expect(1), .announce(2), .add(1), .announce(1), .add(2), .add(3)], [1, 2, 3], (0, 0)),
            ([.add(1), .add(2), .expect(1), .announce(1), .announce(1)], [1, 2], (0, 0)),
            ([.expect(0), .announce(2), .add(1), .lose], [1], (0, 1)), ([.lose, .announce(1), .expect(0)], [], (0, 1)),
            ([.suppose(2), .list([1]), .giveUp], [1], (2, 0)), ([.giveUp, .announce(1), .add(1)], [1], (1, 0)),
            ([.suppose(0), .list([1]), .giveUp], [1], (1, 0)),
        ]
        for (steps, elements, missing) in cases {
            #expect(!self.collector(steps.dropLast()).isOver(), "\(steps)")
            let (collector, isOver) = self.collector(steps)
            #expect(isOver(), "\(steps)")
            Self.perform([.add(99), .list([98]), .expect(7)], on: collector)
            let responses = await collector.responses(within: .seconds(600))
            #expect(Array(responses) == elements, "\(steps)")
            #expect((responses.missingServers, responses.missingClients) == missing, "\(steps)")
            #expect(responses.isComplete == (missing == (0, 0)))
        }
    }

    @Test func withoutThisServerOnlyOthersCount() async {
        #expect(self.collector([.expect(0)], alone: true).isOver())
        #expect(self.collector([.giveUp], alone: true).isOver())
        #expect(!self.collector([.expect(2), .list([1])], alone: true).isOver())
        #expect(self.collector([.expect(2), .list([1]), .list([2])], alone: true).isOver())
    }

    @Test func atTheDeadlineThereIsWhatCame() async {
        let cases: [(steps: [Step], elements: [Int], missing: (servers: Int, clients: Int))] = [
            ([], [], (2, 0)), ([.list([1])], [1], (1, 0)), ([.suppose(4), .list([1])], [1], (4, 0)),
            ([.expect(2), .announce(3), .add(1)], [1], (2, 2)),
        ]
        for (steps, elements, missing) in cases {
            let (collector, isOver) = self.collector(steps)
            #expect(!isOver())
            let responses = await collector.responses(within: .milliseconds(1))
            #expect(isOver())
            #expect(Array(responses) == elements)
            #expect((responses.missingServers, responses.missingClients) == missing)
        }
    }

    @Test func cancellationEndsIt() async {
        let (collector, isOver) = self.collector([.list([1])])
        let caller = Task { await collector.responses(within: .seconds(600)) }
        caller.cancel()
        #expect(await Array(caller.value) == [1])
        #expect(isOver())
        let isCalled = Mutex(false)
        collector.onEnd { isCalled.withLock { $0 = true } }
        #expect(isCalled.withLock { $0 })
    }
}
