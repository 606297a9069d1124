// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// Objects that are to be freed.
package final class WeakReferences: Sendable {
    /// `@unchecked Sendable`: the reference is only compared with nil.
    private final class Entry: @unchecked Sendable {
        weak var object: AnyObject?
        let kind: String

        init(_ object: AnyObject, _ kind: String) {
            self.object = object
            self.kind = kind
        }
    }

    private let all = Mutex<[Entry]>([])

    package init() {}

    package func add(_ object: AnyObject, _ kind: String = "") {
        let entry = Entry(object, kind)
        self.all.withLock { $0.append(entry) }
    }

    /// The kinds of those that live.
    package var alive: [String] { self.all.withLock { $0 }.filter { $0.object != nil }.map(\.kind) }

    /// How many live.
    package var living: Int { self.alive.count }

    /// How many were added.
    package var count: Int { self.all.withLock { $0.count } }
}
