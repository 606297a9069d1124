// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// Admits each user once in the whole cluster, and answers who is online.
///
/// A connection *claims* its user, waits for the decision, serves while its ``LeaseGate`` is open, and *releases* the
/// claim on every way out. All calls may come from any thread; all callbacks of ``RegistryConnection`` may come on any
/// thread.
public protocol UserRegistry: AnyObject, Sendable {
    /// The gate that every dispatch of an admitted connection looks at.
    var gate: LeaseGate { get }

    /// False while the registry knows that it cannot decide claims (never reached, or away for long): new handshakes
    /// are then refused with `REGISTRY_UNAVAILABLE` instead of waiting. Cheap: read once for each handshake.
    var acceptsClaims: Bool { get }

    /// Asks for `user` on behalf of `connection`. Exactly one of ``RegistryConnection/registryGranted(_:)`` and
    /// ``RegistryConnection/registryRefused(_:)`` answers, unless ``release(_:completion:)`` comes first.
    /// The answer may come before this returns.
    ///
    /// - Parameter user: 1 to 256 bytes of UTF-8.
    func claim(user: String, details: ConnectionDetails, connection: any RegistryConnection) -> ClaimID

    /// Gives the claim up, decided or not. The caller has shut its own gate before. `completion` is called once: when
    /// the registry knows that the user is free, or at the latest after 200 ms (the release itself is repeated until
    /// answered). No callback of the connection comes after `completion`.
    func release(_ claim: ClaimID, completion: @escaping @Sendable () -> Void)

    /// Rewrites what presence shows of an admitted connection (its transport changed by an upgrade).
    func update(_ claim: ClaimID, details: ConnectionDetails)

    /// Works until cancelled. The caller has released all claims before (drain), else they end with the lease.
    func run() async throws

    /// After the last claim was released: ends this node's lease, so that nobody waits for it.
    func leave() async

    /// What readiness, metrics and the admin endpoint show.
    var status: RegistryStatus { get }

    /// One page of who is online. See ``PresencePage`` for what a walk promises.
    func presence(cursor: String?, limit: Int, node: String?) async throws(RegistryError) -> PresencePage

    /// The connections of one user; nil when offline.
    func presence(of user: String) async throws(RegistryError) -> PresenceEntry?

    /// Marks the connections of `user` on all nodes to be closed. Returns how many were marked.
    func disconnect(user: String, reason: String) async throws(RegistryError) -> Int

    /// The nodes that hold a lease.
    func nodes() async throws(RegistryError) -> [RegistryNode]

    /// Joins and leaves in the whole cluster from now on. ``PresenceEvent/Kind/reset`` tells that events may have been
    /// missed. The stream buffers at most 10,000 events and then drops the oldest and tells so by a reset.
    func events() -> AsyncStream<PresenceEvent>
}

/// Names one claim within one registry object.
public struct ClaimID: Hashable, Sendable {
    /// The number, unique within the process.
    public let rawValue: UInt64

    /// Wraps a number that the registry made.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// The connection's side of the registry: the server's socket implements it and hops to its own event loop.
public protocol RegistryConnection: AnyObject, Sendable {
    /// The claim was granted; also called again when a suspended connection was granted its user again under a new
    /// lease.
    func registryGranted(_ grant: LeaseGrant)

    /// The claim was refused, or could not be decided in time.
    func registryRefused(_ refusal: RegistryRefusal)

    /// Somebody waits for this user: send an Engine.IO ping now. Answer true when as many pongs as pings have come,
    /// false when `probeTimeout` passed or the connection is gone. Answer exactly once. Only policy
    /// ``DuplicatePolicy/probe`` asks.
    func registryProbes(timeout: Duration, answer: @escaping @Sendable (_ isAlive: Bool) -> Void)

    /// The gate of this connection was closed by time and is open again under the same grant: work off what was queued.
    func registryResumed()

    /// Close the connection; it then releases its claim as on every other way out.
    func registryCloses(_ reason: RegistryCloseReason)
}

/// What an admitted connection holds. It serves while ``LeaseGate/isOpen(_:)`` says so.
public struct LeaseGrant: Hashable, Sendable {
    /// The partition of the user.
    public var partition: Int
    /// Number of the lease within this process: a new one after each lost lease.
    public var incarnation: UInt32
    /// The fencing token: increases with every grant within a partition.
    public var token: UInt64

