// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The registry's times. All that depend on the lease scale with it; all nodes of a cluster must use the same lease.
public struct RegistryTiming: Hashable, Sendable {
    /// The shortest lease that leaves room for a round trip, a pause of the scheduler and a step of the clock.
    public static let minimumLease = Duration.seconds(2)

    /// L: how long a dead node's users stay reserved.
    public var lease: Duration
    /// H, L/12: how often each partition's lease is renewed.
    public var heartbeat: Duration
    /// G, L/5: the largest step of the time that Redis observes. A step of its clock costs at most this much.
    public var step: Duration
    /// M, L/4: how much earlier than Redis a node holds its own lease for ended. At least G.
    public var margin: Duration
    /// 5 L: a connection suspended for longer is closed.
    public var jeopardyGrace: Duration
    /// How often a waiting claim asks again.
    public var poll: Duration = .milliseconds(500)
    /// How long a probed connection may take for its pong.
    public var probeTimeout: Duration
    /// L + 2 H + probeTimeout: how long a newcomer waits for a decision.
    public var claimWait: Duration
    /// How often a node compares what Redis believes with what it has, give or take a fifth.
    public var selfCheck: Duration = .seconds(60)
    /// How long the end of a released connection is held back for Redis's answer.
    public var releaseWait: Duration = .milliseconds(200)

    /// The times that follow from a lease.
    public init(lease: Duration = .seconds(12), probeTimeout: Duration = .seconds(3)) {
        self.lease = lease
        self.heartbeat = lease / 12
        self.step = lease / 5
        self.margin = lease / 4
        self.jeopardyGrace = lease * 5
        self.probeTimeout = probeTimeout
        self.claimWait = lease + lease / 6 + probeTimeout
    }

    /// What is wrong with these times, in one line; nil when nothing is.
    ///
    /// - Parameter connectTimeout: how long a client waits for the answer to its CONNECT.
    public func problem(connectTimeout: Duration = .seconds(45)) -> String? {
        if self.lease < Self.minimumLease { return "the lease must be at least \(Self.minimumLease)" }
        if self.margin < self.step { return "the margin must not be less than the clock step" }
        if self.margin + self.heartbeat >= self.lease { return "the margin leaves no time between two heartbeats" }
        if self.probeTimeout >= self.claimWait { return "the probe timeout must be less than the wait for a claim" }
        if self.claimWait + .seconds(5) > connectTimeout {
            return
                "the wait for a claim (\(self.claimWait)) must end 5 s before the connect timeout (\(connectTimeout))"
        }
        return nil
    }
}

extension Duration {
    /// Whole nanoseconds; negative durations count as zero, those beyond 584 years as the largest number.
    package var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = self.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflows) = product.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return overflow || overflows ? .max : sum
    }

    /// Whole milliseconds; negative durations count as zero.
    package var wholeMilliseconds: Int64 { Int64(clamping: self.wholeNanoseconds / 1_000_000) }
}
