// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// The namespaces of a server, and the parents that more of them may come from.
struct NamespaceTable {
    private var namespaces: [String: Namespace] = [:]
    /// In the order in which they were made.
    private(set) var parents: [ParentNamespace] = []
    /// How many sockets each child has, those included that are still connecting.
    private var occupants: [String: Int] = [:]

    var all: [Namespace] { Array(self.namespaces.values) }

    subscript(name: String) -> Namespace? { self.namespaces[name] }

    func children(of parent: ParentNamespace) -> [Namespace] {
        self.namespaces.values.filter { $0.parent === parent }
    }

    mutating func add(_ parent: ParentNamespace) { self.parents.append(parent) }

    /// Returns the namespace.
    mutating func add(_ namespace: Namespace) -> Namespace {
        self.namespaces[namespace.name] = namespace
        if namespace.parent != nil { self.occupants[namespace.name] = 0 }
        return namespace
    }

    // MARK: sockets of children

    /// The namespace of that name. A child stays until as many sockets have left it.
    mutating func enter(_ name: String) -> Namespace? {
        self.occupants[name]? += 1
        return self.namespaces[name]
    }

    /// - Parameter removesEmpty: whether the namespace goes with its last socket.
    mutating func leave(_ namespace: Namespace, removesEmpty: Bool) {
        let name = namespace.name
        guard let count = self.occupants[name], self.namespaces[name] === namespace else { return }
        self.occupants[name] = count - 1
        if count == 1, removesEmpty { self.remove(name) }
    }

    /// Whether there may be one child more, for which an empty one may have to go.
    mutating func makeRoom(limit: Int) -> Bool {
        if self.occupants.count < limit { return true }
        guard limit > 0, let empty = self.occupants.first(where: { $0.value == 0 }) else { return false }
        self.remove(empty.key)
        return true
    }

    private mutating func remove(_ name: String) {
        self.occupants[name] = nil
        self.namespaces.removeValue(forKey: name)?.adapter.detach()
    }
}

/// Why a client gets `Invalid namespace`.
enum NamespaceRefusal: String, Error {
    /// There is none of that name, and no parent takes it.
    case unknown = "invalid_namespace"
    /// There are as many children as may be, and none of them is empty.
    case tooMany = "too_many_namespaces"
}
