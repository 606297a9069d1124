// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import Rollcall
import SocketIOCodec

/// What threads of any kind hand to the cluster's event loop.
enum ClusterJob: Sendable {
    case attach(RedisAdapter, Namespace)
    case detach(RedisAdapter)
    case event(RedisAdapter, EncodedEvent, BroadcastOptions)
    case command(RedisAdapter, ClusterCommand, BroadcastOptions)
    case serverSideEmit(namespace: String, [SocketValue])
    case roomCreated(RedisAdapter, String)
    case roomDeleted(RedisAdapter, String)
    case confirm(RedisAdapter, [String], @Sendable () -> Void)
    case answer(RedisAdapter, ByteBuffer)
    case answerQuery(RedisAdapter, ByteBuffer)
    case ask(ClusterQuestion, namespace: String)
    case responseWasRead(RedisDropReason?)
    case forget(String)
}

/// The cluster's state, on its event loop: both connections to Redis, the namespaces and their subscriptions.
final class RedisClusterCore {
    /// A call that waits for its rooms' subscriptions.
    private final class Confirmation {
        private var then: (@Sendable () -> Void)?

        init(_ then: @escaping @Sendable () -> Void) { self.then = then }

        func finish() { self.then.take()?() }
    }

    let uid: String
    let configuration: RedisClusterConfiguration
    let client: RedisClient
    let subscriber: RedisSubscriber
    let listeners: ServerSideListeners
    var namespaces: [String: ClusterNamespace] = [:]
    var counters = RedisClusterCounters()
    /// Requests of other nodes, answered one after the other.
    var queries: [ClusterQuery] = []
    /// Requests of this node.
    var pending: PendingRequests
    /// The message that is being written, used again and again.
    var scratch = ByteBufferAllocator().buffer(capacity: 1024)
    /// The text of the event that is being read.
    var text = ByteBufferAllocator().buffer(capacity: 1024)

    /// How messages of this node begin: broadcasts, those with acknowledgements, and requests as JSON.
    let ownBeginnings: [[UInt8]]

    private let status: ClusterStatus
    private var confirmations: [ObjectIdentifier: Confirmation] = [:]
    private(set) var isAnswering = true
    /// What becomes of each message: one closure for all.
    private lazy var published: RedisCompletion = { [weak self] result in
        if case .failure(let error) = result { self?.publishFailed(error) }
    }
    private var jobs: [ClusterJob] = []
    /// Above this a buffer is not kept.
    static let largestScratch = 1 << 18

