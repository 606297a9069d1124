// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What `/readyz` answers.
package struct ReadinessReport: Codable, Hashable, Sendable {
    /// Whether new connections should be sent to this node: 200, else 503.
    package var ready: Bool
    /// The registry is being rebuilt: newcomers are held, not refused.
    package var recovering: Bool
    /// Each thing that was looked at.
    package var checks: [ReadinessCheck]

    /// A report.
    package init(ready: Bool, recovering: Bool, checks: [ReadinessCheck]) {
        self.ready = ready
        self.recovering = recovering
        self.checks = checks
    }
}

/// One line of a readiness report.
package struct ReadinessCheck: Codable, Hashable, Sendable {
    /// What is looked at: `listener`, `redis`, `lease`, `drain`.
    package var name: String
    /// Whether it is as it should be.
    package var ok: Bool
    /// The state in words, without secrets: anyone may read it.
    package var detail: String
    /// Milliseconds since the state was last seen to be so.
    package var ageMs: Int

    /// One check.
    package init(name: String, ok: Bool, detail: String, ageMs: Int) {
        self.name = name
        self.ok = ok
        self.detail = detail
        self.ageMs = ageMs
    }
}
