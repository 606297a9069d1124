// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import EngineIOServer
import Logging
import NIOCore
import SocketIOCodec

extension Namespace {
    /// The log, if the configuration wants recovery and the adapter allows it.
    static func makeRecovery(
        name: String, _ server: SocketIOServer, _ adapter: any Adapter, _ loops: [LoopBound<EngineLoop>]
    ) -> RecoveryLog? {
        guard let settings = server.configuration.connectionStateRecovery else { return nil }
        guard adapter.supportsRecovery else {
            server.logger.warning(
                "connection state recovery is off: this cluster adapter does not support it, clients get fresh sessions",
                metadata: ["nsp": "\(name)"])
            return nil
        }
        let recovery = RecoveryLog(settings, loops: loops.count)
        let interval = max(.seconds(1), min(.seconds(60), TimeAmount(settings.maxDisconnectionDuration)))
        loops.first?.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak recovery] task in
            guard let recovery else { return task.cancel() }
            recovery.trim()
        }
        return recovery
    }

    /// Does on each event loop what is queued for it: now on the present one, soon on the others.
    func work(off recovery: RecoveryLog) {
        let here = self.parts.first { $0.eventLoop.inEventLoop }
        for index in self.parts.indices where recovery.mustWake(index) {
            if let here, here.onLoop.loop.index == index { continue }
            if let here {
                here.onLoop.loop.enqueue(on: self.server.engine.loops[index]) { _ in self.drain(recovery, on: index) }
            } else {
                self.parts[index].eventLoop.execute { self.drain(recovery, on: index) }
            }
        }
        if let here { self.drain(recovery, on: here.onLoop.loop.index) }
    }

    private func drain(_ recovery: RecoveryLog, on index: Int) {
        let members = self.parts[index].onLoop
        while let work = recovery.next(on: index) {
            switch work {
            case .deliver(let event, let options, let countsAsBroadcast):
                if countsAsBroadcast, index == 0 { members.broadcasts += 1 }
                members.deliver(event, in: self, options)
            case .everywhere(let body): body(members, index == 0)
            case .socket(let socket, let body): body(socket)
            }
        }
    }

    /// The session that a client names in its CONNECT packet, if recovery is on and the session is there.
    func recover(_ auth: SocketValue) -> (RecoverableSession, position: UInt64)? {
        guard let recovery = self.recovery, let privateID = auth["pid"]?.stringValue,
            let offset = auth["offset"]?.stringValue
        else { return nil }
        return recovery.take(
            privateID, offset: offset, maximumBytes: self.server.configuration.limits.maxQueuedBytes)
    }

    /// Whether a recovered socket may pass by the middleware. A registry admits users, and only the middleware says who one is.
    var skipsMiddleware: Bool { self.recovery?.settings.skipMiddlewares == true && self.admission == nil }
}
