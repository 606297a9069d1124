// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension RegistryScript {
    /// Renews the incarnation's lease, or registers it. Arguments: `1` when this incarnation holds no claim yet; an
    /// incarnation that is certainly dead, or nothing; `1` when somebody here listens to presence events; what the node
    /// tells of itself, or nothing when that is unchanged.
    ///
    /// `OK left waiters expired` · `RESYNC left` · `LOST` · `STALE` · `EPOCH`. An expired lease is never revived, and
    /// one that is not synced in this epoch is not extended. Each waiter is `user, owner connection, next incarnation,
    /// next connection, kick`.
    static let renewSource = #"""
        local e = check()
        if e then return e end
        local sep, ss = syncState()
        if ss and tonumber(SESS) < tonumber(ss) then return {'STALE'} end
        local s = call('ZSCORE', LZ, INC)
        if s and m[6] and call('SISMEMBER', N, '') == 0 then return newEpoch() end
        call('HSET', M, 'v', num(V), 'lw', num(wall))
        if ARGV[9] == '1' then
          if (tonumber(m[7]) or 0) <= V then call('HINCRBY', M, 'ev', 1) end
          call('HSET', M, 'sub', num(V + 2 * L))
        end
        if not s then
          if ARGV[7] == '1' then
            sep = EP
            call('SADD', N, '')
            if ARGV[8] ~= '' and call('ZSCORE', LZ, ARGV[8]) then void(ARGV[8]) end
          elseif recovering() then
            call('SADD', N, '')
            call('ZADD', LZ, m[3], INC)
            sep = '0'
          else
            return {'LOST'}
          end
        elseif tonumber(s) <= V then
          return {'LOST'}
        end
        sep = sep or '0'
        call('HSET', M, 's:' .. INC, sep .. '/' .. SESS)
        if ARGV[10] ~= '' then call('HSET', M, 'n:' .. INC, ARGV[10]) end
        if sep ~= EP then return {'RESYNC', left()} end
        call('ZADD', LZ, num(V + L), INC)
        local waiters = {}
        if call('ZCARD', W) > 1 then
          local marks = call('ZRANGEBYLEX', W, '[' .. INC .. US, '(' .. INC .. '\32', 'LIMIT', 0, 256)
          for _, mark in ipairs(marks) do
            local user = string.sub(mark, #INC + 2)
            local cur = call('HGET', C, user)
            local r = cur and split(cur)
            if r and r[1] == INC and (r[7] or r[6] ~= '') then
              waiters[#waiters + 1] = user
              waiters[#waiters + 1] = r[2]
              waiters[#waiters + 1] = r[7] or ''
              waiters[#waiters + 1] = r[8] or ''
              waiters[#waiters + 1] = r[6]
            else
              call('ZREM', W, mark)
            end
          end
        end
        return {'OK', left(), waiters, call('ZRANGEBYSCORE', LZ, '-inf', num(V), 'LIMIT', 0, 8)}
        """#

    /// All that survived is re-asserted, all else released: the lease runs again. `OK left` · `LOST` · `STALE` ·
    /// `EPOCH`.
    static let syncedSource = #"""
        local e = check()
        if e then return e end
        if not alive(INC) then return {'LOST'} end
        local _, ss = syncState()
        if ss ~= SESS then return {'STALE'} end
        call('HSET', M, 's:' .. INC, EP .. '/' .. SESS, 'v', num(V), 'lw', num(wall))
        call('SADD', N, '')
        call('ZADD', LZ, num(V + L), INC)
        return {'OK', left()}
        """#

    /// After the last socket was closed: ends the own lease. `OK`.
    static let leaveSource = #"""
        void(INC)
        return {'OK'}
        """#

    /// Clears away up to a chunk of the users of a dead incarnation, which KEYS and ARGV name. Argument: the chunk.
    ///
    /// `MORE` · `DONE` · `ALIVE` · `RECOVERING` · `EPOCH`. The index holds hints only, so each record is looked at
    /// again. Where the index itself was lost, all claims are walked through.
    static let reapSource = #"""
        local e = check()
        if e then return e end
        if recovering() then return {'RECOVERING'} end
        if alive(INC) then return {'ALIVE'} end
        if not call('ZSCORE', LZ, INC) then return {'DONE'} end
        void(INC)
        local function clear(user, cur)
          local r = split(cur)
          if r[1] == INC then
            give(user, r)
          elseif r[7] == INC then
            clearNext(r)
            put(user, r)
            if r[6] == '' then call('ZREM', W, r[1] .. US .. user) end
          end
        end
        local chunk = tonumber(ARGV[7])
        local walk = call('HGET', M, 'z:' .. INC)
        if walk or call('SISMEMBER', N, '') == 0 then
          local page = call('HSCAN', C, walk or '0', 'COUNT', chunk)
          for i = 1, #page[2], 2 do
            if page[2][i] ~= '' then clear(page[2][i], page[2][i + 1]) end
          end
          if page[1] ~= '0' then
            call('HSET', M, 'z:' .. INC, page[1])
            return {'MORE'}
          end
        else
          for _, user in ipairs(call('SPOP', N, chunk)) do
            local cur = user ~= '' and call('HGET', C, user)
            if cur then clear(user, cur) end
          end
          call('SADD', N, '')
          if call('SCARD', N) > 1 then return {'MORE'} end
        end
        call('ZREMRANGEBYLEX', W, '[' .. INC .. US, '(' .. INC .. '\32')
        call('ZREM', LZ, INC)
        call('HDEL', M, 's:' .. INC, 'n:' .. INC, 'z:' .. INC)
        call('DEL', N)
        return {'DONE'}
        """#
}
