// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

/// What the layer above makes of a request before anything else is looked at.
package enum EngineCheck: Sendable {
    /// Headers for the answer, or why the request is refused.
    package typealias Verdict = Result<[(name: String, value: String)], EngineHTTPError>

    case decided(Verdict)
    /// The answer has to wait.
    case waiting(@Sendable () async -> Verdict)
}

extension EngineServer {
    /// Whether ``check(_:opensSession:on:then:)`` must be asked: seldom.
    func mustCheck(opensSession: Bool) -> Bool {
        self.delegate.engineChecksRequests || opensSession && self.configuration.handshakeDelay > .zero
    }

    /// Asks the layer above, and lets a handshake wait as long as is configured.
    ///
    /// - Parameter completion: called once, on `eventLoop`; during this call where nothing waits.
    func check(
        _ request: EngineRequest, opensSession: Bool, on eventLoop: any EventLoop,
        then completion: @escaping @Sendable (EngineCheck.Verdict) -> Void
    ) {
        let delay = self.configuration.handshakeDelay
        let finish: @Sendable (EngineCheck.Verdict) -> Void = { verdict in
            guard opensSession, delay > .zero else { return completion(verdict) }
            eventLoop.scheduleTask(in: delay) { completion(verdict) }
        }
        guard self.delegate.engineChecksRequests else { return finish(.success([])) }
        switch self.delegate.engineChecks(request, opensSession: opensSession) {
        case .decided(let verdict): finish(verdict)
        case .waiting(let wait):
            Task {
                let verdict = await wait()
                eventLoop.execute { finish(verdict) }
            }
        }
    }
}
