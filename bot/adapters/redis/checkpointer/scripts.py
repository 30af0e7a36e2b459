"""The Lua that runs inside Redis: one call for each operation, so that each happens wholly or not at all.

All of it uses core commands and nothing that a module brings. Every script takes the two keys of one thread and starts
with the thread's fence; every one may be sent twice, as clients do that lost an answer, and does the same as once.
Replies begin with a word: `ok`, `fenced` (and the epoch in force) or, for a put, `missing` (and what it lacks).
"""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from redis.exceptions import NoScriptError

from bot.adapters.redis.checkpointer.layout import ThreadKeys

_SHARED = """
local data, index, SEP = KEYS[1], KEYS[2], string.char(0)
local BATCH = 4000  -- what unpack may put on Lua's stack at once, with room to spare

-- Refuse when a later holder has been here; else note this one. Reading without an epoch takes nothing from a holder.
local function fence(epoch, ttl, reading)
  local stored = redis.call('HGET', data, 'e')
  if epoch == '' then
    if stored and not reading then return {'fenced', tonumber(stored)} end
    return nil
  end
  if stored and tonumber(stored) > tonumber(epoch) then return {'fenced', tonumber(stored)} end
  if stored ~= epoch then
    redis.call('HSET', data, 'e', epoch)
    if redis.call('PTTL', data) < 0 then redis.call('PEXPIRE', data, ttl) end
  end
  return nil
end

-- Call a command with any number of arguments from one on, and join the replies if they are lists.
local function in_batches(command, key, list, from)
  local replies = {}
  for first = from or 1, #list, BATCH do
    local reply = redis.call(command, key, unpack(list, first, math.min(first + BATCH - 1, #list)))
    for i = 1, type(reply) == 'table' and #reply or 0 do replies[#replies + 1] = reply[i] end
  end
  return replies
end

-- Byte by byte: Lua's own `<` sorts as the server's locale does, and the index does not.
local function earlier(one, other)
  for i = 1, math.min(#one, #other) do
    if one:byte(i) ~= other:byte(i) then return one:byte(i) < other:byte(i) end
  end
  return #one < #other
end

local function newest(ns)
  return redis.call('ZREVRANGEBYLEX', index, '(c' .. ns .. '\\1', '[c' .. ns .. SEP, 'LIMIT', 0, 1)[1]
end

-- The parts of a header that scripts read (codec.py writes them): parent, names of values, unseeded; nil when torn.
local function parsed(raw)
  local at, header = 9, {references = {}, unseeded = {}}
  local references, unseeded = struct.unpack('>I4I4', raw)
  header.parent, at = struct.unpack('>I4c0', raw, at)
  for i = 1, references do header.references[i], at = struct.unpack('>I4c0', raw, at) end
  for i = 1, unseeded do header.unseeded[i], at = struct.unpack('>I4c0', raw, at) end
  return header
end

local function header_of(place)
  local raw = redis.call('HGET', data, 'h' .. place)
  local whole, header = pcall(parsed, raw)
  return whole and header or nil, raw
end

local function namespace_of(place) return place:sub(1, place:find(SEP, 1, true) - 1) end

-- The names of a stored list's elements: how many, 16 bytes for each, and what authenticates them.
local function chunks_of(list)
  local names = {}
  if #list < 4 then return names end
  local count = math.min(struct.unpack('>I4', list), math.floor((#list - 4) / 16))
  for i = 1, count do names[i] = '#' .. list:sub(16 * i - 11, 16 * i + 4) end
  return names
end

local function interrupted() return #redis.call('ZRANGEBYLEX', index, '[p', '(q', 'LIMIT', 0, 1) > 0 end

local function expire(life)
  redis.call('PEXPIRE', data, life)
  redis.call('PEXPIRE', index, life)
end

-- Forget all between two bounds of places: checkpoints, their writes, and that interrupts were open on them.
local function forget(from, to)
  local gone, fields = redis.call('ZRANGEBYLEX', index, '[c' .. from, '(c' .. to), {}
  for _, entry in ipairs(gone) do
    fields[#fields + 1] = 'h' .. entry:sub(2)
    fields[#fields + 1] = 'k' .. entry:sub(2)
  end
  for _, name in ipairs(redis.call('ZRANGEBYLEX', index, '[w' .. from, '(w' .. to)) do fields[#fields + 1] = name end
  in_batches('HDEL', data, fields)
  for _, kind in ipairs({'c', 'w', 'p'}) do
    redis.call('ZREMRANGEBYLEX', index, '[' .. kind .. from, '(' .. kind .. to)
  end
  return #gone
end

-- Forget values that no checkpoint has any more. Done now and then: it looks at all of the thread.
local function sweep()
  local used = {}
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', index, '[c', '(d')) do
    local header = header_of(entry:sub(2))
    if not header then return end  -- torn: what it needed is unknown, so nothing goes
    for _, name in ipairs(header.references) do
      if not used[name] then
        used[name] = true
        if name:sub(1, 1) == 'l' then
          for _, chunk in ipairs(chunks_of(redis.call('HGET', data, name) or '')) do used[chunk] = true end
        end
      end
    end
  end
  local stale = {}
  for _, name in ipairs(redis.call('HKEYS', data)) do
    if name:find('^[bl#]') and not used[name] then stale[#stale + 1] = name end
  end
  in_batches('HDEL', data, stale)
  redis.call('HDEL', data, 'g')
end

-- Keep the newest checkpoints of a namespace, and older ones that their delta channels rest on. An open interrupt is
-- on the newest one, so it stays.
local function retain(ns, keep)
  local kept = redis.call('ZREVRANGEBYLEX', index, '(c' .. ns .. '\\1', '[c' .. ns .. SEP, 'LIMIT', 0, keep)
  if #kept < keep then return 0 end
  local floor = kept[#kept]:sub(#ns + 3)
  for _, entry in ipairs(kept) do
    local seeds = redis.call('HGET', data, 'k' .. entry:sub(2))
    if seeds then
      for _, seed in pairs(cmsgpack.unpack(seeds)) do
        if earlier(seed, floor) then floor = seed end
      end
    end
  end
  return forget(ns .. SEP, ns .. SEP .. floor)
end
"""

