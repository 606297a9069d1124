// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import NIOCore
public import SocketIOCodec
import Synchronization

/// The user that a connection was admitted for.
public struct User: Sendable, Hashable {
    /// The id: unique in the whole cluster.
    public var id: String
    /// As JSON text, which takes a fraction of the memory that the values do; few handlers ever ask.
    private var claimsText: [UInt8]

    /// What the token says of the user. Decoded at each call.
    public var claims: SocketValue {
        get { self.claimsText.withUnsafeBytes { try? JSONReader.value($0) } ?? [:] }
        set { self.claimsText = Self.text(of: newValue) }
    }

    /// Memberwise. Binary values in the claims are lost: tokens have none.
    public init(id: String, claims: SocketValue = [:]) {
        self.id = id
        self.claimsText = Self.text(of: claims)
    }

    /// - Parameter claimsText: a JSON object.
    package init(id: String, claimsText: UnsafeRawBufferPointer) {
        self.id = id
        self.claimsText = Array(claimsText)
    }

    private static func text(of claims: SocketValue) -> [UInt8] {
        var buffer = ByteBuffer()
        var attachments: [ByteBuffer] = []
        JSONWriter.write(claims, into: &buffer, attachments: &attachments)
        return Array(buffer.readableBytesView)
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
        /// Few: looked through one by one.
        var others: [(key: ObjectIdentifier, value: any Sendable)] = []
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
        get {
            let key = ObjectIdentifier(key)
            return self.storage.values.withLock { $0.others.first { $0.key == key }?.value as? Key.Value }
        }
        nonmutating set {
            let key = ObjectIdentifier(key)
            self.storage.values.withLock { values in
                values.others.removeAll { $0.key == key }
                if let newValue { values.others.append((key, newValue)) }
            }
        }
    }
}
