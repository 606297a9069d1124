// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension RegistryScript {
    /// In front of every script: arguments, observed time, the epoch check, and the small functions that several share.
    ///
    /// Observed time never leaps by more than the largest step. It may fall back by as much between two renewals, so
    /// whatever acts on an expired lease voids it first: no step of the clock may revive it.
    ///
    /// Epochs and tokens pass 2^53 in Redis's 64-bit counters without loss: they are handled as decimal strings.
    static let prologueSource = #"""
        local M, LZ, C, W, N = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
        local RUN, EP, L, G, INC, SESS = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], ARGV[6]
        local US = '\31'
        local T = string.sub(M, 1, -3)
        local call = redis.call
        local function num(x) return string.format('%.0f', x) end
        local function higher(a, b)
          if #a ~= #b then return #a > #b end
          return a > b
        end
        local tt = call('TIME')
        local wall = tt[1] * 1000 + math.floor(tt[2] / 1000)
        local m = call('HMGET', M, 'run', 'ep', 'rec', 'v', 'lw', 's:' .. INC, 'sub')
        local V = wall
        if m[4] then
          local d = wall - tonumber(m[5])
          if d < 0 then d = 0 elseif d > G then d = G end
          V = tonumber(m[4]) + d
        end
        local function sound()
          return m[2] and m[1] == RUN and call('HGET', C, '') == m[2]
        end
        local function newEpoch()
          local ep = tt[1] .. string.format('%06d', tt[2])
          if m[2] and #m[2] < 19 and string.match(m[2], '^%d+$') then
            call('HINCRBY', M, 'ep', 1)
            local following = call('HGET', M, 'ep')
            if higher(following, ep) then ep = following end
          end
          local seq = call('HGET', M, 'seq') or '0'
          if higher(ep, seq) then seq = ep end
          local rec = num(V + L)
          if call('HEXISTS', M, 'ev') == 1 then call('HINCRBY', M, 'ev', 1) else call('HSET', M, 'ev', ep) end
          call('HSET', M, 'run', RUN, 'ep', ep, 'rec', rec, 'v', num(V), 'lw', num(wall), 'seq', seq)
          call('HSET', C, '', ep)
          for _, f in ipairs(call('HKEYS', M)) do
            if string.sub(f, 1, 2) == 's:' then call('ZADD', LZ, 'NX', rec, string.sub(f, 3)) end
          end
          for _, i in ipairs(call('ZRANGEBYSCORE', LZ, '(0', '+inf')) do call('ZADD', LZ, rec, i) end
          call('ZADD', LZ, '+inf', '')
          call('ZADD', W, 0, '')
          if m[6] then call('SADD', N, '') end
          return {'EPOCH', ep, num(L)}
        end
        local function left()
          local ms = tonumber(m[3]) - V
          if ms < 0 then ms = 0 end
          return num(ms)
        end
        local function check()
          if not sound() or not call('ZSCORE', LZ, '') or not call('ZSCORE', W, '') then return newEpoch() end
          if EP ~= m[2] then return {'EPOCH', m[2], left()} end
        end
        local function alive(i)
          local s = call('ZSCORE', LZ, i)
          return (s and tonumber(s) > V) and true or false
        end
        local function void(i) call('ZADD', LZ, 'XX', 0, i) end
        local function recovering() return tonumber(m[3]) > V end
        local function syncState() return string.match(m[6] or '', '^(.*)/(%d+)$') end
        local function seq()
          local n = call('HINCRBY', M, 'seq', 1)
          if n < 9007199254740992 then return num(n) end
          return call('HGET', M, 'seq')
        end
        local function split(r)
          local t = {}
          for x in string.gmatch(r .. US, '([^\31]*)\31') do t[#t + 1] = x end
          return t
        end
        local function put(user, r) call('HSET', C, user, table.concat(r, US)) end
        local function clearNext(r) r[7], r[8], r[9], r[10] = nil, nil, nil, nil end
        local function nodeOf(i) return string.match(call('HGET', M, 'n:' .. i) or '', '^[^\31]*') end
        local function tell(i, ...) call('PUBLISH', T .. ':ctl:' .. i, table.concat({...}, US)) end
        local function event(kind, user, inc)
          if (tonumber(m[7]) or 0) > V then
            local n = call('HINCRBY', M, 'ev', 1)
            call('PUBLISH', T .. ':ev', table.concat({kind, num(n), num(wall), nodeOf(inc), user}, US))
          end
        end
        local function give(user, r)
          call('ZREM', W, r[1] .. US .. user)
          if r[7] and sound() and alive(r[7]) then
            put(user, {r[7], r[8], seq(), r[9], r[10], ''})
            tell(r[7], 'g', r[8], user)
            event('M', user, r[7])
            return {'HANDED'}
          end
          call('HDEL', C, user)
          event('L', user, r[1])
          return {'OK'}
        end

        """#
}
