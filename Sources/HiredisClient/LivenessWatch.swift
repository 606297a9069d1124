// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// Decides when a silent connection is asked for a sign of life, and when it is given up.
///
/// It counts ticks instead of reading a clock: a process that was stopped for a while gets one tick on waking,
/// and does not blame the server for its own sleep.
struct LivenessWatch {
    enum Action: Equatable {
        case none
        case ping
        case giveUp
    }

    /// The pause between two ticks.
    let interval: TimeAmount

    private let ticksToPing: Int?
    private var heard = false
    private var silentTicks = 0

    /// One more than fits into the timeout: the first tick may come right after the command.
    private static let ticksToGiveUp = 9

    init(timeout: TimeAmount, keepalive: TimeAmount?) {
        let interval = max(timeout.nanoseconds / 8, 1_000_000)
        self.interval = .nanoseconds(interval)
        self.ticksToPing = keepalive.map { Int(max(1, $0.nanoseconds / interval)) }
    }

    /// Bytes arrived.
    mutating func received() { self.heard = true }

    /// The interval is over. `isWaiting`: replies are due.
    mutating func tick(isWaiting: Bool) -> Action {
        if self.heard {
            self.heard = false
            self.silentTicks = 0
            return .none
        }
        self.silentTicks += 1
        if isWaiting {
            return self.silentTicks >= Self.ticksToGiveUp ? .giveUp : .none
        }
        guard let ticksToPing, self.silentTicks >= ticksToPing else { return .none }
        self.silentTicks = 0
        return .ping
    }

    /// The first command after a time without any: its wait begins now.
    mutating func beganWaiting() { self.silentTicks = 0 }
}
