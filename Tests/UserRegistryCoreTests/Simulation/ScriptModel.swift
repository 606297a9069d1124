// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

@testable import UserRegistryCore

/// What the Lua scripts do, for one partition, in Swift: the other side of the simulation.
struct ScriptModel {
    /// Rules that a test can take away, to see that the simulation notices.
    enum Flaw: Hashable {
        case noWindow, releaseWithoutCompare, renewalRevives, lossUnnoticed, newestWinsAtOnce, noSessions
        case nothingListed, deadlineFromReply, noFence, noMargin, reapByUser, keepsDeadLease, admitsBlindly
    }

    struct Party: Equatable {
        var inc: String
        var conn: UInt64
    }

    struct Record: Equatable {
        var owner: Party
        var token: UInt64
        var next: Party?
        var kick: String?
    }

    struct Meta {
        var run: Int
        var epoch: UInt64
        var recovery: Int64
        var seen: Int64
        var seenAt: Int64
        var sequence: UInt64
        var sessions: [String: (epoch: UInt64, session: UInt32)] = [:]
    }

    /// Who calls, and on behalf of what.
    struct Caller {
        var run: Int
        var epoch: UInt64
        var inc: String
        var session: UInt32
    }

    var flaws: Set<Flaw> = []
    var lease: Int64 = 2_000
    var step: Int64 = 400
    var run = 1
    var wall: Int64 = 1_000_000

    var meta: Meta?
    var leases: [String: Int64]?
    var claims: [String: Record]?
    var index: [String: Set<String>] = [:]
    var published: [(inc: String, message: ControlMessage)] = []

    private var now: Int64 = 0

    mutating func loseAll() {
        self.meta = nil
        self.leases = nil
        self.claims = nil
        self.index = [:]
    }

    // MARK: - Prologue

    private mutating func observe() {
        self.now = self.wall
        if let meta { self.now = meta.seen + min(max(self.wall - meta.seenAt, 0), self.step) }
    }

    private func isAlive(_ inc: String) -> Bool { (self.leases?[inc] ?? .min) > self.now }
    private var isRecovering: Bool { (self.meta?.recovery ?? .max) > self.now }
    private mutating func void(_ inc: String) {
        if !self.flaws.contains(.keepsDeadLease), self.leases?[inc] != nil { self.leases?[inc] = 0 }
    }
    private mutating func token() -> UInt64 {
        self.meta?.sequence += 1
        return self.meta?.sequence ?? 0
    }

    private mutating func check(_ caller: Caller) -> ScriptReply? {
        let isWhole = self.meta != nil && self.claims != nil && self.leases != nil
        let isLossUnnoticed = self.flaws.contains(.lossUnnoticed) && caller.epoch != 0
        if isLossUnnoticed, !isWhole {
            let meta = Meta(
                run: caller.run, epoch: caller.epoch, recovery: 0, seen: self.now, seenAt: self.wall,
                sequence: UInt64(self.now))
            self.meta = self.meta ?? meta
            self.leases = self.leases ?? [:]
            self.claims = self.claims ?? [:]
            return nil
        }
        guard isWhole, self.meta?.run == caller.run || isLossUnnoticed else { return self.newEpoch(caller) }
        guard caller.epoch == self.meta?.epoch else { return .epoch(self.meta?.epoch ?? 0) }
        return nil
    }

    private mutating func newEpoch(_ caller: Caller) -> ScriptReply {
        let epoch = max(UInt64(self.wall) * 1_000, (self.meta?.epoch ?? 0) + 1)
        var meta =
            self.meta
            ?? Meta(run: 0, epoch: 0, recovery: 0, seen: self.now, seenAt: self.wall, sequence: 0)
        meta.run = caller.run
        meta.epoch = epoch
        meta.recovery = self.flaws.contains(.noWindow) ? self.now : self.now + self.lease
        meta.seen = self.now
        meta.seenAt = self.wall
        meta.sequence = max(meta.sequence, epoch)
        var leases = self.leases ?? [:]
        for inc in meta.sessions.keys where leases[inc] == nil { leases[inc] = self.now + self.lease }
        for (inc, end) in leases where end != 0 { leases[inc] = self.now + self.lease }
        self.meta = meta
        self.leases = leases
        self.claims = self.claims ?? [:]
        return .epoch(epoch)
    }

    // MARK: - Scripts

