// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import SocketIOCodec
import Synchronization

// Namespaces that come with their first client.
extension SocketIOServer {
    /// Bytes of the longest name that a client can make a namespace of.
    private static let longestName = 256

    /// The namespace that a client asks for, made where a parent takes its name. A socket that entered must ``leave(_:)``.
    func enter(_ name: String, auth: SocketValue) throws(NamespaceRefusal) -> Namespace {
        if let known = self.namespaces.withLock({ $0.enter(name) }) { return known }
        guard let blueprint = self.parent(taking: name, auth: auth)?.blueprint else { throw .unknown }
        let limit = self.configuration.limits.maxChildNamespaces
        let entered = self.namespaces.withLock { table in
            if let known = table.enter(name) { return Optional(known) }  // made meanwhile
            guard table.makeRoom(limit: limit) else { return nil }
            _ = table.add(blueprint.make(name))
            return table.enter(name)
        }
        guard let entered else { throw .tooMany }
        return entered
    }

    /// For another socket of a client that is still in the namespace.
    func enterOnceMore(_ namespace: Namespace) {
        guard namespace.parent != nil else { return }
        self.namespaces.withLock { _ = $0.enter(namespace.name) }
    }

    /// A socket of the namespace is gone.
    func leave(_ namespace: Namespace) {
        guard namespace.parent != nil else { return }
        let removesEmpty = self.configuration.cleanupEmptyChildNamespaces
        self.namespaces.withLock { $0.leave(namespace, removesEmpty: removesEmpty) }
    }

    /// The first parent that takes the name. A `#` separates names from rooms in the channels of a cluster.
    func parent(taking name: String, auth: SocketValue) -> ParentNamespace? {
        let parents = self.namespaces.withLock { $0.parents }
        guard !parents.isEmpty, name != "/", name.utf8.count <= Self.longestName, !name.utf8.contains(UInt8(ascii: "#"))
        else { return nil }
        return parents.first { $0.takes(name, auth) }
    }
}
