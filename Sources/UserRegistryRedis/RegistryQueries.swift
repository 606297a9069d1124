// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import Synchronization
import UserRegistryCore

/// Questions to the registry, on a connection of their own: no heartbeat waits behind a large answer.
final class RegistryQueries: Sendable {
    /// One question. Without keys the call is a plain command.
    enum Call: Sendable {
        case script(RedisScript, PartitionKeys, [RedisArgument])
        case members(String)
    }

    let client: RedisClient
    private let options: RegistryOptions
    private let runID = Mutex("")

    /// How long a question waits for a connection.
    private static let patience = TimeAmount.seconds(1)

    init(configuration: RedisConfiguration, options: RegistryOptions, eventLoop: any EventLoop) {
        var configuration = configuration
        configuration.commandTimeout = .seconds(3)
        self.client = RedisClient(configuration: configuration, eventLoop: eventLoop, logger: options.logger)
        self.options = options
    }

    /// On the loop, before the client runs.
    func start() {
        self.client.onConnected = { [weak self] info in
            self?.runID.withLock { $0 = String((info.runID ?? "").prefix(16)) }
            self?.checkEvictionPolicy()
        }
    }

    /// Asks all at once; answers in the same order.
    func ask(_ calls: [Call]) async throws(RegistryError) -> [RedisReply] {
        let outcome = await withCheckedContinuation { continuation in
            self.client.eventLoop.execute {
                let gathering = Gathering(count: calls.count) { continuation.resume(returning: $0) }
                for (index, call) in calls.enumerated() {
                    self.send(call) { gathering.add($0, at: index) }
                }
            }
        }
        switch outcome {
        case .success(let replies): return replies
        case .failure(let error): throw RegistryError(.unavailable, "the registry cannot be asked: \(error)")
        }
    }

    /// Asks one question whose answer begins with a code.
    func ask(_ script: RedisScript, _ keys: PartitionKeys, _ arguments: [RedisArgument]) async throws(RegistryError)
        -> [RedisReply]
    {
        let replies = try await self.ask([.script(script, keys, arguments)])
        guard let elements = replies.first?.elements, !elements.isEmpty else { throw Self.unintelligible }
        return elements
    }

    static let unintelligible = RegistryError(.unavailable, "the registry's answer cannot be understood")

    private func send(_ call: Call, _ completion: @escaping RedisCompletion) {
        switch call {
        case .script(let script, let keys, let arguments):
            let constants = self.options.constants
            let common: [RedisArgument] = [
                .text(self.runID.withLock { $0 }), "0", .integer(constants.lease), .integer(constants.step), "", "0",
            ]
            self.client.evaluate(
                script, keys: (keys.fixed + [keys.index(of: "")]).map { .text($0) }, arguments: common + arguments,
                waitUpTo: Self.patience, completion: completion)
        case .members(let key):
            self.client.send(RedisCommand("SCARD", key), waitUpTo: Self.patience, completion: completion)
        }
    }

    /// An evicting server deletes claims without a word: the sentinels notice only whole keys.
    private func checkEvictionPolicy() {
        let logger = self.options.logger
        self.client.send(RedisCommand("CONFIG", "GET", "maxmemory-policy")) { result in
            guard let policy = (try? result.get())?.elements?.last?.text, policy != "noeviction" else { return }
            logger.warning(
                "Redis may evict the registry's keys and so admit users twice: set maxmemory-policy noeviction",
                metadata: ["maxmemory-policy": "\(policy)"])
        }
    }

    /// Waits for several answers; the first failure stands for all.
    private final class Gathering {
        private var replies: [RedisReply]
        private var missing: Int
        private var completion: ((Result<[RedisReply], RedisError>) -> Void)?

        init(count: Int, completion: @escaping (Result<[RedisReply], RedisError>) -> Void) {
            self.replies = Array(repeating: .null, count: count)
            self.missing = count
            self.completion = completion
            if count == 0 { self.finish(.success([])) }
        }

        func add(_ result: Result<RedisReply, RedisError>, at index: Int) {
            switch result {
            case .success(let reply):
                self.replies[index] = reply
                self.missing -= 1
                if self.missing == 0 { self.finish(.success(self.replies)) }
            case .failure(let error):
                self.finish(.failure(error))
            }
        }

        private func finish(_ result: Result<[RedisReply], RedisError>) {
            self.completion?(result)
            self.completion = nil
        }
    }
}
