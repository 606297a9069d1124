// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension RegistryScript {
    /// Asks for a user. Arguments: user, connection, since (ms), info.
    ///
    /// `OK token` · `WAIT` · `RECOVERING` · `NOLEASE` · `RESYNC` · `STALE` · `EPOCH`. The newest waiter stands in the
    /// record, and its owner's node is told each time.
    static let claimSource = #"""
        local e = check()
        if e then return e end
        if not alive(INC) then return {'NOLEASE'} end
        if m[6] ~= EP .. '/' .. SESS then
          local sep = syncState()
          return {sep == EP and 'STALE' or 'RESYNC'}
        end
        local user, conn = ARGV[7], ARGV[8]
        local cur = call('HGET', C, user)
        local moved = false
        if cur then
          local r = split(cur)
          if r[1] == INC and r[2] == conn then
            if recovering() then return {'RECOVERING'} end
            return {'OK', r[3]}
          end
          if alive(r[1]) then
            r[7], r[8], r[9], r[10] = INC, conn, ARGV[9], ARGV[10]
            put(user, r)
            call('ZADD', W, 0, r[1] .. US .. user)
            call('SADD', N, user)
            tell(r[1], 'w', r[2], INC, conn, user)
            return {'WAIT'}
          end
          if recovering() then return {'RECOVERING'} end
          void(r[1])
          call('ZREM', W, r[1] .. US .. user)
          moved = true
        elseif recovering() then
          return {'RECOVERING'}
        end
        local tok = seq()
        put(user, {INC, conn, tok, ARGV[9], ARGV[10], ''})
        call('SADD', N, user)
        event(moved and 'M' or 'J', user, INC)
        return {'OK', tok}
        """#

    /// Gives a user up, or the place of a waiter. Arguments: user, connection. `OK` · `HANDED` · `NONE`.
    ///
    /// Matches incarnation and connection only, so it is right in any epoch and session, however late, and may be
    /// repeated.
    static let releaseSource = #"""
        local user, conn = ARGV[7], ARGV[8]
        local cur = call('HGET', C, user)
        if not cur then
          call('SREM', N, user)
          return {'NONE'}
        end
        local r = split(cur)
        if r[1] == INC and r[2] == conn then
          if r[7] ~= INC then call('SREM', N, user) end
          return give(user, r)
        end
        local found = 'NONE'
        if r[7] == INC and r[8] == conn then
          found = 'OK'
          clearNext(r)
          put(user, r)
          if r[6] == '' then call('ZREM', W, r[1] .. US .. user) end
        end
        if r[1] ~= INC and r[7] ~= INC then call('SREM', N, user) end
        return {found}
        """#

    /// The owner's node refuses a waiter: its connection is open. Arguments: user, owner's connection, waiter's
    /// incarnation and connection. `DENIED` · `NONE`. Only a live owner's word counts; a displaced waiter gets its
    /// answer too.
    static let denySource = #"""
        local user = ARGV[7]
        local cur = call('HGET', C, user)
        if not cur then
          call('ZREM', W, INC .. US .. user)
          return {'NONE'}
        end
        local r = split(cur)
        local _, ss = syncState()
        if r[1] ~= INC or r[2] ~= ARGV[8] or ss ~= SESS or not alive(INC) then return {'NONE'} end
        if r[7] == ARGV[9] and r[8] == ARGV[10] then
          clearNext(r)
          put(user, r)
        end
        if not r[7] and r[6] == '' then call('ZREM', W, INC .. US .. user) end
        tell(ARGV[9], 'd', ARGV[10], r[4], user)
        return {'DENIED'}
        """#

    /// Asserts connections. Arguments: the incarnation under which they were admitted, then user, connection, token,
    /// since and info of each. `OK` and a token or nothing for each · `RECOVERING` · `LOST` · `RESYNC` · `STALE` ·
    /// `EPOCH`.
    ///
    /// Under the own incarnation, whose lease never lapsed: also in a recovery window, with the old tokens, the higher
    /// one wins. Under a new incarnation: only after the window, and only what nobody alive has.
    static let reassertSource = #"""
        local e = check()
        if e then return e end
        if not alive(INC) then return {'LOST'} end
        local continuing = ARGV[7] == INC
        local sep, ss = syncState()
        if ss ~= SESS then return {'STALE'} end
        if not continuing and sep ~= EP then return {'RESYNC'} end
        if not continuing and recovering() then return {'RECOVERING'} end
        local out = {'OK'}
        for i = 8, #ARGV, 5 do
          local user, conn, tok, at, info = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
          local cur = call('HGET', C, user)
          local r = cur and split(cur)
          if r and r[1] == INC and r[2] == conn then
            call('SADD', N, user)
            out[#out + 1] = r[3]
          else
            local take = true
            if r then
              if recovering() or r[1] == INC then
                take = continuing and higher(tok, r[3])
              else
                take = not alive(r[1])
              end
            end
            if take then
              if r then
                call('ZREM', W, r[1] .. US .. user)
                if not alive(r[1]) then void(r[1]) end
              end
              if not continuing then
                tok = seq()
              elseif higher(tok, call('HGET', M, 'seq') or '0') then
                call('HSET', M, 'seq', tok)
              end
              put(user, {INC, conn, tok, at, info, ''})
              call('SADD', N, user)
              event(r and 'M' or 'J', user, INC)
              out[#out + 1] = tok
            else
              out[#out + 1] = ''
            end
          end
        end
        return out
        """#

    /// What presence shows of a connection has changed. Arguments: user, connection, info. `OK` · `NONE`.
    static let updateSource = #"""
        local cur = call('HGET', C, ARGV[7])
        if not cur then return {'NONE'} end
        local r = split(cur)
        if r[1] == INC and r[2] == ARGV[8] then
          r[5] = ARGV[9]
        elseif r[7] == INC and r[8] == ARGV[8] then
          r[10] = ARGV[9]
        else
          return {'NONE'}
        end
        put(ARGV[7], r)
        return {'OK'}
        """#

    /// A page of what the incarnation holds or waits for. Argument: cursor. `OK cursor`, then user and connection of
    /// each. Entries of the index that no record bears out are cleared away.
    static let mineSource = #"""
        local page = call('SSCAN', N, ARGV[7], 'COUNT', 200)
        local out = {'OK', page[1]}
        for _, user in ipairs(page[2]) do
          if user ~= '' then
            local cur = call('HGET', C, user)
            local r = cur and split(cur) or {}
            if r[1] == INC then
              out[#out + 1] = user
              out[#out + 1] = r[2]
            end
            if r[7] == INC then
              out[#out + 1] = user
              out[#out + 1] = r[8]
            end
            if r[1] ~= INC and r[7] ~= INC then call('SREM', N, user) end
          end
        end
        return out
        """#
}
