// This source file is part of the Rollcall project.
// SPDX-License-Identifier: MIT

extension RegistryScript {
    /// Compares the constants of the registry with a node's, and notes that the node is about to register. KEYS: the
    /// configuration. Arguments: the constants; the node's instance; milliseconds for which a note counts; constants
    /// that were found and under which nobody is alive any more, or nothing.
    ///
    /// `OK` · `MISMATCH`, the constants found, and how many other instances noted themselves lately.
    static let configureSource = #"""
        local tt = redis.call('TIME')
        local now = tt[1] * 1000 + math.floor(tt[2] / 1000)
        local found = redis.call('HGET', KEYS[1], 'v')
        local notes, recent = redis.call('HGETALL', KEYS[1]), 0
        for i = 1, #notes, 2 do
          if string.sub(notes[i], 1, 2) == 'i:' then
            local age = now - tonumber(notes[i + 1])
            if age < 0 or age > tonumber(ARGV[3]) then
              redis.call('HDEL', KEYS[1], notes[i])
            elseif notes[i] ~= 'i:' .. ARGV[2] then
              recent = recent + 1
            end
          end
        end
        if found and found ~= ARGV[1] and (found ~= ARGV[4] or recent > 0) then
          return {'MISMATCH', found, string.format('%.0f', recent)}
        end
        redis.call('HSET', KEYS[1], 'v', ARGV[1], 'i:' .. ARGV[2], string.format('%.0f', now))
        return {'OK'}
        """#

    /// Begins a registry whose first clients need not wait: an epoch without a recovery window. `OK` · `EXISTS`.
    static let initializeSource = #"""
        if call('EXISTS', M, LZ, C, W) > 0 then return {'EXISTS'} end
        local ep = tt[1] .. string.format('%06d', tt[2])
        call('HSET', M, 'run', RUN, 'ep', ep, 'rec', '0', 'v', num(V), 'lw', num(wall), 'seq', ep, 'ev', ep)
        call('HSET', C, '', ep)
        call('ZADD', LZ, '+inf', '')
        call('ZADD', W, 0, '')
        return {'OK'}
        """#
}