_PUT = """
-- epoch; packed, since every argument costs: ttl, ttl while interrupted, how many to keep or 0, how many there are of
-- the first three of the following, namespace, id, parent's id; then channels whose seed is further up, names that
-- should be here, lists that should be here with how they should begin, names with contents
local ttl, ttl_interrupted, keep, unseeded, believed, grown, ns, id, parent =
  struct.unpack('>I8I8I4I4I4I4I4c0I4c0I4c0', ARGV[2])
local refused = fence(ARGV[1], ttl)
if refused then return refused end
local place, missing = ns .. SEP .. id, {}
local first_believed = 3 + unseeded
local first_grown = first_believed + believed
local first_due = first_grown + 2 * grown
local function expect(name)
  if redis.call('HEXISTS', data, name) == 0 then missing[#missing + 1] = name end
end

-- The sender leaves out what it has sent before. Whether that is still here only this script can know: a list is here
-- with all its elements or not at all, so where one begins like another, that much of it need not be looked for.
for i = first_believed, first_grown - 1 do expect(ARGV[i]) end
for i = first_grown, first_due - 1, 2 do
  local list, beginning = redis.call('HGET', data, ARGV[i]), ARGV[i + 1]
  if not list or list:sub(5, 4 + #beginning) ~= beginning then
    for from = 1, #beginning, 16 do expect('#' .. beginning:sub(from, from + 15)) end
  end
end
if #missing > 0 then return {'missing', missing} end

in_batches('HSET', data, ARGV, first_due)
if unseeded > 0 then
  local above, seeds = parent ~= '' and redis.call('HGET', data, 'k' .. ns .. SEP .. parent), {}
  above = above and cmsgpack.unpack(above) or {}
  for i = 3, first_believed - 1 do
    seeds[ARGV[i]] = above[ARGV[i]] or (parent ~= '' and parent or id)
  end
  redis.call('HSET', data, 'k' .. place, cmsgpack.pack(seeds))
end
redis.call('ZADD', index, 0, 'c' .. place)

-- A newer checkpoint ends the interrupts before it, here and in the graphs within. One that comes late ends none.
local open = interrupted()
if open and newest(ns) == 'c' .. place then
  redis.call('ZREMRANGEBYLEX', index, '[p' .. ns .. SEP, '(p' .. place)
  if ns == '' then redis.call('ZREMRANGEBYLEX', index, '[p\\1', '(q')
  else redis.call('ZREMRANGEBYLEX', index, '[p' .. ns .. '|', '(p' .. ns .. '}') end
  open = interrupted()
end
if keep > 0 then
  local gone = retain(ns, keep)
  if gone > 0 then
    local garbage = redis.call('HINCRBY', data, 'g', gone)
    if garbage >= math.max(16, redis.call('ZLEXCOUNT', index, '[c', '(d') / 4) then sweep() end
  end
end
expire(open and ttl_interrupted or ttl)
return {'ok'}
"""

