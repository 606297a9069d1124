// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

import HiredisClient

/// The Lua scripts of the registry. Each is atomic and may be repeated; each answers an array that begins with a code.
///
/// KEYS of all but `configure`: the partition's meta hash, leases (sorted set by end), claims (hash of records),
/// waiters (sorted set, all scores 0) and the users of one incarnation (set). The field or member `''` of each is a
/// sentinel, so that the loss of a single key is noticed.
///
/// ARGV of all but `configure`: run id, epoch, lease and largest clock step in milliseconds, incarnation, session, then
/// the script's own.
///
/// A record is `incarnation, connection, token, since, info, kick [, next incarnation, next connection, next since,
/// next info]`, joined by `\31`; the last four name who waits.
enum RegistryScript {
    /// Written into the registry's configuration: nodes whose scripts differ in meaning must not share a registry.
    static let version = 1

    static let renew = script(renewSource)
    static let claim = script(claimSource)
    static let release = script(releaseSource)
    static let deny = script(denySource)
    static let reassert = script(reassertSource)
    static let mine = script(mineSource)
    static let synced = script(syncedSource)
    static let reap = script(reapSource)
    static let kick = script(kickSource)
    static let update = script(updateSource)
    static let list = script(listSource)
    static let user = script(userSource)
    static let census = script(censusSource)
    static let leave = script(leaveSource)
    static let initialize = script(initializeSource)
    static let configure = RedisScript(configureSource)

    /// Those of a node's main connection, in the order in which they are likely to be needed.
    static let ofNode = [
        configure, renew, claim, release, deny, reassert, mine, synced, reap, update, leave,
    ]

    /// Those that answer questions.
    static let ofQueries = [list, user, census, kick]

    private static func script(_ body: String) -> RedisScript { RedisScript(prologueSource + body) }
}
