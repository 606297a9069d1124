// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
package import UserRegistryCore

/// Who is online, read from Redis: no node is asked, and each answer costs a bounded number of calls.
extension RedisUserRegistry {
    /// Calls of `list` for one page.
    private static let maximumCalls = 64
    /// Users looked at by one call.
    private static let maximumCount = 1_000

    package func presence(cursor: String?, limit: Int, node: String?) async throws(RegistryError) -> PresencePage {
        var position = try self.parse(cursor)
        let limit = max(1, min(limit, 10 * Self.maximumCount))
        let (total, isRecovering) = try await self.census()
        var page = PresencePage(total: total, entries: [], cursor: nil, isRecovering: isRecovering)
        var calls = 0
        while position.partition < self.options.keys.count, page.entries.count < limit, calls < Self.maximumCalls {
            calls += 1
            let wanted = node == nil ? min(limit - page.entries.count, Self.maximumCount) : Self.maximumCount
            let next = try await self.list(position, count: max(10, wanted), node: node, into: &page)
            position = next == "0" ? (position.partition + 1, "0") : (position.partition, next)
        }
        if position.partition < self.options.keys.count { page.cursor = "\(position.partition).\(position.scan)" }
        return page
    }

    package func presence(of user: String) async throws(RegistryError) -> PresenceEntry? {
        guard !user.isEmpty else { return nil }
        let answer = try await self.queries.ask(RegistryScript.user, self.keys(of: user), [.text(user)])
        guard answer[0].text == "OK", answer.count == 4 else { return nil }
        let connection = self.connection(
            node: answer[1].text ?? "", since: answer[2].text ?? "", info: answer[3].text ?? "")
        return PresenceEntry(user: user, connections: [connection])
    }

    package func disconnect(user: String, reason: String) async throws(RegistryError) -> Int {
        guard !user.isEmpty else { return 0 }
        let reason = RecordInfo.clean(reason, upTo: 128)
        let answer = try await self.queries.ask(
            RegistryScript.kick, self.keys(of: user), [.text(user), .text(reason)])
        return answer.count == 2 ? answer[1].int ?? 0 : 0
    }

    package func nodes() async throws(RegistryError) -> [RegistryNode] {
        let censuses = try await self.censuses(withNodes: true)
        var nodes: [String: RegistryNode] = [:]
        var indexes: [(instance: String, key: String)] = []
        for (keys, census) in zip(self.options.keys, censuses) {
            for start in stride(from: 0, to: census.living.count - 2, by: 3) {
                let words = census.living[start..<start + 3].map { $0.text ?? "" }
                let (id, instance, info) = RegistryOptions.parseNode(words[2])
                let left = Duration.milliseconds(Int64(words[1]) ?? 0)
                // The first partition's words are the freshest.
                var node = nodes[instance] ?? RegistryNode(id: id, info: info, users: 0, leaseLeft: left)
                node.leaseLeft = min(node.leaseLeft, left)
                nodes[instance] = node
                indexes.append((instance, keys.index(of: words[0])))
            }
        }
        let counts = try await self.queries.ask(indexes.map { .members($0.key) })
        for (index, count) in zip(indexes, counts) {
            nodes[index.instance]?.users += max(0, (count.int ?? 0) - 1)
        }
        return nodes.values.sorted { ($0.id, $0.info) < ($1.id, $1.info) }
    }

    // MARK: - Parts

    private func keys(of user: String) -> PartitionKeys {
        self.options.keys[Int(UserPartition.crc32(user) % UInt32(self.options.keys.count))]
    }

    private func parse(_ cursor: String?) throws(RegistryError) -> (partition: Int, scan: String) {
        guard let cursor else { return (0, "0") }
        let parts = cursor.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let partition = Int(parts[0]), self.options.keys.indices.contains(partition),
            let scan = UInt64(parts[1])
        else { throw RegistryError(.invalidCursor, "the cursor is not valid") }
        return (partition, String(scan))
    }

    private func list(
        _ position: (partition: Int, scan: String), count: Int, node: String?, into page: inout PresencePage
    ) async throws(RegistryError) -> String {
        let answer = try await self.queries.ask(
            RegistryScript.list, self.options.keys[position.partition],
            [.text(position.scan), .integer(Int64(count))])
        guard answer.count == 5, let next = answer[1].text, let users = answer[3].elements,
            let nodes = answer[4].elements
        else { throw RegistryQueries.unintelligible }
        if answer[2].text == "1" { page.isRecovering = true }
        var names: [String: String] = [:]
        for start in stride(from: 0, to: nodes.count - 1, by: 2) {
            names[nodes[start].text ?? ""] = nodes[start + 1].text ?? ""
        }
        for start in stride(from: 0, to: users.count - 3, by: 4) {
            let words = users[start..<start + 4].map { $0.text ?? "" }
            let connection = self.connection(node: names[words[1]] ?? "", since: words[2], info: words[3])
            guard node == nil || node == connection.node else { continue }
            page.entries.append(PresenceEntry(user: words[0], connections: [connection]))
        }
        return next
    }

    private func connection(node: String, since: String, info: String) -> PresenceEntry.Connection {
        PresenceEntry.Connection(
            node: node, details: RecordInfo.decode(info, since: Int64(since) ?? 0, scope: self.options.scope))
    }

    private struct Census {
        var users: Int
        var isRecovering: Bool
        var expired: [String]
        var living: [RedisReply]
    }

    private func censuses(withNodes: Bool) async throws(RegistryError) -> [Census] {
        let replies = try await self.queries.ask(
            self.options.keys.map { .script(RegistryScript.census, $0, [withNodes ? "1" : "0", "0"]) })
        var censuses: [Census] = []
        for reply in replies {
            guard let answer = reply.elements, answer.count == 5 else { throw RegistryQueries.unintelligible }
            censuses.append(
                Census(
                    users: answer[1].int ?? 0, isRecovering: answer[2].text == "1",
                    expired: (answer[3].elements ?? []).compactMap(\.text), living: answer[4].elements ?? []))
        }
        return censuses
    }

    /// All users, without those of leases that have expired and are not cleared away yet.
    private func census() async throws(RegistryError) -> (total: Int, isRecovering: Bool) {
        let censuses = try await self.censuses(withNodes: false)
        let expired = zip(self.options.keys, censuses).flatMap { keys, census in
            census.expired.map { RegistryQueries.Call.members(keys.index(of: $0)) }
        }
        let ghosts = try await self.queries.ask(expired).reduce(0) { $0 + max(0, ($1.int ?? 0) - 1) }
        let users = censuses.reduce(0) { $0 + $1.users }
        return (max(0, users - ghosts), censuses.contains { $0.isRecovering })
    }
}
