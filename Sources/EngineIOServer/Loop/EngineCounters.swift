// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What one event loop counted: plain integers, added up by whoever reads the metrics.
package struct EngineCounters: Sendable {
    package var accepted = 0
    package var opened = 0
    package var upgrades = 0
    package var pollingSessions = 0
    package var webSocketSessions = 0
    package var messagesReceived = 0
    package var bytesReceived = 0
    package var bytesSent = 0
    package var pingsSent = 0
    package var readingPauses = 0
    package var logOverflows = 0
    /// Sessions closed, by reason.
    package var closed: [String: Int] = [:]
    /// Handshakes and requests refused, by reason.
    package var refused: [String: Int] = [:]

    package init() {}

    /// Adds another loop's counts.
    package mutating func add(_ other: EngineCounters) {
        self.accepted += other.accepted
        self.opened += other.opened
        self.upgrades += other.upgrades
        self.pollingSessions += other.pollingSessions
        self.webSocketSessions += other.webSocketSessions
        self.messagesReceived += other.messagesReceived
        self.bytesReceived += other.bytesReceived
        self.bytesSent += other.bytesSent
        self.pingsSent += other.pingsSent
        self.readingPauses += other.readingPauses
        self.logOverflows += other.logOverflows
        self.closed.merge(other.closed, uniquingKeysWith: +)
        self.refused.merge(other.refused, uniquingKeysWith: +)
    }
}
