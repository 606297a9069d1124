// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Testing

@testable import HiredisClient

@Suite struct RedisConnectionStateMachineTests {
    typealias Machine = RedisConnection.StateMachine

    /// A machine in this state.
    private func machine(in state: Machine.State) -> Machine {
        var machine = Machine(backoff: Backoff(initial: .milliseconds(50), maximum: .seconds(2), jitter: 0))
        switch state {
        case .idle: break
        case .connecting: _ = machine.start()
        case .handshaking:
            _ = machine.start()
            _ = machine.transportConnected()
        case .ready:
            _ = machine.start()
            _ = machine.transportConnected()
            _ = machine.handshakeCompleted()
        case .pausing:
            _ = machine.start()
            _ = machine.transportFailed(chance: 0)
        case .stopping:
            _ = machine.start()
            _ = machine.transportConnected()
            _ = machine.stop()
        case .closed:
            _ = machine.start()
            _ = machine.stop()
        }
        #expect(machine.state == state)
        return machine
    }

    @Test func startOnce() {
        var machine = self.machine(in: .idle)
        #expect(machine.start() == .connect)
        #expect(machine.start() == .refuse)
    }

    @Test(arguments: [Machine.State.connecting, .handshaking, .ready, .pausing, .stopping, .closed])
    func startIsRefusedLater(state: Machine.State) {
        var machine = self.machine(in: state)
        #expect(machine.start() == .refuse)
        #expect(machine.state == state)
    }

    @Test func stoppedBeforeItBegan() {
        var machine = self.machine(in: .idle)
        #expect(machine.stop() == .ignore)
        #expect(machine.start() == .end)
        #expect(machine.start() == .refuse)
    }

    @Test(arguments: [
        (Machine.State.idle, Machine.TransportAction.close, Machine.State.idle),
        (.connecting, .handshake, .handshaking),
        (.handshaking, .close, .handshaking),
        (.ready, .close, .ready),
        (.pausing, .close, .pausing),
        (.stopping, .close, .stopping),
        (.closed, .close, .closed),
    ])
    func transportConnected(from: Machine.State, action: Machine.TransportAction, to: Machine.State) {
        var machine = self.machine(in: from)
        #expect(machine.transportConnected() == action)
        #expect(machine.state == to)
    }

    @Test(arguments: [
        (Machine.State.idle, Machine.LossAction.ignore, Machine.State.idle),
        (.connecting, .retry(after: .milliseconds(50), wasReady: false), .pausing),
        (.handshaking, .ignore, .handshaking),
        (.ready, .ignore, .ready),
        (.pausing, .ignore, .pausing),
        (.stopping, .ignore, .stopping),
        (.closed, .ignore, .closed),
    ])
    func transportFailed(from: Machine.State, action: Machine.LossAction, to: Machine.State) {
        var machine = self.machine(in: from)
        #expect(machine.transportFailed(chance: 0) == action)
        #expect(machine.state == to)
    }

    @Test(arguments: [
        (Machine.State.idle, Machine.LossAction.ignore, Machine.State.idle),
        (.connecting, .ignore, .connecting),
        (.handshaking, .retry(after: .milliseconds(50), wasReady: false), .pausing),
        (.ready, .retry(after: .milliseconds(50), wasReady: true), .pausing),
        (.pausing, .ignore, .pausing),
        (.stopping, .end, .closed),
        (.closed, .ignore, .closed),
    ])
    func connectionLost(from: Machine.State, action: Machine.LossAction, to: Machine.State) {
        var machine = self.machine(in: from)
        #expect(machine.connectionLost(chance: 0) == action)
        #expect(machine.state == to)
    }

    @Test(arguments: [Machine.State.idle, .connecting, .ready, .pausing, .stopping, .closed])
    func handshakeCompletedTooLate(state: Machine.State) {
        var machine = self.machine(in: state)
        #expect(machine.handshakeCompleted() == .ignore)
        #expect(machine.state == state)
    }

    @Test(arguments: [Machine.State.idle, .connecting, .handshaking, .ready, .stopping, .closed])
    func pauseElapsedTooLate(state: Machine.State) {
        var machine = self.machine(in: state)
        #expect(machine.pauseElapsed() == .ignore)
        #expect(machine.state == state)
    }

    @Test(arguments: [
        (Machine.State.idle, Machine.StopAction.ignore, Machine.State.closed),
        (.connecting, .end, .closed),
        (.handshaking, .close, .stopping),
        (.ready, .drain, .stopping),
        (.pausing, .end, .closed),
        (.stopping, .ignore, .stopping),
        (.closed, .ignore, .closed),
    ])
    func stop(from: Machine.State, action: Machine.StopAction, to: Machine.State) {
        var machine = self.machine(in: from)
        #expect(machine.stop() == action)
        #expect(machine.state == to)
    }

    @Test func generationsCountReadyConnectionsOnly() {
        var machine = self.machine(in: .handshaking)
        #expect(machine.handshakeCompleted() == .announce(generation: 1))
        _ = machine.connectionLost(chance: 0)
        #expect(machine.pauseElapsed() == .connect)
        _ = machine.transportFailed(chance: 0)
        #expect(machine.pauseElapsed() == .connect)
        #expect(machine.transportConnected() == .handshake)
        #expect(machine.handshakeCompleted() == .announce(generation: 2))
    }

    @Test func pausesGrowUntilAConnectionIsStable() {
        var machine = self.machine(in: .ready)
        var pauses: [TimeAmount] = []
        for _ in 0..<3 {
            guard case .retry(let pause, wasReady: true) = machine.connectionLost(chance: 0) else { break }
            pauses.append(pause)
            _ = machine.pauseElapsed()
            _ = machine.transportConnected()
            _ = machine.handshakeCompleted()
        }
        #expect(pauses == [.milliseconds(50), .milliseconds(100), .milliseconds(200)])
        machine.connectionIsStable()
        #expect(machine.connectionLost(chance: 0) == .retry(after: .milliseconds(50), wasReady: true))
        machine.connectionIsStable()
        #expect(machine.pauseElapsed() == .connect)
        #expect(machine.transportFailed(chance: 0) == .retry(after: .milliseconds(100), wasReady: false))
    }
}
