// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// Collects what callbacks say, from any thread.
package final class Recorder<Element: Sendable>: Sendable {
    private let elements = Mutex<[Element]>([])

    package init() {}

    package func add(_ element: Element) { self.elements.withLock { $0.append(element) } }

    package var all: [Element] { self.elements.withLock { $0 } }

    package func clear() { self.elements.withLock { $0 = [] } }
}

extension Recorder where Element: Equatable {
    /// How often this was said.
    package func count(_ element: Element) -> Int { self.all.count { $0 == element } }
}

/// What handlers noted, from any thread.
package typealias Notes = Recorder<String>
