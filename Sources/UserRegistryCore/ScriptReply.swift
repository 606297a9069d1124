// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// What a registry script answered, or what became of it instead.
package enum ScriptReply: Sendable, Equatable {
    /// `renew` or `synced`: the lease runs. `recoveryLeft` in nanoseconds.
    case renewed(recoveryLeft: UInt64, waiters: [WaitNotice], expired: [String])
    /// `claim`: the user belongs to the connection, under this fencing token.
    case token(UInt64)
    /// `claim`: a live connection holds the user; its owner's node will decide.
    case wait
    /// Not before the recovery window is over.
    case recovering
    /// `claim`: the calling incarnation's lease has ended.
    case noLease
    /// The incarnation must re-assert what it serves in this epoch.
    case resync
    /// The incarnation's lease is gone for good.
    case lost
    /// The command came from an older connection of the incarnation.
    case stale
    /// The data live in this epoch, which is not the caller's.
    case epoch(UInt64)
    /// `reassert`: a token for each connection, nil for those that lost their user.
    case tokens([UInt64?])
    /// `mine`: what the store says that the incarnation holds.
    case page(cursor: String, held: [HeldUser])
    /// `count`: how many users the incarnation's index has.
    case count(Int)
    /// Done, nothing to report.
    case done
    /// `reap`: call again.
    case more
    /// Certainly not executed; to be repeated after a moment.
    case notExecuted
    /// Perhaps executed: lost on the way, or answered by what cannot be understood.
    case unknown
}

/// A user that the store counts among an incarnation's, and for which connection.
package struct HeldUser: Sendable, Hashable {
    /// The user id.
    package var user: String
    /// The connection within the incarnation.
    package var connection: UInt64

    /// Memberwise.
    package init(user: String, connection: UInt64) {
        self.user = user
        self.connection = connection
    }
}

/// A connection of some node, as the records name it.
package struct WaiterName: Sendable, Hashable {
    /// Its node's incarnation.
    package var incarnation: String
    /// The connection within the incarnation.
    package var connection: UInt64

    /// Memberwise.
    package init(incarnation: String, connection: UInt64) {
        self.incarnation = incarnation
        self.connection = connection
    }
}

/// Something that the owner of a user has to do: somebody waits for the user, or it is to be disconnected.
package struct WaitNotice: Sendable, Hashable {
    /// The user.
    package var user: String
    /// The connection that owns the user.
    package var owner: UInt64
    /// Who waits; nil when nobody does any more.
    package var waiter: WaiterName?
    /// Why an administrator disconnects the user; nil when nobody does.
    package var kick: String?

    /// Memberwise.
    package init(user: String, owner: UInt64, waiter: WaiterName?, kick: String?) {
        self.user = user
        self.owner = owner
        self.waiter = waiter
        self.kick = kick
    }
}

/// A message on the control channel of an incarnation: only ever an accelerator.
package enum ControlMessage: Sendable, Hashable {
    /// Somebody waits for one of this node's users, or one is to be disconnected.
    case notice(WaitNotice)
    /// The connection was handed its user.
    case granted(connection: UInt64, user: String)
    /// The owner's node refuses the connection. `since` in milliseconds since 1970.
    case denied(connection: UInt64, since: Int64?)
}
