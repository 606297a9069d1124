// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

/// A script call that a partition wants made, and what its answer is matched against.
package struct PartitionCommand {
    /// Which script, with its arguments.
    package enum Script {
        /// Renews the lease; `isFresh` when it registers the incarnation.
        case renew(isFresh: Bool)
        /// Asks for a user.
        case claim(Claim)
        /// Gives a user up. Without a claim: a connection that this node does not have, by name.
        case release(user: String, connection: UInt64, claim: Claim?)
        /// Refuses a waiter of one's own connection.
        case deny(user: String, owner: UInt64, waiter: WaiterName)
        /// Asserts what is served: under the same incarnation, or again under a new one.
        case reassert(from: UInt32, claims: [Claim], purpose: Purpose)
        /// Lists what the store believes this incarnation to hold.
        case mine(cursor: String, purpose: Purpose)
        /// Ends the resync procedure.
        case synced
        /// Clears away users of a dead incarnation.
        case reap(incarnation: String)
        /// Rewrites what presence shows.
        case update(Claim)
        /// Counts the incarnation's index.
        case count
        /// Ends the lease.
        case leave
    }

    /// Why a list is read or connections are asserted.
    package enum Purpose: Sendable, Hashable {
        case resync, rejoin, check
    }

    /// Which script.
    package let script: Script
    /// What it was sent under.
    package let stamp: PartitionLease.Stamp
    /// When it was handed out for sending.
    package let sentAt: UInt64
}

/// What a partition wants done, in this order.
package enum PartitionAction {
    /// Call a script and hand its answer to ``RegistryPartition/replied(_:to:now:)``.
    case send(PartitionCommand)
    /// The partition's gate is open until then.
    case gateExtended(to: UInt64)
    /// A new incarnation began: the gate is shut for all earlier grants, and the control channel has a new name.
    case incarnationBegan(UInt32)
    /// The store's data began a new life.
    case epochChanged
    /// Tell the connection.
    case granted(Claim, LeaseGrant)
    /// Tell the connection.
    case refused(Claim, RegistryRefusal)
    /// Ask the connection for a sign of life.
    case probe(Claim)
    /// Tell the connection.
    case resumed(Claim)
    /// Tell the connection.
    case closes(Claim, RegistryCloseReason)
    /// Releases are over.
    case completed([@Sendable () -> Void])
}