    /// Memberwise.
    public init(partition: Int, incarnation: UInt32, token: UInt64) {
        self.partition = partition
        self.incarnation = incarnation
        self.token = token
    }
}

/// Why a claim was not granted.
public enum RegistryRefusal: Hashable, Sendable {
    /// The user is connected, on the word of the node that holds the connection. Final: `USER_ALREADY_CONNECTED`.
    /// `since` is in milliseconds since 1970, `retryAfterMilliseconds` when asking again can bring another answer.
    case duplicate(since: Int64?, retryAfterMilliseconds: Int64?)
    /// Nobody could decide in time. Passes by itself: `REGISTRY_UNAVAILABLE`.
    case unavailable
}

/// Why the registry closes an admitted connection.
public enum RegistryCloseReason: Hashable, Sendable {
    /// Policy `replace`: a newer connection of the user takes over. Ends with a DISCONNECT packet.
    case replaced
    /// Policy `probe`: the connection did not answer the ping.
    case probeTimeout
    /// Disconnected by an administrator. Ends with a DISCONNECT packet.
    case kicked(String)
    /// The lease was lost and the user is connected elsewhere by now. Ends with a DISCONNECT packet.
    case leaseLost
    /// Suspended for longer than the jeopardy grace: the transport is closed and the client comes back by itself.
    case suspendedTooLong
}

/// What happens when a user who is connected connects again.
public enum DuplicatePolicy: Hashable, Sendable {
    /// The newcomer is refused when the node that holds the old connection says that it is open.
    case reject
    /// The newcomer is refused only if the old connection still answers a ping.
    case probe
    /// The newcomer is admitted after the old connection was shut.
    case replace
}

/// What presence shows of a connection. All strings together stay below 256 bytes (longer ones are cut).
public struct ConnectionDetails: Hashable, Sendable {
    /// The Socket.IO socket id.
    public var sid: String
    /// The namespace.
    public var namespace: String
    /// Milliseconds since 1970.
    public var connectedAt: Int64
    /// `polling` or `websocket`.
    public var transport: String
    /// The client's address.
    public var address: String

    /// Memberwise.
    public init(sid: String, namespace: String, connectedAt: Int64, transport: String, address: String) {
        self.sid = sid
        self.namespace = namespace
        self.connectedAt = connectedAt
        self.transport = transport
        self.address = address
    }
}

/// One user who is online.
public struct PresenceEntry: Hashable, Sendable {
    /// One of the user's connections, and the node (its public id) that holds it.
    public struct Connection: Hashable, Sendable {
        /// The id of the node as given by `--node-id`.
        public var node: String
        /// What the node told of the connection.
        public var details: ConnectionDetails

        /// Memberwise.
        public init(node: String, details: ConnectionDetails) {
            self.node = node
            self.details = details
        }
    }

    /// The user id.
    public var user: String
    /// At least one.
    public var connections: [Connection]

    /// Memberwise.
    public init(user: String, connections: [Connection]) {
        self.user = user
        self.connections = connections
    }
}

/// A part of a walk over all users online: `limit` is a target. A user who is online during the whole walk is in it at
/// least once; each page is true at its instant.
public struct PresencePage: Sendable {
    /// All users online, expired leases not counted.
    public var total: Int
    /// The entries of this page.
    public var entries: [PresenceEntry]
    /// Opaque; nil at the end.
    public var cursor: String?
    /// The registry is in a recovery window: users may be missing.
    public var isRecovering: Bool

    /// Memberwise.
    public init(total: Int, entries: [PresenceEntry], cursor: String?, isRecovering: Bool) {
        self.total = total
        self.entries = entries
        self.cursor = cursor
        self.isRecovering = isRecovering
    }
}

/// A node that holds a lease.
public struct RegistryNode: Hashable, Sendable {
    /// The node's id as given by `--node-id`.
    public var id: String
    /// What the node told of itself (``NodeDescription``), as JSON text.
    public var info: String
    /// How many users it holds.
    public var users: Int
    /// How long its lease lasts; 0 when expired.
    public var leaseLeft: Duration

    /// Memberwise.
    public init(id: String, info: String, users: Int, leaseLeft: Duration) {
        self.id = id
        self.info = info
        self.users = users
        self.leaseLeft = leaseLeft
    }
}

/// A user came or went.
public struct PresenceEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable {
        /// The user is online now.
        case join
        /// The user is offline now.
        case leave
        /// Events may have been missed: list again. `user` and `node` are empty.
        case reset
    }

    /// What happened.
    public var kind: Kind
    /// The user.
    public var user: String
    /// The node's id.
    public var node: String
    /// Milliseconds since 1970.
    public var time: Int64

    /// Memberwise.
    public init(kind: Kind, user: String, node: String, time: Int64) {
        self.kind = kind
        self.user = user
        self.node = node
        self.time = time
    }
}

/// The registry's state as this node sees it.
public struct RegistryStatus: Hashable, Sendable {
    /// Whether the store was ever reached.
    public var wasReached: Bool
    /// Age of the last good renewal of the worst partition; zero for a registry in memory.
    public var renewalAge: Duration
    /// Some partition is in a recovery window: newcomers wait.
    public var isRecovering: Bool
    /// Counters by name, for metrics: `claims_granted`, `claims_refused`, `epochs`, `resyncs`, `reaps`, `suspended`, ….
    public var counters: [String: Int]

    /// Memberwise.
    public init(wasReached: Bool, renewalAge: Duration, isRecovering: Bool, counters: [String: Int]) {
        self.wasReached = wasReached
        self.renewalAge = renewalAge
        self.isRecovering = isRecovering
        self.counters = counters
    }
}

/// A query of the registry that could not be answered.
public struct RegistryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Hashable, Sendable {
        /// The store is away.
        case unavailable
        /// The cursor was not made by this registry.
        case invalidCursor
        /// The registry in the store was made with other constants.
        case mismatch
    }

    /// What kind of failure it is.
    public var code: Code
    /// For people.
    public var message: String

    /// Memberwise.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { self.message }
}
