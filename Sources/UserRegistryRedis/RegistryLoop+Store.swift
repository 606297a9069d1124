// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import UserRegistryCore

/// The main connection: commands out, answers in.
extension RegistryLoop {
    /// A connection is ready. No partition uses it before the constants were compared.
    func connected(_ info: RedisServerInfo) {
        guard let runID = info.runID, runID.utf8.count >= 16 else {
            self.warn(
                "Redis does not tell its run_id (INFO server), without which a loss of data cannot be noticed", [:])
            return self.client.reset(reason: "no run_id")
        }
        self.runID = String(runID.prefix(16))
        self.loadScripts()
        let generation = info.generation
        self.compareConstants(generation) {
            self.generation = generation
            let now = LeaseGate.now()
            for partition in self.partitions {
                partition.caller.connected(runID: self.runID)
                partition.machine.connected(now: now)
                self.settle(partition, now: now)
            }
        }
    }

    func disconnected(_ error: RedisError) {
        self.logger.info("the connection to Redis was lost", metadata: ["error": "\(error)"])
        self.mismatch = nil
        self.scriptsAreLoading = false
        guard self.generation != 0 else { return }
        self.generation = 0
        let now = LeaseGate.now()
        for partition in self.partitions {
            partition.machine.disconnected(now: now)
            self.settle(partition, now: now)
        }
    }

    func send(_ command: PartitionCommand, of partition: Partition) {
        partition.caller.send(
            command, lease: partition.machine.lease, renewal: self.renewal(of: partition), over: self.client
        ) { result in
            self.answered(result, to: command, of: partition)
        }
    }

    private func renewal(of partition: Partition) -> PartitionCaller.Renewal {
        // All partitions name their incarnations; what changes later is written to the first one only.
        let mustTell =
            partition.writtenInfo == nil || (partition.machine.index == 0 && partition.writtenInfo != self.nodeInfo)
        partition.sentInfo = mustTell ? self.nodeInfo : nil
        return PartitionCaller.Renewal(listens: self.isListening, nodeInfo: partition.sentInfo ?? "")
    }

    private func answered(
        _ result: Result<RedisReply, RedisError>, to command: PartitionCommand, of partition: Partition
    ) {
        let reply = ScriptReplyDecoder.decode(result, of: command.script)
        if case .failure(let error) = result { self.noteFailure(error) }
        let now = LeaseGate.now()
        if case .renew = command.script { self.renewed(reply, of: partition) }
        let wasEpoch = partition.machine.lease.epoch
        partition.machine.replied(reply, to: command, now: now)
        if partition.machine.lease.epoch != wasEpoch, wasEpoch != 0 {
            self.warn("the registry's data were lost or replaced", ["partition": "\(partition.machine.index)"])
        }
        self.settle(partition, now: now)
        switch command.script {
        case .renew, .synced: self.renewalsChanged()
        case .leave:
            self.departure?.unanswered -= 1
            if self.departure?.unanswered == 0 { self.departed() }
        default: break
        }
    }

    private func renewed(_ reply: ScriptReply, of partition: Partition) {
        switch reply {
        case .renewed:
            if let info = partition.sentInfo { partition.writtenInfo = info }
            if self.isListening, self.mustListen.remove(partition.machine.index) != nil, self.mustListen.isEmpty {
                // From here on nothing is missed; what came before is to be listed.
                self.shared.hub.yield(.reset)
            }
        case .resync:
            if let info = partition.sentInfo { partition.writtenInfo = info }
        default:
            break
        }
        partition.sentInfo = nil
    }

    private func noteFailure(_ error: RedisError) {
        switch error.serverPrefix {
        case nil: break
        case "NOSCRIPT"?: self.loadScripts()
        case let prefix?:
            self.warn("Redis refuses the registry's commands", ["code": "\(prefix)", "error": "\(error.message)"])
        }
    }

    /// Scripts are loaded with each connection, and when somebody flushed them; what was refused meanwhile is asked
    /// again.
    private func loadScripts() {
        guard !self.scriptsAreLoading else { return }
        self.scriptsAreLoading = true
        for (number, script) in RegistryScript.ofNode.enumerated() {
            let isLast = number == RegistryScript.ofNode.count - 1
            self.client.load(script) { _ in if isLast { self.scriptsAreLoading = false } }
        }
    }
}