    /// `time` in nanoseconds: Redis's own clock is `wall`, set by the simulation.
    mutating func execute(_ script: PartitionCommand.Script, by caller: Caller) -> ScriptReply {
        self.observe()
        switch script {
        case .renew(let isFresh): return self.check(caller) ?? self.renew(caller, isFresh: isFresh)
        case .claim(let claim): return self.check(caller) ?? self.claim(claim.user, claim.id, caller)
        case .release(let user, let connection, _): return self.release(user, connection, caller)
        case .deny(let user, let owner, let waiter): return self.deny(user, owner, waiter, caller)
        case .reassert(let from, let claims, _): return self.check(caller) ?? self.reassert(from, claims, caller)
        case .mine: return self.mine(caller)
        case .synced: return self.check(caller) ?? self.synced(caller)
        case .reap(let inc): return self.check(caller) ?? self.reap(inc)
        case .count: return .count(self.index[caller.inc]?.count ?? 0)
        case .leave:
            if self.leases?[caller.inc] != nil { self.leases?[caller.inc] = 0 }
            return .done
        case .update: return .done
        }
    }

    private mutating func renew(_ caller: Caller, isFresh: Bool) -> ScriptReply {
        var known = self.meta?.sessions[caller.inc]
        if !self.flaws.contains(.noSessions), let known, known.session > caller.session { return .stale }
        self.meta?.seen = self.now
        self.meta?.seenAt = self.wall
        if let end = self.leases?[caller.inc] {
            if end <= self.now, !self.flaws.contains(.renewalRevives) { return .lost }
        } else if isFresh || self.flaws.contains(.lossUnnoticed) {
            known = (caller.epoch, caller.session)
        } else if self.isRecovering {
            self.leases?[caller.inc] = self.meta?.recovery ?? 0
            self.meta?.sessions[caller.inc] = (0, caller.session)
            return .resync
        } else {
            return .lost
        }
        let epoch = known?.epoch ?? 0
        self.meta?.sessions[caller.inc] = (epoch, caller.session)
        guard epoch == caller.epoch else { return .resync }
        self.leases?[caller.inc] = self.now + self.lease
        let notices = (self.claims ?? [:]).filter { $0.value.owner.inc == caller.inc && $0.value.next != nil }
            .map { user, record in
                WaitNotice(
                    user: user, owner: record.owner.conn,
                    waiter: record.next.map { WaiterName(incarnation: $0.inc, connection: $0.conn) }, kick: nil)
            }
        let expired = (self.leases ?? [:]).filter { $0.value <= self.now }.map(\.key)
        let left = max(0, (self.meta?.recovery ?? 0) - self.now)
        return .renewed(
            recoveryLeft: UInt64(left) * 1_000_000, waiters: notices.sorted { $0.user < $1.user },
            expired: expired.sorted())
    }

    private mutating func claim(_ user: String, _ conn: UInt64, _ caller: Caller) -> ScriptReply {
        if !self.flaws.contains(.admitsBlindly) {
            guard self.isAlive(caller.inc) else { return .noLease }
            let known = self.meta?.sessions[caller.inc]
            guard known?.epoch == caller.epoch else { return .resync }
            guard known?.session == caller.session || self.flaws.contains(.noSessions) else { return .stale }
        }
        let me = Party(inc: caller.inc, conn: conn)
        if let record = self.claims?[user] {
            if record.owner == me { return self.isRecovering ? .recovering : .token(record.token) }
            if self.isAlive(record.owner.inc), !self.flaws.contains(.newestWinsAtOnce) {
                self.claims?[user]?.next = me
                self.index[me.inc, default: []].insert(user)
                let notice = WaitNotice(
                    user: user, owner: record.owner.conn,
                    waiter: WaiterName(incarnation: me.inc, connection: conn), kick: nil)
                self.published.append((record.owner.inc, .notice(notice)))
                return .wait
            }
            if self.isRecovering { return .recovering }
            self.void(record.owner.inc)
        } else if self.isRecovering {
            return .recovering
        }
        let token = self.token()
        self.claims?[user] = Record(owner: me, token: token)
        self.index[me.inc, default: []].insert(user)
        return .token(token)
    }

    private mutating func giveUp(_ user: String) {
        guard let record = self.claims?[user] else { return }
        guard let next = record.next, self.isAlive(next.inc), self.meta?.run == self.run else {
            self.claims?[user] = nil
            return
        }
        let token = self.token()
        self.claims?[user] = Record(owner: next, token: token)
        self.published.append((next.inc, .granted(connection: next.conn, user: user)))
    }

