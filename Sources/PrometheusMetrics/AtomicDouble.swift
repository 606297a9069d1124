// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Synchronization

/// A floating point number that several threads may add to: its bit pattern in an atomic word.
struct AtomicDouble: ~Copyable, Sendable {
    private let bits: Atomic<UInt64>

    init(_ value: Double) {
        self.bits = Atomic(value.bitPattern)
    }

    var value: Double {
        Double(bitPattern: self.bits.load(ordering: .relaxed))
    }

    func set(_ value: Double) {
        self.bits.store(value.bitPattern, ordering: .relaxed)
    }

    func add(_ amount: Double) {
        var old = self.bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let result = self.bits.compareExchange(expected: old, desired: new, ordering: .relaxed)
            if result.exchanged {
                return
            }
            old = result.original
        }
    }
}
