// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A queue in one piece of memory, which grows and is used again.
struct RingBuffer<Element> {
    private var storage: ContiguousArray<Element?>
    private var head = 0
    private(set) var count = 0

    init(capacity: Int = 16) {
        var size = 16
        while size < capacity { size *= 2 }
        self.storage = ContiguousArray(repeating: nil, count: size)
    }

    var isEmpty: Bool { self.count == 0 }

    mutating func append(_ element: Element) {
        if self.count == self.storage.count { self.grow() }
        self.storage[(self.head + self.count) & (self.storage.count - 1)] = element
        self.count += 1
    }

    /// The oldest element; setting it replaces it.
    var first: Element? {
        get { self.count > 0 ? self.storage[self.head] : nil }
        set { if self.count > 0, let newValue { self.storage[self.head] = newValue } }
    }

    mutating func popFirst() -> Element? {
        guard self.count > 0 else { return nil }
        let element = self.storage[self.head].take()
        self.head = (self.head + 1) & (self.storage.count - 1)
        self.count -= 1
        return element
    }

    /// Takes out what `isWanted` says, in order; the rest keeps its order.
    mutating func remove(where isWanted: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for _ in 0..<self.count {
            guard let element = self.popFirst() else { break }
            if isWanted(element) { removed.append(element) } else { self.append(element) }
        }
        return removed
    }

    private mutating func grow() {
        var larger = ContiguousArray<Element?>(repeating: nil, count: self.storage.count * 2)
        for offset in 0..<self.count {
            larger[offset] = self.storage[(self.head + offset) & (self.storage.count - 1)].take()
        }
        self.storage = larger
        self.head = 0
    }
}

extension RingBuffer: Sequence {
    func makeIterator() -> AnyIterator<Element> {
        var offset = 0
        return AnyIterator {
            guard offset < self.count else { return nil }
            defer { offset += 1 }
            return self.storage[(self.head + offset) & (self.storage.count - 1)]
        }
    }
}