    private mutating func release(_ user: String, _ conn: UInt64, _ caller: Caller) -> ScriptReply {
        let me = Party(inc: caller.inc, conn: conn)
        if self.flaws.contains(.releaseWithoutCompare) {
            self.claims?[user] = nil
            return .done
        }
        if self.claims?[user]?.owner == me {
            self.giveUp(user)
        } else if self.claims?[user]?.next == me {
            self.claims?[user]?.next = nil
        }
        let record = self.claims?[user]
        if record?.owner.inc != me.inc, record?.next?.inc != me.inc { self.index[me.inc]?.remove(user) }
        return .done
    }

    private mutating func deny(_ user: String, _ owner: UInt64, _ waiter: WaiterName, _ caller: Caller) -> ScriptReply {
        let me = Party(inc: caller.inc, conn: owner)
        guard self.claims?[user]?.owner == me, self.isAlive(me.inc),
            self.meta?.sessions[me.inc]?.session == caller.session
        else { return .done }
        let party = Party(inc: waiter.incarnation, conn: waiter.connection)
        if self.claims?[user]?.next == party { self.claims?[user]?.next = nil }
        self.published.append((party.inc, .denied(connection: party.conn, since: nil)))
        return .done
    }

    private mutating func reassert(_ from: UInt32, _ claims: [Claim], _ caller: Caller) -> ScriptReply {
        guard self.isAlive(caller.inc) else { return .lost }
        let known = self.meta?.sessions[caller.inc]
        guard known?.session == caller.session || self.flaws.contains(.noSessions) else { return .stale }
        let isContinuing =
            caller.inc.hasSuffix(String(from, radix: 36)) && caller.inc.count == 10 + String(from, radix: 36).count
        if !isContinuing, known?.epoch != caller.epoch { return .resync }
        if !isContinuing, self.isRecovering { return .recovering }
        return .tokens(claims.map { self.reassert($0, isContinuing, caller.inc) })
    }

    private mutating func reassert(_ claim: Claim, _ isContinuing: Bool, _ inc: String) -> UInt64? {
        let me = Party(inc: inc, conn: claim.id)
        let record = self.claims?[claim.user]
        if let record, record.owner == me { return record.token }
        if let record {
            let takes =
                if self.isRecovering || record.owner.inc == inc {
                    isContinuing && claim.token > record.token
                } else {
                    !self.isAlive(record.owner.inc)
                }
            guard takes else { return nil }
            if !self.isAlive(record.owner.inc) { self.void(record.owner.inc) }
        }
        let token = isContinuing ? claim.token : self.token()
        let sequence = max(self.meta?.sequence ?? 0, token)
        self.meta?.sequence = sequence
        self.claims?[claim.user] = Record(owner: me, token: token)
        self.index[inc, default: []].insert(claim.user)
        return token
    }

    private func mine(_ caller: Caller) -> ScriptReply {
        if self.flaws.contains(.nothingListed) { return .page(cursor: "0", held: []) }
        var held: [HeldUser] = []
        for user in (self.index[caller.inc] ?? []).sorted() {
            guard let record = self.claims?[user] else { continue }
            if record.owner.inc == caller.inc { held.append(HeldUser(user: user, connection: record.owner.conn)) }
            if let next = record.next, next.inc == caller.inc {
                held.append(HeldUser(user: user, connection: next.conn))
            }
        }
        return .page(cursor: "0", held: held)
    }

    private mutating func synced(_ caller: Caller) -> ScriptReply {
        guard self.isAlive(caller.inc) else { return .lost }
        guard self.meta?.sessions[caller.inc]?.session == caller.session else { return .stale }
        self.meta?.sessions[caller.inc] = (caller.epoch, caller.session)
        self.meta?.seen = self.now
        self.meta?.seenAt = self.wall
        self.leases?[caller.inc] = self.now + self.lease
        let left = max(0, (self.meta?.recovery ?? 0) - self.now)
        return .renewed(recoveryLeft: UInt64(left) * 1_000_000, waiters: [], expired: [])
    }

    private mutating func reap(_ inc: String) -> ScriptReply {
        if self.isRecovering { return .recovering }
        if self.isAlive(inc) { return .done }
        self.void(inc)
        for user in (self.index[inc] ?? []).sorted() {
            if self.claims?[user]?.owner.inc == inc || self.flaws.contains(.reapByUser) {
                self.giveUp(user)
            } else if self.claims?[user]?.next?.inc == inc {
                self.claims?[user]?.next = nil
            }
        }
        self.index[inc] = nil
        self.leases?[inc] = nil
        self.meta?.sessions[inc] = nil
        return .done
    }
}
