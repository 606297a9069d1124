// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
import Rollcall
import SocketIOCodec
import Synchronization

extension RedisClusterCore {
    /// A message of any node. Whatever it is, it is carried out or dropped and counted.
    func received(_ message: UnsafeRawBufferPointer, on channel: UnsafeRawBufferPointer) {
        guard !self.isOwn(message) else {
            self.counters.own += 1
            return
        }
        do throws(ClusterMessageError) {
            switch ClusterChannels.kind(of: channel, prefixLength: self.configuration.channelPrefix.utf8.count) {
            case .broadcast: try self.receivedBroadcast(message, on: channel)
            case .request: try self.receivedRequest(message, on: channel)
            case .response: try self.receivedResponse(message)
            case nil: throw ClusterMessageError(.otherNamespace)
            }
        } catch {
            self.drop(error.reason)
        }
    }

    /// One's own messages come back, too. They begin as this node writes them: the id first.
    private func isOwn(_ message: UnsafeRawBufferPointer) -> Bool {
        self.ownBeginnings.contains { message.starts(with: $0) }
    }

    private func receivedBroadcast(
        _ message: UnsafeRawBufferPointer, on channel: UnsafeRawBufferPointer
    ) throws(ClusterMessageError) {
        let broadcast = try ReceivedBroadcast(message)
        guard let target = self.namespaces[broadcast.packet.namespace],
            target.channels.isBroadcast(channel), let namespace = target.namespace
        else { throw ClusterMessageError(.otherNamespace) }
        let event = try broadcast.packet.event(scratch: &self.text)
        self.counters.received += 1
        namespace.deliverLocally(event, broadcast.options)
        if self.text.capacity > Self.largestScratch { self.text = ByteBuffer() }
    }

    // MARK: requests

    private func receivedRequest(
        _ message: UnsafeRawBufferPointer, on channel: UnsafeRawBufferPointer
    ) throws(ClusterMessageError) {
        guard let target = self.target(ofRequestChannel: channel), let namespace = target.namespace,
            let adapter = target.adapter
        else {
            throw ClusterMessageError(.otherNamespace)
        }
        let request = try ClusterRequest(message)
        guard request.uid != self.uid else {
            self.counters.own += 1
            return
        }
        switch request.kind {
        case .join, .leave, .disconnect: try self.perform(request, namespace, adapter)
        case .sockets, .allRooms, .fetch: try self.enqueue(request, namespace, adapter)
        case .serverSideEmit: try self.serverSideEmit(request, adapter)
        case .broadcast: try self.broadcast(request, namespace, adapter)
        case .clientCount, .acknowledgement: throw ClusterMessageError(.unknownRequest)
        }
        self.counters.received += 1
    }

    private func target(ofRequestChannel channel: UnsafeRawBufferPointer) -> ClusterNamespace? {
        let prefix = self.configuration.channelPrefix.utf8.count + "-request#".utf8.count
        guard channel.count > prefix, channel.last == UInt8(ascii: "#") else { return nil }
        return self.namespaces[String(decoding: channel[prefix..<(channel.count - 1)], as: UTF8.self)]
    }

    /// Carried out at once: in order with the broadcasts of the same sender.
    private func perform(
        _ request: ClusterRequest, _ namespace: Namespace, _ adapter: RedisAdapter
    ) throws(ClusterMessageError) {
        let action: @Sendable (Socket) -> Void
        let (kind, rooms, closes) = (request.kind, request.rooms, request.closes)
        switch kind {
        case .join: action = { $0.join(rooms) }
        case .leave: action = { socket in for room in rooms { socket.leave(room) } }
        default: action = { $0.disconnect(close: closes) }
        }
        if let options = request.options { return namespace.forEachLocalSocket(options, action) }
        // The form of nodes before version 6: one socket, and an answer by the node that has it.
        guard let id = request.socketID else { throw ClusterMessageError(.unexpectedShape) }
        let requestID = request.id
        namespace.forEachLocalSocket(BroadcastOptions(rooms: [id])) { socket in
            guard socket.id == id else { return }
            action(socket)
            adapter.answer(ClusterMessages.done(requestID))
        }
    }

    /// Looks through all event loops, so it is answered by and by; but with what the messages before it have done.
    private func enqueue(
        _ request: ClusterRequest, _ namespace: Namespace, _ adapter: RedisAdapter
    ) throws(ClusterMessageError) {
        guard request.kind == .allRooms || request.options != nil else {
            throw ClusterMessageError(.unexpectedShape)
        }
        let query = ClusterQuery(
            kind: request.kind, id: request.id, options: request.options ?? BroadcastOptions(), namespace: namespace,
            adapter: adapter)
        guard self.queries.count < self.configuration.maxQueuedRequests else { throw ClusterMessageError(.overloaded) }
        self.queries.append(query)
        if self.queries.count == 1 { query.answer() }
    }

    func queryWasAnswered() {
        self.queries.removeFirst()
        self.queries.first?.answer()
    }

    private func serverSideEmit(_ request: ClusterRequest, _ adapter: RedisAdapter) throws(ClusterMessageError) {
        guard let data = request.serverSideData, let name = data.first?.stringValue else {
            throw ClusterMessageError(.unexpectedShape)
        }
        let answer = request.id.map { id in
            let once = Once()
            return { @Sendable (value: SocketValue) in
                if once.isFirst { adapter.answer(ClusterMessages.serverSideAnswer(id, value)) }
            }
        }
        let event = ServerSideEvent(
            namespace: adapter.name, name: name, arguments: Array(data.dropFirst()), answer: answer)
        self.listeners.deliver(event)
    }

    private func broadcast(
        _ request: ClusterRequest, _ namespace: Namespace, _ adapter: RedisAdapter
    ) throws(ClusterMessageError) {
        guard let event = request.event, let id = request.id, let options = request.options else {
            throw ClusterMessageError(.unexpectedShape)
        }
        namespace.emitLocally(event, options, timeout: request.timeout) { count in
            adapter.answer(ClusterMessages.clientCount(id, count))
        } acknowledged: { result in
            guard case .success(let arguments) = result else { return }
            adapter.answer(ClusterMessages.acknowledgement(id, arguments))
        }
    }
}

/// True the first time it is asked.
private final class Once: Sendable {
    private let wasAsked = Atomic(false)

    var isFirst: Bool { !self.wasAsked.exchange(true, ordering: .relaxed) }
}
