// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import NIOCore
import NIOPosix
import Rollcall
import SocketIOCodec

/// Requests of this node. Redis tells how many other servers there are; at its deadline a question ends with what came.
extension RedisClusterCore {
    func ask(_ question: ClusterQuestion, in namespace: String) {
        let responses = question.responses
        guard let target = self.namespaces[namespace], let adapter = target.adapter else {
            return responses.expect(others: 0)
        }
        responses.suppose(others: target.otherServers)
        guard let id = self.pending.add(question, of: target) else {
            self.drop(.queueFull)
            return responses.giveUp()
        }
        self.counters.pendingRequests += 1
        responses.onEnd { adapter.cluster.post(.forget(id)) }
        target.unsentRequests.append(id)
        if target.unsentRequests.count == 1 { self.subscribeToResponses(of: target) }
    }

    func forget(_ id: String) {
        guard let request = self.pending.remove(id) else { return }
        self.counters.pendingRequests -= 1
        request.namespace.unsentRequests.removeAll { $0 == id }
    }

    /// A node hears answers from its first request on: one that never asks does not pay for those to others. While Redis is
    /// away the requests wait for it, as long as their callers do.
    private func subscribeToResponses(of target: ClusterNamespace) {
        guard !target.isSubscribingToResponses else { return }
        target.isSubscribingToResponses = true
        self.subscriber.subscribe(target.channels.responses) { [weak self, weak target] isSubscribed in
            guard let self, let target else { return }
            target.isSubscribingToResponses = false
            for id in exchange(&target.unsentRequests, with: []) { self.send(id, isSubscribed: isSubscribed) }
        }
    }

    private func send(_ id: String, isSubscribed: Bool) {
        guard let request = self.pending[id] else { return }
        guard isSubscribed, let message = self.message(of: request, id) else {
            return request.question.responses.giveUp()
        }
        self.countServers(of: request.namespace, for: request.question.responses)
        self.publish(message, on: request.namespace.channels.request)
    }

    private func message(of request: PendingRequests.Request, _ id: String) -> ByteBuffer? {
        switch request.question {
        case .fetchSockets(let options, _): return ClusterMessages.fetchSockets(options, id, uid: self.uid)
        case .serverSideEmit(let data, _): return ClusterMessages.serverSideEmit(data, id, uid: self.uid)
        case .emitWithAck(let event, let options, let timeout, _):
            var message = ByteBuffer()
            do throws(JSONError) {
                try request.namespace.writer.writeRequest(id, event, options, timeout, into: &message)
                return message
            } catch {
                self.drop(.unencodable)
                return nil
            }
        }
    }

    /// Asks in the same write as the request itself: so many hear it.
    private func countServers(of target: ClusterNamespace, for responses: any ResponseAwaiting) {
        let channel = target.channels.request
        let capacity = channel.readableBytes + 96
        let ownCount = self.isAnswering ? 1 : 0
        self.client.send(
            capacity: capacity, waitUpTo: self.configuration.publishPatience,
            { writer in
                writer.append("PUBSUB")
                writer.append("NUMSUB")
                writer.append(channel)
            },
            completion: { [weak target] result in
                guard let count = (try? result.get())?.elements?.last?.int else { return }
                let others = max(0, count - ownCount)
                target?.otherServers = others
                responses.expect(others: others)
            })
    }

    // MARK: answers

    func receivedResponse(_ message: UnsafeRawBufferPointer) throws(ClusterMessageError) {
        guard self.pending.count > 0, let id = try ClusterResponse.requestID(in: message),
            let request = self.pending[id]
        else { return }  // an answer to another node, or one that comes too late
        guard self.pending.makeRoom(message.count, for: id) else { throw ClusterMessageError(.overloaded) }
        switch request.question {
        case .fetchSockets(_, let responses):
            guard let namespace = request.namespace.namespace, let adapter = request.namespace.adapter else { return }
            return Self.readSockets(ByteBuffer(bytes: message), of: namespace, adapter, responses)
        case .emitWithAck(_, _, _, let responses): try self.collect(ClusterResponse(message), responses)
        case .serverSideEmit(_, let responses):
            responses.serverAnswered(with: [try ClusterResponse(message).data])
        }
        self.counters.received += 1
    }

    /// Thousands of descriptions take their time, which no event loop has.
    private static func readSockets(
        _ message: ByteBuffer, of namespace: Namespace, _ adapter: RedisAdapter,
        _ responses: ResponseCollector<RemoteSocket>
    ) {
        NIOThreadPool.singleton.submit { _ in
            let sockets = message.withUnsafeReadableBytes { message -> Result<[RemoteSocket], ClusterMessageError> in
                do throws(ClusterMessageError) {
                    return .success(try ClusterResponse(message).sockets(of: namespace))
                } catch {
                    return .failure(error)
                }
            }
            switch sockets {
            case .success(let sockets):
                adapter.cluster.post(.responseWasRead(nil))
                responses.serverAnswered(with: sockets)
            case .failure(let error): adapter.cluster.post(.responseWasRead(error.reason))
            }
        }
    }

    func responseWasRead(_ failure: RedisDropReason?) {
        if let failure { self.drop(failure) } else { self.counters.received += 1 }
    }

    private func collect(
        _ response: ClusterResponse, _ responses: ResponseCollector<Arguments>
    ) throws(ClusterMessageError) {
        switch (response.kind, response.clientCount, response.acknowledgement) {
        case (.clientCount, let count?, _): responses.serverAnswered(announcing: count)
        case (.acknowledgement, _, let acknowledgement?): responses.add(acknowledgement)
        default: throw ClusterMessageError(.unexpectedShape)
        }
    }
}
