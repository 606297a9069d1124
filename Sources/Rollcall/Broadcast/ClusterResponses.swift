// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What came of a question to all servers of the cluster, or to the clients of all of them: a list in the order of arrival.
///
/// Such a question never fails as a whole: at its deadline there is what came, and how much is missing.
///
/// ```swift
/// let names = await io.to("room").emitWithAck("who", timeout: .seconds(1))
/// if !names.isComplete { print("without \(names.missingClients) clients of servers that were heard") }
/// ```
public struct ClusterResponses<Element: Sendable>: Sendable, RandomAccessCollection {
    private let elements: [Element]
    /// How many servers did not answer in time. While Redis is away this is what was known last, at least 1.
    public let missingServers: Int
    /// How many clients of the servers that did answer did not acknowledge in time. 0 where no client was asked.
    public let missingClients: Int

    package init(_ elements: [Element] = [], missingServers: Int = 0, missingClients: Int = 0) {
        self.elements = elements
        self.missingServers = missingServers
        self.missingClients = missingClients
    }

    /// Whether everybody who was asked has answered.
    public var isComplete: Bool { self.missingServers == 0 && self.missingClients == 0 }

    /// The first one's position.
    public var startIndex: Int { self.elements.startIndex }
    /// The position behind the last one.
    public var endIndex: Int { self.elements.endIndex }
    /// The response at a position.
    public subscript(position: Int) -> Element { self.elements[position] }
}

extension ClusterResponses where Element == Arguments {
    /// The first argument of each acknowledgement as a type of yours. Throws when one of them cannot be decoded.
    public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> [T] {
        try self.map { try $0.decode(type, at: 0) }
    }
}
