// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore

extension RedisConnection {
    /// Decides when to connect, what a lost connection means and when all is over. It performs nothing.
    ///
    /// idle → connecting → handshaking → ready, from each of these three on failure → pausing → connecting; from
    /// everywhere on `stop` → (stopping →) closed, which is terminal. Inputs that come late, such as the end of a
    /// connection attempt after `stop`, are legitimate races and answered with an action that cleans up.
    struct StateMachine: ~Copyable {
        enum State: Equatable {
            /// Never started.
            case idle
            /// The transport is being connected.
            case connecting
            /// Waiting for the replies to AUTH, INFO and so on.
            case handshaking
            case ready
            /// Waiting before the next attempt.
            case pausing
            /// Stopped; the connection still gets its last replies.
            case stopping
            case closed
        }

        private(set) var state = State.idle
        /// How many connections became ready.
        private(set) var generation = 0
        private var backoff: Backoff
        private var wasStarted = false

        init(backoff: Backoff) { self.backoff = backoff }

        enum StartAction: Equatable {
            case connect
            /// It was stopped before it began.
            case end
            /// It runs already, or ran.
            case refuse
        }

        mutating func start() -> StartAction {
            guard !self.wasStarted else { return .refuse }
            self.wasStarted = true
            guard self.state == .idle else { return .end }
            self.state = .connecting
            return .connect
        }

        enum TransportAction: Equatable {
            case handshake
            /// Nobody wants it any more.
            case close
        }

        mutating func transportConnected() -> TransportAction {
            guard self.state == .connecting else { return .close }
            self.state = .handshaking
            return .handshake
        }

        enum LossAction: Equatable {
            case retry(after: TimeAmount, wasReady: Bool)
            case end
            case ignore
        }

        /// `chance` is a random number from 0 to 1, for the pause.
        mutating func transportFailed(chance: Double) -> LossAction {
            guard self.state == .connecting else { return .ignore }
            return self.pause(chance: chance, wasReady: false)
        }

        /// The connection is of no use any more, in whatever phase.
        mutating func connectionLost(chance: Double) -> LossAction {
            switch self.state {
            case .handshaking:
                return self.pause(chance: chance, wasReady: false)
            case .ready:
                return self.pause(chance: chance, wasReady: true)
            case .stopping:
                self.state = .closed
                return .end
            case .idle, .connecting, .pausing, .closed:
                return .ignore
            }
        }

        private mutating func pause(chance: Double, wasReady: Bool) -> LossAction {
            self.state = .pausing
            return .retry(after: self.backoff.next(chance: chance), wasReady: wasReady)
        }

        enum HandshakeAction: Equatable {
            case announce(generation: Int)
            case ignore
        }

        mutating func handshakeCompleted() -> HandshakeAction {
            guard self.state == .handshaking else { return .ignore }
            self.state = .ready
            self.generation += 1
            return .announce(generation: self.generation)
        }

        /// The connection has been ready for a while. Only now the pauses begin anew: a server that drops each
        /// connection right after the handshake is not asked at full speed.
        mutating func connectionIsStable() {
            guard self.state == .ready else { return }
            self.backoff.reset()
        }

        enum PauseAction: Equatable {
            case connect
            case ignore
        }

        mutating func pauseElapsed() -> PauseAction {
            guard self.state == .pausing else { return .ignore }
            self.state = .connecting
            return .connect
        }

        enum StopAction: Equatable {
            case end
            /// Close the connection at once; its loss ends the run.
            case close
            /// Let the commands under way get their replies, then close.
            case drain
            case ignore
        }

        mutating func stop() -> StopAction {
            switch self.state {
            case .idle:
                self.state = .closed
                return .ignore
            case .connecting, .pausing:
                self.state = .closed
                return .end
            case .handshaking:
                self.state = .stopping
                return .close
            case .ready:
                self.state = .stopping
                return .drain
            case .stopping, .closed:
                return .ignore
            }
        }
    }
}