    init(
        uid: String, configuration: RedisClusterConfiguration, client: RedisClient, subscriber: RedisSubscriber,
        status: ClusterStatus, listeners: ServerSideListeners
    ) {
        self.uid = uid
        self.configuration = configuration
        self.client = client
        self.subscriber = subscriber
        self.status = status
        self.listeners = listeners
        self.pending = PendingRequests(
            maxRequests: configuration.maxPendingRequests, maxBytes: configuration.maxResponseBytes)
        let packedUID = [0xA0 | UInt8(uid.utf8.count)] + uid.utf8
        self.ownBeginnings = [
            [0x93] + packedUID, [0x85, 0xA3] + Array("uid".utf8) + packedUID, Array(#"{"uid":"\#(uid)""#.utf8),
        ]
    }

    /// Listens to both connections; before they run.
    func install() {
        let status = self.status
        self.client.onConnected = { _ in status.setConnected(true) }
        self.client.onDisconnected = { _ in status.setConnected(false) }
        self.subscriber.onMessage = { [weak self] in self?.received($1, on: $0) }
        self.subscriber.onGap = { [weak self] in self?.counters.gaps += 1 }
        self.subscriber.onReady = { status.setSubscribed(true) }
        self.subscriber.onDisconnected = { [weak self] _ in self?.subscriptionsWereLost() }
    }

    // MARK: jobs

    func run(_ mailbox: TurnMailbox<ClusterJob>) {
        mailbox.take(into: &self.jobs)
        for job in self.jobs { self.perform(job) }
        self.jobs.removeAll(keepingCapacity: self.jobs.capacity <= 4096)
    }

    private func perform(_ job: ClusterJob) {
        switch job {
        case .event(let adapter, let event, let options): self.publish(event, options, of: adapter.state.value)
        case .roomCreated(let adapter, let room):
            guard let channel = adapter.state.value.roomCreated(room) else { return }
            self.counters.rooms += 1
            self.subscriber.subscribe([channel])
        case .roomDeleted(let adapter, let room):
            guard let channel = adapter.state.value.roomDeleted(room) else { return }
            self.counters.rooms -= 1
            self.subscriber.unsubscribe([channel])
        case .confirm(let adapter, let rooms, let then): self.confirm(rooms, of: adapter.state.value, then)
        case .command(let adapter, let command, let options):
            self.publish(command, options, of: adapter.state.value)
        case .serverSideEmit(let namespace, let data):
            guard let target = self.namespaces[namespace] else { return }
            self.publish(ClusterMessages.serverSideEmit(data, uid: self.uid), on: target.channels.request)
        case .answer(let adapter, let answer): self.publish(answer, on: adapter.state.value.channels.response)
        case .answerQuery(let adapter, let answer):
            self.publish(answer, on: adapter.state.value.channels.response)
            self.queryWasAnswered()
        case .ask(let question, let namespace): self.ask(question, in: namespace)
        case .responseWasRead(let failure): self.responseWasRead(failure)
        case .forget(let id): self.forget(id)
        case .attach(let adapter, let namespace): self.attach(adapter, namespace)
        case .detach(let adapter): self.detach(adapter.state.value)
        }
    }

    private func attach(_ adapter: RedisAdapter, _ namespace: Namespace) {
        let target = adapter.state.value
        target.namespace = namespace
        target.adapter = adapter
        self.namespaces[target.name] = target
        self.subscriber.subscribe([target.channels.base])
        if self.isAnswering { self.subscriber.subscribe([target.channels.request]) }
    }

    private func detach(_ target: ClusterNamespace) {
        guard self.namespaces[target.name] === target else { return }
        self.namespaces[target.name] = nil
        let channels = target.channels
        self.subscriber.unsubscribe([channels.base, channels.request] + channels.responses)
    }

    // MARK: subscriptions

    private func confirm(_ rooms: [String], of target: ClusterNamespace, _ then: @escaping @Sendable () -> Void) {
        guard self.subscriber.isReady else { return then() }
        // A room that was left meanwhile has nothing to wait for.
        let channels = rooms.compactMap { target.rooms[$0]?.channel }
        let confirmation = Confirmation(then)
        let id = ObjectIdentifier(confirmation)
        self.confirmations[id] = confirmation
        self.subscriber.subscribe(channels) { _ in
            self.confirmations[id] = nil
            confirmation.finish()
        }
    }

    /// Whoever waits need not wait any longer: a join takes effect on this node while Redis is away.
    private func subscriptionsWereLost() {
        self.status.setSubscribed(false)
        let waiting = self.confirmations.values
        self.confirmations = [:]
        for confirmation in waiting { confirmation.finish() }
    }

    /// No longer counts as a server that answers requests.
    func stopAnswering() {
        self.isAnswering = false
        self.subscriber.unsubscribe(self.namespaces.values.map(\.channels.request))
    }

    // MARK: publishing

    private func publish(_ event: EncodedEvent, _ options: BroadcastOptions, of target: ClusterNamespace) {
        self.scratch.clear()
        do throws(JSONError) {
            try target.writer.write(event, options, into: &self.scratch)
        } catch {
            return self.drop(.unencodable)
        }
        let message = self.scratch
        let base = target.channels.base
        if let room = target.roomChannel(for: options) {
            self.publish(message, channelLength: base.readableBytes + room.utf8.count + 1) { memory in
                base.withUnsafeReadableBytes { memory.copyMemory(from: $0) }
                var end = base.readableBytes
                for byte in room.utf8 {
                    memory[end] = byte
                    end += 1
                }
                memory[end] = UInt8(ascii: "#")
            }
        } else {
            self.publish(message, on: base)
        }
        if self.scratch.capacity > Self.largestScratch { self.scratch = ByteBuffer() }
    }

    private func publish(_ command: ClusterCommand, _ options: BroadcastOptions, of target: ClusterNamespace) {
        if case .join(let rooms) = command { target.willBeJoined(rooms) }
        self.publish(ClusterMessages.command(command, options, uid: self.uid), on: target.channels.request)
    }

    func publish(_ message: ByteBuffer, on channel: ByteBuffer) {
        self.publish(message, channelLength: channel.readableBytes) { memory in
            channel.withUnsafeReadableBytes { memory.copyMemory(from: $0) }
        }
    }

    /// Everything that is published in one turn of the loop leaves in one write.
    private func publish(
        _ message: ByteBuffer, channelLength: Int, _ channel: (UnsafeMutableRawBufferPointer) -> Void
    ) {
        self.counters.published += 1
        let capacity = channelLength + message.readableBytes + 96
        self.client.send(
            capacity: capacity, waitUpTo: self.configuration.publishPatience,
            { writer in
                writer.append("PUBLISH")
                writer.append(byteCount: channelLength, fill: channel)
                writer.append(message)
            }, completion: self.published)
    }

    private func publishFailed(_ error: RedisError) {
        switch error.code {
        case .timeout where !error.wasSent: self.drop(.away)
        case .queueFull: self.drop(.queueFull)
        case _ where error.serverPrefix != nil: self.drop(.refused)
        default: self.drop(error.wasSent ? .connectionLost : .away)
        }
    }

    func drop(_ reason: RedisDropReason) { self.counters.dropped[reason, default: 0] += 1 }
}
