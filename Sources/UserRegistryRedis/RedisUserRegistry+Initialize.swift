// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

package import HiredisClient
import Logging
package import NIOCore
package import UserRegistryCore

extension RedisUserRegistry {
    /// Writes the registry of a new cluster, so that its first clients need not wait for the recovery window: an empty
    /// Redis cannot be told from one that lost its data. For people to call; a node that did it by itself would void
    /// the window after a loss.
    ///
    /// - Throws: ``RegistryError``: ``RegistryError/Code/mismatch`` when any key of the registry exists,
    ///   ``RegistryError/Code/unavailable`` when Redis does not answer.
    package static func initialize(
        configuration: RedisConfiguration, eventLoop: any EventLoop, prefix: String = "rollcall", scope: String = "/",
        timing: RegistryTiming = RegistryTiming(), partitions: Int = 16
    ) async throws(RegistryError) {
        var configuration = configuration
        configuration.requireMaster = true
        let client = RedisClient(configuration: configuration, eventLoop: eventLoop)
        let partitions = max(1, min(partitions, LeaseGate.maximumPartitions))
        let constants = RegistryConstants(partitions: partitions, timing: timing)
        let keys = PartitionKeys.all(prefix: prefix, scope: scope, partitions: partitions)
        // Ends with this scope.
        async let _: Void = client.run()
        try await Self.initialize(
            client, constants, keys, configurationKey: PartitionKeys.configuration(prefix: prefix, scope: scope))
    }

    private static func initialize(
        _ client: RedisClient, _ constants: RegistryConstants, _ keys: [PartitionKeys], configurationKey: String
    ) async throws(RegistryError) {
        let exists = RegistryError(.mismatch, "the registry exists already")
        do {
            let patience = TimeAmount.seconds(5)
            // Before anything is written: a registry of which only a part was lost must not be touched.
            for key in [configurationKey] + keys.flatMap(\.fixed) {
                let count = try await client.execute(RedisCommand("EXISTS", key), waitUpTo: patience)
                guard count.int == 0 else { throw exists }
            }
            // Nodes write this key before they register: whoever comes first decides.
            let isFirst = try await client.execute(
                RedisCommand("HSETNX", configurationKey, "v", constants.text), waitUpTo: patience)
            guard isFirst.int == 1 else { throw exists }
            let runID = try await client.eventLoop.submit { String((client.serverInfo?.runID ?? "").prefix(16)) }.get()
            for keys in keys {
                let answer = try await client.execute(
                    RegistryScript.initialize, keys: (keys.fixed + [keys.index(of: "")]).map { .text($0) },
                    arguments: [
                        .text(runID), "0", .integer(constants.lease), .integer(constants.step), "", "0",
                    ], waitUpTo: patience)
                guard answer.elements?.first?.text == "OK" else { throw exists }
            }
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.unavailable, "the registry could not be written: \(error)")
        }
    }
}