_PUT_WRITES = """
-- epoch, ttl, ttl while interrupted, namespace, id, '1' if an interrupt is among them, then names and contents
local refused = fence(ARGV[1], ARGV[2])
if refused then return refused end
local ns, place = ARGV[4], ARGV[4] .. SEP .. ARGV[5]
for i = 7, #ARGV, 2 do
  -- A task's results stay as they were first written; errors, interrupts and resumes are replaced.
  local command = tonumber(ARGV[i]:sub(-8)) < 10 and 'HSET' or 'HSETNX'
  redis.call(command, data, ARGV[i], ARGV[i + 1])
  redis.call('ZADD', index, 0, ARGV[i])
end
if ARGV[6] == '1' then
  local latest = newest(ns)
  if not latest or not earlier('c' .. place, latest) then redis.call('ZADD', index, 0, 'p' .. place) end
end
expire(interrupted() and ARGV[3] or ARGV[2])
return {'ok'}
"""

_READ = """
-- epoch, ttl, lower bound, upper bound, how many at most: the newest checkpoints between, whole
local refused = fence(ARGV[1], ARGV[2], true)
if refused then return refused end
local found, wanted, listed = {}, {}, {}
for _, entry in ipairs(redis.call('ZREVRANGEBYLEX', index, ARGV[4], ARGV[3], 'LIMIT', 0, ARGV[5])) do
  local place = entry:sub(2)
  local header, raw = header_of(place)
  local names = header and header.references or {}
  local values = in_batches('HMGET', data, names)
  for i, name in ipairs(names) do
    if values[i] and name:sub(1, 1) == 'l' then
      for _, chunk in ipairs(chunks_of(values[i])) do
        if not listed[chunk] then
          listed[chunk] = true
          wanted[#wanted + 1] = chunk
        end
      end
    end
  end
  local writes = redis.call('ZRANGEBYLEX', index, '[w' .. place .. SEP, '(w' .. place .. '\\1')
  found[#found + 1] = {entry, raw, values, writes, in_batches('HMGET', data, writes)}
end
return {'ok', found, wanted, in_batches('HMGET', data, wanted)}
"""

