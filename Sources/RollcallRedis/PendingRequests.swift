// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import Rollcall

/// The requests of this node that wait for answers of others: a bounded number, and a bounded number of bytes of answers.
/// Each leaves when its question ends.
struct PendingRequests {
    struct Request {
        let question: ClusterQuestion
        let namespace: ClusterNamespace
        fileprivate var bytes = 0
    }

    private var requests: [String: Request] = [:]
    private var bytes = 0
    private let maxRequests: Int
    private let maxBytes: Int
    /// What an answer takes beside its bytes, roughly.
    private static let overhead = 256

    init(maxRequests: Int, maxBytes: Int) {
        self.maxRequests = maxRequests
        self.maxBytes = maxBytes
    }

    var count: Int { self.requests.count }

    subscript(id: String) -> Request? { self.requests[id] }

    /// The new request's id; nil when there are as many as may be.
    mutating func add(_ question: ClusterQuestion, of namespace: ClusterNamespace) -> String? {
        guard self.requests.count < self.maxRequests else { return nil }
        var id = ClusterID.random()
        while self.requests[id] != nil { id = ClusterID.random() }
        self.requests[id] = Request(question: question, namespace: namespace)
        return id
    }

    /// Whether there is room for an answer of this size.
    mutating func makeRoom(_ byteCount: Int, for id: String) -> Bool {
        let size = byteCount + Self.overhead
        guard self.bytes + size <= self.maxBytes else { return false }
        self.requests[id]?.bytes += size
        self.bytes += size
        return true
    }

    mutating func remove(_ id: String) -> Request? {
        guard let request = self.requests.removeValue(forKey: id) else { return nil }
        self.bytes -= request.bytes
        return request
    }
}
