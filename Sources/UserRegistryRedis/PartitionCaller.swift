// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient
import UserRegistryCore

/// Writes one partition's script calls straight into the connection's output.
///
/// The words that all calls under one stamp have in common are kept ready: a claim then costs the copying of about 400
/// bytes, one check of the room for them, and the completion.
final class PartitionCaller {
    let keys: PartitionKeys
    private let lease: String
    private let step: String

    private var stamp: PartitionLease.Stamp?
    private var runID = ""
    private var incarnation = ""
    private var index = ""
    private var epoch = ""
    private var session = ""
    private var commonBytes = 0

    /// Numbers of up to 64 bits with their overhead.
    private static let numberBytes = 48
    private static let wordOverhead = 24

    init(keys: PartitionKeys, constants: RegistryConstants) {
        self.keys = keys
        self.lease = String(constants.lease)
        self.step = String(constants.step)
    }

    /// The server behind the connection has changed.
    func connected(runID: String) {
        self.runID = runID
        self.stamp = nil
    }

    /// What a renewal says besides.
    struct Renewal {
        var listens: Bool
        var nodeInfo: String
    }

    func send(
        _ command: PartitionCommand, lease: PartitionLease, renewal: @autoclosure () -> Renewal,
        over client: RedisClient,
        completion: @escaping RedisCompletion
    ) {
        if command.stamp != self.stamp { self.prepare(command.stamp, lease) }
        switch command.script {
        case .claim(let claim):
            let bytes = claim.user.utf8.count + claim.info.utf8.count
            self.call(RegistryScript.claim, bytes: bytes, over: client, completion) { writer in
                writer.append(claim.user)
                writer.append(decimal: claim.id)
                writer.append(claim.connectedAt)
                writer.append(claim.info)
            }
        case .release(let user, let connection, _):
            self.call(RegistryScript.release, bytes: user.utf8.count, over: client, completion) { writer in
                writer.append(user)
                writer.append(decimal: connection)
            }
        case .renew(let isFresh):
            let renewal = renewal()
            self.call(RegistryScript.renew, bytes: renewal.nodeInfo.utf8.count, over: client, completion) { writer in
                writer.append(isFresh ? "1" : "0")
                writer.append("")
                writer.append(renewal.listens ? "1" : "0")
                writer.append(renewal.nodeInfo)
            }
        case .deny(let user, let owner, let waiter):
            let bytes = user.utf8.count + waiter.incarnation.utf8.count
            self.call(RegistryScript.deny, bytes: bytes, over: client, completion) { writer in
                writer.append(user)
                writer.append(decimal: owner)
                writer.append(waiter.incarnation)
                writer.append(decimal: waiter.connection)
            }
        case .reassert(let from, let claims, _):
            self.reassert(claims, from: lease.name(of: from), over: client, completion)
        case .mine(let cursor, _):
            self.call(RegistryScript.mine, bytes: cursor.utf8.count, over: client, completion) { $0.append(cursor) }
        case .synced:
            self.call(RegistryScript.synced, bytes: 0, over: client, completion) { _ in }
        case .leave:
            self.call(RegistryScript.leave, bytes: 0, over: client, completion) { _ in }
        case .update(let claim):
            let bytes = claim.user.utf8.count + claim.info.utf8.count
            self.call(RegistryScript.update, bytes: bytes, over: client, completion) { writer in
                writer.append(claim.user)
                writer.append(decimal: claim.id)
                writer.append(claim.info)
            }
        case .reap(let dead):
            self.reap(dead, over: client, completion)
        case .count:
            client.send(RedisCommand("SCARD", self.index), completion: completion)
        }
    }

    private func prepare(_ stamp: PartitionLease.Stamp, _ lease: PartitionLease) {
        self.stamp = stamp
        self.incarnation = lease.name(of: stamp.number)
        self.index = self.keys.index(of: self.incarnation)
        self.epoch = String(stamp.epoch)
        self.session = String(stamp.session)
        let words =
            self.keys.fixed + [
                self.index, self.runID, self.epoch, self.lease, self.step, self.incarnation, self.session,
            ]
        self.commonBytes = words.reduce(160) { $0 + $1.utf8.count + Self.wordOverhead }
    }

    /// The call of a script with the words that all calls share. `bytes`: of the texts that `build` appends, up to
    /// four.
    private func call(
        _ script: RedisScript, bytes: Int, over client: RedisClient, _ completion: @escaping RedisCompletion,
        _ build: (inout RedisCommandWriter) -> Void
    ) {
        client.send(
            capacity: self.commonBytes + bytes + 4 * Self.numberBytes,
            { writer in
                self.begin(script, index: self.index, incarnation: self.incarnation, session: self.session, &writer)
                build(&writer)
            }, completion: completion)
    }

    private func begin(
        _ script: RedisScript, index: String, incarnation: String, session: String, _ writer: inout RedisCommandWriter
    ) {
        writer.append("EVALSHA")
        writer.append(script.sha1)
        writer.append("5")
        writer.append(self.keys.meta)
        writer.append(self.keys.leases)
        writer.append(self.keys.claims)
        writer.append(self.keys.waiters)
        writer.append(index)
        writer.append(self.runID)
        writer.append(self.epoch)
        writer.append(self.lease)
        writer.append(self.step)
        writer.append(incarnation)
        writer.append(session)
    }

    private func reassert(
        _ claims: [Claim], from incarnation: String, over client: RedisClient, _ completion: @escaping RedisCompletion
    ) {
        let bytes = claims.reduce(0) { $0 + $1.user.utf8.count + $1.info.utf8.count + 5 * Self.numberBytes }
        self.call(RegistryScript.reassert, bytes: bytes, over: client, completion) { writer in
            writer.append(incarnation)
            for claim in claims {
                writer.append(claim.user)
                writer.append(decimal: claim.id)
                writer.append(decimal: claim.token)
                writer.append(claim.connectedAt)
                writer.append(claim.info)
            }
        }
    }

    /// Keys and arguments name the dead incarnation instead of the own one.
    private func reap(_ dead: String, over client: RedisClient, _ completion: @escaping RedisCompletion) {
        let index = self.keys.index(of: dead)
        client.send(
            capacity: self.commonBytes + index.utf8.count + 4 * Self.numberBytes,
            { writer in
                self.begin(RegistryScript.reap, index: index, incarnation: dead, session: "0", &writer)
                writer.append("100")
            }, completion: completion)
    }
}

extension RedisCommandWriter {
    /// Appends a word: the number in decimal.
    mutating func append(decimal number: UInt64) {
        if let number = Int64(exactly: number) { self.append(number) } else { self.append(String(number)) }
    }
}