_HISTORY = """
-- epoch, ttl, namespace, id or '', then channels: up the parents, until each channel's value is found
local refused = fence(ARGV[1], ARGV[2], true)
if refused then return refused end
local ns, id = ARGV[3], ARGV[4]
if id == '' then
  local latest = newest(ns)
  if not latest then return {'ok', {}, {}, {}} end
  id = latest:sub(#ns + 3)
end
local remaining, left, steps, wanted = {}, 0, {}, {}
for i = 5, #ARGV do
  if not remaining[ARGV[i]] then left = left + 1 end
  remaining[ARGV[i]] = true
end
local header, raw = header_of(ns .. SEP .. id)
if raw and not header then return {'broken', ns .. SEP .. id} end
while header and header.parent ~= '' and left > 0 do
  local place, below = ns .. SEP .. header.parent, header
  header, raw = header_of(place)
  if not header then
    -- Torn, or removed while it was needed. Silence here would be a channel that starts empty.
    if raw then return {'broken', place} end
    for _, channel in ipairs(below.unseeded) do
      if remaining[channel] then return {'broken', place} end
    end
    break
  end
  local writes = redis.call('ZRANGEBYLEX', index, '[w' .. place .. SEP, '(w' .. place .. '\\1')
  local seeds, contents = {}, {}
  for _, name in ipairs(header.references) do
    local channel = name:sub(#ns + 3, name:find(SEP, #ns + 3, true) - 1)
    if remaining[channel] then
      local content = redis.call('HGET', data, name)
      remaining[channel], left = nil, left - 1
      seeds[#seeds + 1], contents[#contents + 1] = name, content
      if content and name:sub(1, 1) == 'l' then
        for _, chunk in ipairs(chunks_of(content)) do wanted[#wanted + 1] = chunk end
      end
    end
  end
  steps[#steps + 1] = {place, raw, seeds, contents, writes, in_batches('HMGET', data, writes)}
end
return {'ok', steps, wanted, in_batches('HMGET', data, wanted)}
"""

_DELETE = """
-- ttl. The fence stays for a while: who was paused before the thread went must not bring a part of it back.
local epoch = redis.call('HGET', data, 'e')
redis.call('UNLINK', data, index)
if epoch then
  redis.call('HSET', data, 'e', epoch)
  redis.call('PEXPIRE', data, ARGV[1])
end
return {'ok'}
"""

_KEEP_LATEST = """
local seen, gone = {}, 0
for _, entry in ipairs(redis.call('ZRANGEBYLEX', index, '[c', '(d')) do
  local ns = namespace_of(entry:sub(2))
  if not seen[ns] then
    seen[ns] = true
    gone = gone + retain(ns, 1)
  end
end
if gone > 0 then sweep() end
return {'ok', gone}
"""

_HEADERS = """
local places = {}
for i, entry in ipairs(redis.call('ZRANGEBYLEX', index, '[c', '(d')) do places[i] = 'h' .. entry:sub(2) end
return {'ok', places, in_batches('HMGET', data, places)}
"""

_FORGET = """
-- places of the checkpoints to forget
for _, place in ipairs(ARGV) do
  forget(place, place .. '\\1')
end
sweep()
return {'ok'}
"""

_DUMP = """
return {'ok', redis.call('HGETALL', data), redis.call('ZRANGE', index, 0, -1)}
"""

_RESTORE = """
-- ttl, ttl while interrupted, how many index entries, these, then names and contents
local count, scored = tonumber(ARGV[3]), {}
for i = 4, 3 + count do
  scored[#scored + 1] = 0
  scored[#scored + 1] = ARGV[i]
end
in_batches('ZADD', index, scored)
in_batches('HSET', data, ARGV, 4 + count)
expire(interrupted() and ARGV[2] or ARGV[1])
return {'ok'}
"""


class Script:
    """A script by its digest, sent whole only to a server that does not know it yet."""

    def __init__(self, body: str) -> None:
        self._source = _SHARED + body
        # Redis names scripts by SHA-1; nothing rests on its strength.
        self._digest = sha1(self._source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, client: Any, keys: ThreadKeys, *arguments: bytes | int) -> Sequence[Any]:
        """Run it over the thread's keys and return its reply."""
        to = (2, keys.data, keys.index, *arguments)
        try:
            return await client.execute_command("EVALSHA", self._digest, *to)
        except NoScriptError:
            return await client.execute_command("EVAL", self._source, *to)


PUT, PUT_WRITES, READ, HISTORY = Script(_PUT), Script(_PUT_WRITES), Script(_READ), Script(_HISTORY)
DELETE, KEEP_LATEST, HEADERS, FORGET = Script(_DELETE), Script(_KEEP_LATEST), Script(_HEADERS), Script(_FORGET)
DUMP, RESTORE = Script(_DUMP), Script(_RESTORE)
