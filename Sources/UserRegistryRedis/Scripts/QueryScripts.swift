// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension RegistryScript {
    /// A page of who is online. Arguments: cursor, how many to look at.
    /// `OK cursor recovering users nodes`: of each user the id, incarnation, since and info; of each incarnation its
    /// node's id.
    static let listSource = #"""
        local page = call('HSCAN', C, ARGV[7], 'COUNT', tonumber(ARGV[8]))
        local users, nodes, known = {}, {}, {}
        for i = 1, #page[2], 2 do
          local user = page[2][i]
          if user ~= '' then
            local r = split(page[2][i + 1])
            if known[r[1]] == nil then
              known[r[1]] = alive(r[1])
              nodes[#nodes + 1] = r[1]
              nodes[#nodes + 1] = nodeOf(r[1])
            end
            if known[r[1]] then
              users[#users + 1] = user
              users[#users + 1] = r[1]
              users[#users + 1] = r[4]
              users[#users + 1] = r[5]
            end
          end
        end
        return {'OK', page[1], (not sound() or recovering()) and '1' or '0', users, nodes}
        """#

    /// One user. Argument: user. `OK node since info` · `NONE`.
    static let userSource = #"""
        local cur = call('HGET', C, ARGV[7])
        if not cur then return {'NONE'} end
        local r = split(cur)
        if not alive(r[1]) then return {'NONE'} end
        return {'OK', nodeOf(r[1]), r[4], r[5]}
        """#

    /// The partition's figures. Arguments: `1` for what the nodes tell of themselves; `1` to let observed time pass as
    /// a renewal does, for leases age only while somebody watches.
    /// `OK users recovering expired alive`: all users, also those of expired leases; the incarnations of these; of each
    /// live incarnation its id, the milliseconds left and what its node tells.
    static let censusSource = #"""
        if ARGV[8] == '1' and m[4] then call('HSET', M, 'v', num(V), 'lw', num(wall)) end
        local users = call('HLEN', C)
        if call('HEXISTS', C, '') == 1 then users = users - 1 end
        local living = {}
        if ARGV[7] == '1' then
          local leases = call('ZRANGEBYSCORE', LZ, '(' .. num(V), '+inf', 'WITHSCORES')
          for i = 1, #leases, 2 do
            if leases[i] ~= '' then
              living[#living + 1] = leases[i]
              living[#living + 1] = num(tonumber(leases[i + 1]) - V)
              living[#living + 1] = call('HGET', M, 'n:' .. leases[i]) or ''
            end
          end
        end
        local expired = call('ZRANGEBYSCORE', LZ, '-inf', num(V))
        return {'OK', num(users), (not sound() or recovering()) and '1' or '0', expired, living}
        """#

    /// An administrator disconnects a user. Arguments: user, reason. `OK`, the number of connections marked · `NONE`.
    /// The mark stays until the owner's node has seen it.
    static let kickSource = #"""
        local user = ARGV[7]
        local cur = call('HGET', C, user)
        if not cur then return {'NONE'} end
        local r = split(cur)
        if not alive(r[1]) then return {'NONE'} end
        r[6] = 'k=' .. ARGV[8]
        put(user, r)
        call('ZADD', W, 0, r[1] .. US .. user)
        tell(r[1], 'k', r[2], r[6], user)
        return {'OK', '1'}
        """#
}
