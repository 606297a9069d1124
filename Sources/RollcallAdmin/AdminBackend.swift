// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What the admin endpoint serves. The node implements it; nothing in this target knows about sockets or Redis.
///
/// A method throws `AdminError` for what the caller should read; anything else becomes a 500 with a fixed text and goes
/// to the log. Every method answers in bounded time.
package protocol AdminBackend: Sendable {
    /// Whether the node takes new connections, and why not.
    func readiness() async -> ReadinessReport

    /// A page of the users who are online in the whole cluster, or on one node.
    /// - Parameters:
    ///   - limit: a target of 1 to 1000; a page may be larger, or empty with a cursor.
    ///   - cursor: what the page before returned; opaque, from outside, so it may be anything up to 512 bytes.
    ///   - node: the id of one node.
    /// - Throws: `AdminError.invalidCursor`, `.notFound` for an unknown node, `.registryUnavailable`.
    func presence(limit: Int, cursor: String?, node: String?) async throws -> PresencePage

    /// One user with all connections; nil when offline. Ids are compared byte by byte, not by Unicode equivalence.
    func presence(of user: String) async throws -> PresenceItem?

    /// Disconnects a user everywhere.
    /// - Returns: how many connections were marked; 0 when the user is offline.
    func disconnect(user: String) async throws -> Int

    /// The nodes of the cluster.
    func nodes() async throws -> [NodeInfo]

    /// The namespaces of this node with their counts.
    func namespaces() async throws -> [NamespaceInfo]

    /// A page of the rooms of a namespace on this node with their counts.
    /// - Throws: `AdminError.notFound` for an unknown namespace, `.invalidCursor`.
    func rooms(namespace: String, limit: Int, cursor: String?) async throws -> RoomPage

    /// Sends an event to rooms of the whole cluster, or to everyone.
    func emit(_ request: EmitRequest) async throws

    /// Starts the drain of this node; a second call changes nothing.
    func drain() async throws

    /// Joins and leaves of the whole cluster. Asked for once, when the server starts; the admin server keeps the
    /// history and serves any number of readers. The stream must bound what it buffers, and yield `.reset` after a gap.
    func presenceEvents() -> AsyncStream<PresenceEvent>
}
