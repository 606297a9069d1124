// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import UserRegistryCore

/// Published messages: control messages, which only save time, and presence events.
extension RegistryLoop {
    /// The partition's incarnation has a control channel of its own; the one before it is not wanted any more.
    func listenForControl(_ index: Int) {
        let partition = self.partitions[index]
        let incarnation = partition.machine.lease.incarnation
        let channel = partition.caller.keys.control(of: incarnation)
        if self.channels[channel] != nil { return }
        if self.channels.removeValue(forKey: partition.controlChannel) != nil {
            self.subscriber.unsubscribe([partition.controlChannel])
        }
        partition.controlChannel = channel
        self.channels[channel] = .control(index, incarnation: incarnation)
        self.subscriber.subscribe([channel])
    }

    func received(channel: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer) {
        switch self.channels[String(decoding: channel, as: UTF8.self)] {
        case .control(let index, let incarnation)?:
            guard let message = ControlMessage(payload) else { return }
            let now = LeaseGate.now()
            self.partitions[index].machine.received(message, incarnation: incarnation, now: now)
            self.settle(self.partitions[index], now: now)
        case .events(let index)?:
            self.receivedEvent(payload, of: self.partitions[index])
        case nil:
            break
        }
    }

    // MARK: - Presence events

    /// Subscribes to presence events while somebody reads them. The scripts publish them only while a node says so.
    func updateListening() {
        let wanted = self.shared.hub.hasReaders
        guard wanted != self.isListening else { return }
        self.isListening = wanted
        let channels = self.partitions.map { $0.caller.keys.events }
        guard wanted else {
            for channel in channels { self.channels[channel] = nil }
            self.mustListen = []
            return self.subscriber.unsubscribe(channels)
        }
        for (index, partition) in self.partitions.enumerated() {
            self.channels[channels[index]] = .events(index)
            partition.lastEvent = nil
        }
        self.mustListen = Set(self.partitions.indices)
        self.subscriber.subscribe(channels) { isSubscribed in
            guard isSubscribed, self.isListening else { return }
            // Renewals that were sent before the subscription stood do not count.
            self.mustListen = Set(self.partitions.indices)
            let now = LeaseGate.now()
            for partition in self.partitions {
                partition.machine.heartbeat(now: now)
                self.settle(partition, now: now)
            }
        }
    }

    /// Messages may have been lost with a connection.
    func missedMessages() {
        for partition in self.partitions { partition.lastEvent = nil }
        if self.isListening { self.shared.hub.yield(.reset) }
    }

    /// `kind, number, time, node, user`: J joined, L left, M moved to another connection.
    private func receivedEvent(_ payload: UnsafeRawBufferPointer, of partition: Partition) {
        let parts = payload.split(separator: 0x1F, maxSplits: 4, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 5, let number = Int64(parts[1]), let time = Int64(parts[2]) else { return }
        if let last = partition.lastEvent, number != last + 1 { self.shared.hub.yield(.reset) }
        partition.lastEvent = number
        let kind = parts[0] == "L" ? PresenceEvent.Kind.leave : .join
        self.shared.hub.yield(PresenceEvent(kind: kind, user: parts[4], node: parts[3], time: time))
    }
}
