// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import Logging
import NIOCore
import UserRegistryCore

/// Two nodes with different constants would divide the users differently, and each admit the same user. So the
/// constants stand in a key of the registry and are compared at every registration and in every new epoch. Other
/// constants are overwritten only when nobody lives under them.
extension RegistryLoop {
    /// Other constants were found: who lives under them?
    struct MismatchWatch {
        var found: RegistryConstants
        var keys: [PartitionKeys]
        var deadline: UInt64
        /// The longest lease seen of each incarnation of each partition.
        var left: [String: Int64] = [:]
        var unanswered = 0
        var living = 0
    }

    /// Leases age only while somebody watches, as this often.
    private static let watchPause = TimeAmount.milliseconds(200)

    private var configurationKey: String {
        PartitionKeys.configuration(prefix: self.options.prefix, scope: self.options.scope)
    }

    /// Compares, and goes on when the constants are the registry's. A `generation` that has passed goes nowhere.
    func compareConstants(_ generation: Int, overwriting: String = "", then proceed: @escaping () -> Void) {
        let arguments: [RedisArgument] = [
            .text(self.options.constants.text), .text(self.options.instance), .integer(self.options.constants.lease),
            .text(overwriting),
        ]
        self.client.evaluate(
            RegistryScript.configure, keys: [.text(self.configurationKey)], arguments: arguments
        ) { result in
            guard self.client.serverInfo?.generation == generation else { return }
            let words = (try? result.get())?.elements?.map { $0.text ?? "" } ?? []
            switch words.first {
            case "OK":
                self.mismatch = nil
                proceed()
            case "MISMATCH" where words.count == 3:
                self.watch(words[1], generation, then: proceed)
            default:
                self.warn("the registry's constants could not be compared", ["answer": "\(result)"])
                self.later { self.compareConstants(generation, then: proceed) }
            }
        }
    }

    /// Once for all partitions that have the same reason: a new incarnation or a new epoch.
    func compareConstantsSoon() {
        guard self.generation != 0, self.mismatch == nil else { return }
        let generation = self.generation
        guard !self.isComparing else { return }
        self.isComparing = true
        self.compareConstants(generation) {}
        self.eventLoop.assumeIsolated().execute { self.isComparing = false }
    }

    private func later(_ action: @escaping () -> Void) {
        self.eventLoop.assumeIsolated().scheduleTask(in: Self.watchPause, action)
    }

    private func watch(_ found: String, _ generation: Int, then proceed: @escaping () -> Void) {
        guard let constants = RegistryConstants(found) else { return self.failOfMismatch(found) }
        if self.mismatch?.found != constants {
            let patience = UInt64(constants.lease) &* 3_000_000
            self.mismatch = MismatchWatch(
                found: constants,
                keys: PartitionKeys.all(
                    prefix: self.options.prefix, scope: self.options.scope, partitions: constants.partitions),
                deadline: LeaseGate.now() &+ patience)
            self.logger.notice(
                "the registry was made with other constants; waiting to see whether a node lives under them",
                metadata: ["found": "\(constants)", "own": "\(self.options.constants)"])
        }
        guard let watch = self.mismatch, LeaseGate.now() < watch.deadline else { return self.failOfMismatch(found) }
        self.mismatch?.unanswered = watch.keys.count
        self.mismatch?.living = 0
        for keys in watch.keys { self.takeCensus(keys, of: constants, generation, then: proceed) }
    }

    private func takeCensus(
        _ keys: PartitionKeys, of constants: RegistryConstants, _ generation: Int, then proceed: @escaping () -> Void
    ) {
        self.client.evaluate(
            RegistryScript.census, keys: (keys.fixed + [keys.index(of: "")]).map { .text($0) },
            arguments: [
                .text(self.runID), "0", .integer(constants.lease), .integer(constants.step), "", "0", "1", "1",
            ]
        ) { result in
            guard self.client.serverInfo?.generation == generation, self.mismatch != nil else { return }
            let elements = (try? result.get())?.elements ?? []
            // Without an answer somebody may live there.
            let living = elements.count == 5 ? elements[4].elements ?? [] : [.string(.init()), .integer(0), .null]
            self.noteLiving(living, in: keys)
            self.mismatch?.unanswered -= 1
            guard let watch = self.mismatch, watch.unanswered == 0 else { return }
            let overwriting = watch.living == 0 ? watch.found.text : ""
            self.later {
                guard self.client.serverInfo?.generation == generation else { return }
                self.compareConstants(generation, overwriting: overwriting, then: proceed)
            }
        }
    }

    private func noteLiving(_ living: [RedisReply], in keys: PartitionKeys) {
        for start in stride(from: 0, to: living.count - 2, by: 3) {
            let name = keys.index(of: living[start].text ?? "")
            let left = Int64(living[start + 1].int ?? 0)
            if let before = self.mismatch?.left[name], left > before, let found = self.mismatch?.found {
                self.failOfMismatch(found.text)
            }
            self.mismatch?.left[name] = left
            self.mismatch?.living += 1
        }
    }

    private func failOfMismatch(_ found: String) {
        let found = RegistryConstants(found).map { "\($0)" } ?? "\"\(RecordInfo.clean(found, upTo: 64))\""
        let own = "this node has \(self.options.constants)"
        self.fail(
            RegistryError(.mismatch, "the registry \"\(self.options.prefix)\" is in use with \(found), but \(own)"))
    }
}
