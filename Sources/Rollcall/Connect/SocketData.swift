// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

public import SocketIOCodec
import Synchronization

/// The user that a connection was admitted for.
public struct User: Sendable, Hashable {
    /// The id: unique in the whole cluster.
    public var id: String
    /// What the token says of the user.
    public var claims: SocketValue

    /// Memberwise.
    public init(id: String, claims: SocketValue = [:]) {
        self.id = id
        self.claims = claims
    }
}

/// A key for values of your own in ``SocketData``.
///
/// ```swift
/// enum LanguageKey: SocketDataKey { typealias Value = String }
/// extension SocketData {
///     var language: String? { get { self[LanguageKey.self] } nonmutating set { self[LanguageKey.self] = newValue } }
/// }
/// ```
public protocol SocketDataKey {
    /// The type of the value.
    associatedtype Value: Sendable
}

/// What the application knows of a connection. May be read and written on any thread.
public struct SocketData: Sendable {
    private struct Values {
        var user: User?
        var connectedAt: Int64?
        var others: [ObjectIdentifier: any Sendable] = [:]
    }
    private final class Storage: Sendable {
        let values = Mutex(Values())
    }
    private let storage = Storage()

    /// The user, set by authentication.
    public var user: User? {
        get { self.storage.values.withLock { $0.user } }
        nonmutating set { self.storage.values.withLock { $0.user = newValue } }
    }

    /// When the connection was admitted, in milliseconds since 1970; nil before.
    public var connectedAt: Int64? {
        get { self.storage.values.withLock { $0.connectedAt } }
        nonmutating set { self.storage.values.withLock { $0.connectedAt = newValue } }
    }

    /// A value under a key of your own.
    public subscript<Key: SocketDataKey>(key: Key.Type) -> Key.Value? {
        get { self.storage.values.withLock { $0.others[ObjectIdentifier(key)] as? Key.Value } }
        nonmutating set { self.storage.values.withLock { $0.others[ObjectIdentifier(key)] = newValue } }
    }
}
