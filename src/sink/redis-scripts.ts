/**
 * The Lua scripts of the Redis sink and what they are given. A script runs whole or not at all and nothing runs beside
 * it, so a batch and its number in `_sluice_commit` are one step. What a batch overwrites is kept until the next one, so
 * that a batch whose commit never came can be taken back. Knows no client.
 *
 *     NAME                      the records: a hash, list or stream
 *     _sluice_commit:{NAME}     hash: job -> "<last number> <number before its last batch>"
 *     _sluice_undo:{NAME}:JOB   how to take the last batch back
 *     _sluice_given:{NAME}      hash: page -> keys it gave: positions, or a JSON array        (items in a hash only)
 *     _sluice_givers:{NAME}     hash: key of an item -> page that gave it last; there from the first batch on in which
 *                               an item has a key of its own, or a page comes twice           (items in a hash only)
 *
 * `{NAME}` is a hash tag (Redis Cluster): all of them lie in the slot of NAME.
 */
import { itemKey } from './item-fields.ts'
import type { RedisForm } from './redis-target.ts'
import type { SinkRecord } from './sink.ts'

/** In the order of `KEYS`. */
export function keysOf(name: string, job: string): string[] {
  return [
    name,
    `_sluice_commit:{${name}}`,
    `_sluice_undo:{${name}}:${job}`,
    `_sluice_givers:{${name}}`,
    `_sluice_given:{${name}}`,
  ]
}

/**
 * ARGV: job, number before the batch, its last number, then what the form needs. Replies `stored`; `again` where the
 * same batch is there already (a reply was lost); `lost` where the server no longer has what came before.
 *
 * A full server refuses the first command that needs memory and lets a script that has written go on, so the first
 * write has to be one that needs memory: then it refuses the batch whole.
 */
const BEGIN = `
local at = redis.call('HGET', KEYS[2], ARGV[1])
local seq = at and tonumber(string.match(at, '^%d+')) or 0
if seq == tonumber(ARGV[3]) then return 'again' end
if seq ~= tonumber(ARGV[2]) then return 'lost' end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' ' .. ARGV[2])
redis.call('DEL', KEYS[3])
`
const END = `
return 'stored'
`

/** `each(list, call)`: the list in pieces that fit on Lua's stack. */
const EACH = `
local function each(list, call)
  for i = 1, #list, 2000 do call(unpack(list, i, math.min(i + 1999, #list))) end
end
`

/**
 * Fields of a hash with what they held before the batch, all at once: `keep(index, fields)` gives the old values. A field
 * that was not there costs the undo a word of one list, not a field of its own.
 */
const MANY = `${EACH}
local absent, present = {}, {}
local function keep(index, fields)
  local old = {}
  each(fields, function(...)
    for _, value in ipairs(redis.call('HMGET', KEYS[index], ...)) do old[#old + 1] = value end
  end)
  for i, field in ipairs(fields) do
    if old[i] then
      present[#present + 1] = index .. field
      present[#present + 1] = '=' .. old[i]
    else
      absent[#absent + 1] = index .. field
    end
  end
  return old
end
local function set(index, pairs)
  each(pairs, function(...) redis.call('HSET', KEYS[index], ...) end)
end
local function kept()
  set(3, present)
  if #absent > 0 then redis.call('HSET', KEYS[3], '*', cmsgpack.pack(absent)) end
end
`

/** Behind the three: pairs of key and value, no key twice. */
const HASH_PAGES = `${BEGIN}${MANY}
local fields, pairs = {}, {}
for i = 4, #ARGV, 2 do
  fields[#fields + 1] = ARGV[i]
  pairs[#pairs + 1] = ARGV[i]
  pairs[#pairs + 1] = ARGV[i + 1]
end
keep(1, fields)
kept()
set(1, pairs)
${END}`

/** What a page gave before, from what `_sluice_given` holds: a JSON array of keys, or the positions of keys of its own. */
const GIVEN = `
local function givenBy(page, given)
  if string.sub(given, 1, 1) == '[' then return cjson.decode(given) end
  local keys = {}
  for position in string.gmatch(given, '%d+') do keys[#keys + 1] = page .. ':' .. position end
  return keys
end
`

/**
 * Items without keys of their own, each page once. Behind the three, for each page: its key, the count of its items, then
 * pairs of position and value. Their keys say who gave them. Replies `careful`, with nothing changed, where any key in
 * the hash needs `_sluice_givers`.
 */
const HASH_PLAIN_ITEMS = `
if redis.call('EXISTS', KEYS[4]) == 1 then return 'careful' end
${BEGIN}${MANY}${GIVEN}
local fields, pairs, pages, given, isNow = {}, {}, {}, {}, {}
local i = 4
while i <= #ARGV do
  local page, last, positions = ARGV[i], i + 1 + 2 * tonumber(ARGV[i + 1]), {}
  for j = i + 2, last, 2 do
    local key = page .. ':' .. ARGV[j]
    fields[#fields + 1] = key
    pairs[#pairs + 1] = key
    pairs[#pairs + 1] = ARGV[j + 1]
    positions[#positions + 1] = ARGV[j]
    isNow[key] = true
  end
  pages[#pages + 1] = page
  given[#given + 1] = table.concat(positions, ',')
  i = last + 1
end
keep(1, fields)
local before, stale = keep(5, pages), {}
local gives, none = {}, {}
for n, page in ipairs(pages) do
  for _, key in ipairs(before[n] and givenBy(page, before[n]) or {}) do
    if not isNow[key] then stale[#stale + 1] = key end
  end
  if given[n] ~= '' then
    gives[#gives + 1] = page
    gives[#gives + 1] = given[n]
  elseif before[n] then
    none[#none + 1] = page
  end
end
keep(1, stale)
kept()
set(1, pairs)
set(5, gives)
each(stale, function(...) redis.call('HDEL', KEYS[1], ...) end)
each(none, function(...) redis.call('HDEL', KEYS[5], ...) end)
${END}`

/** Fields of hashes one by one, with what they held before the batch. */
const HASH = `
local function keep(index, field)
  local old = redis.call('HGET', KEYS[index], field)
  redis.call('HSETNX', KEYS[3], index .. field, old and '=' .. old or '-')
end
local function set(index, field, value)
  keep(index, field)
  redis.call('HSET', KEYS[index], field, value)
end
local function drop(index, field)
  keep(index, field)
  redis.call('HDEL', KEYS[index], field)
end
`

/** Any items. Behind the three, for each page: its key, the count of its items, then pairs of key and value. */
const HASH_ITEMS = `${BEGIN}${HASH}${GIVEN}
local function isFrom(key, page)
  local giver = redis.call('HGET', KEYS[4], key)
  return giver == page or (not giver and string.sub(key, 1, #page + 1) == page .. ':')
end
local i = 4
while i <= #ARGV do
  local page, last, keys, now = ARGV[i], i + 1 + 2 * tonumber(ARGV[i + 1]), {}, {}
  for j = i + 2, last, 2 do
    local key = ARGV[j]
    set(1, key, ARGV[j + 1])
    set(4, key, page)
    keys[#keys + 1] = key
    now[key] = true
  end
  local given = redis.call('HGET', KEYS[5], page)
  for _, key in ipairs(given and givenBy(page, given) or {}) do
    if not now[key] and isFrom(key, page) then
      drop(1, key)
      drop(4, key)
    end
  end
  if #keys > 0 then set(5, page, cjson.encode(keys)) elseif given then drop(5, page) end
  i = last + 1
end
${END}`

/** Behind the three: values. */
const LIST = `${BEGIN}
for i = 4, #ARGV, 2000 do
  local last = math.min(i + 1999, #ARGV)
  redis.call('RPUSH', KEYS[1], unpack(ARGV, i, last))
  redis.call('RPUSH', KEYS[3], cmsgpack.pack({unpack(ARGV, i, last)}))
end
${END}`

/** Behind the three, for each entry: key, run, seq, JSON. */
const STREAM = `${BEGIN}
local ids = {}
for i = 4, #ARGV, 4 do
  ids[#ids + 1] = redis.call('XADD', KEYS[1], '*', 'key', ARGV[i], 'run', ARGV[i + 1], 'seq', ARGV[i + 2], 'json', ARGV[i + 3])
end
redis.call('RPUSH', KEYS[3], cmsgpack.pack(ids))
${END}`

/**
 * At open. ARGV: job, number committed with the job, number that the job's position says was stored. Takes back the last
 * batch where its commit never came. Replies `lost` where the server has less than was stored, else `ready`.
 */
function openScript(undo: string): string {
  return `
local at = redis.call('HGET', KEYS[2], ARGV[1])
local seq = at and tonumber(string.match(at, '^%d+')) or 0
local before = at and tonumber(string.match(at, '%d+$')) or 0
local committed = tonumber(ARGV[2])
if seq < tonumber(ARGV[3]) then return 'lost' end
if seq > committed and before <= committed then ${undo} end
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ' ' .. ARGV[2])
return 'ready'
`
}

const UNDO_HASH = `
  local kept = redis.call('HGETALL', KEYS[3])
  for i = 1, #kept, 2 do
    if kept[i] == '*' then
      for _, name in ipairs(cmsgpack.unpack(kept[i + 1])) do
        redis.call('HDEL', KEYS[tonumber(string.sub(name, 1, 1))], string.sub(name, 2))
      end
    else
      local key, field, old = KEYS[tonumber(string.sub(kept[i], 1, 1))], string.sub(kept[i], 2), kept[i + 1]
      if old == '-' then redis.call('HDEL', key, field) else redis.call('HSET', key, field, string.sub(old, 2)) end
    end
  end
`
/** From the tail: that is where they are, unless a reader took them. */
const UNDO_LIST = `
  for _, values in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do
    for _, value in ipairs(cmsgpack.unpack(values)) do redis.call('LREM', KEYS[1], -1, value) end
  end
`
const UNDO_STREAM = `
  for _, ids in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do
    for _, id in ipairs(cmsgpack.unpack(ids)) do redis.call('XDEL', KEYS[1], id) end
  end
`

export interface RedisScripts {
  readonly open: string
  /** Undefined: there is nothing to store. @param isCareful after the reply `careful` */
  writeOf(batch: readonly SinkRecord[], isCareful: boolean): Write | undefined
}

export interface Write {
  readonly script: string
  /** What it is given behind its first three arguments. */
  readonly records: readonly (string | number)[]
}

export function scriptsOf(form: RedisForm, hasItems: boolean): RedisScripts {
  if (form === 'list') return appending(openScript(UNDO_LIST), LIST, hasItems ? itemLines : pageLines)
  if (form === 'stream') return appending(openScript(UNDO_STREAM), STREAM, hasItems ? itemEntries : pageEntries)
  const open = openScript(UNDO_HASH)
  if (!hasItems) return appending(open, HASH_PAGES, latestPages)
  return {
    open,
    writeOf(batch, isCareful) {
      const pages = batch.filter(({ items }) => items !== undefined)
      const isPlain = !isCareful && areDistinct(pages) && pages.every(hasNoKeys)
      const records = isPlain ? itemsByPosition(pages) : itemsByKey(pages)
      return records.length === 0 ? undefined : { script: isPlain ? HASH_PLAIN_ITEMS : HASH_ITEMS, records }
    },
  }
}

function appending(
  open: string,
  script: string,
  recordsOf: (batch: readonly SinkRecord[]) => (string | number)[],
): RedisScripts {
  return {
    open,
    writeOf(batch) {
      const records = recordsOf(batch)
      return records.length === 0 ? undefined : { script, records }
    },
  }
}

function areDistinct(pages: readonly SinkRecord[]): boolean {
  return new Set(pages.map(({ dedupeKey }) => dedupeKey)).size === pages.length
}

function hasNoKeys({ items = [] }: SinkRecord): boolean {
  return items.every(({ key }) => key === undefined)
}

function latestPages(batch: readonly SinkRecord[]): string[] {
  return [...new Map(batch.map(({ dedupeKey, json }) => [dedupeKey, json]))].flat()
}

/** JSON text escapes lone surrogates by itself; a key that has one gets the escapes of JSON too. */
function wellFormed(key: string): string {
  return key.isWellFormed() ? key : JSON.stringify(key)
}

function pageLines(batch: readonly SinkRecord[]): string[] {
  return batch.map(({ json }) => json)
}

function itemLines(batch: readonly SinkRecord[]): string[] {
  return batch.flatMap(({ items = [] }) => items.map(({ json }) => json))
}

function pageEntries(batch: readonly SinkRecord[]): (string | number)[] {
  return batch.flatMap(({ dedupeKey, record, json }) => [dedupeKey, record.run, record.seq, json])
}

function itemEntries(batch: readonly SinkRecord[]): (string | number)[] {
  return batch.flatMap((page) =>
    (page.items ?? []).flatMap((item) => [
      wellFormed(itemKey(page, item)),
      page.record.run,
      page.record.seq,
      item.json,
    ]),
  )
}

/** Pages with an answer; those without one (`items` undefined) keep what they gave. */
function itemsByKey(pages: readonly SinkRecord[]): (string | number)[] {
  return pages.flatMap((page) => [
    page.dedupeKey,
    page.items?.length ?? 0,
    ...(page.items ?? []).flatMap((item) => [wellFormed(itemKey(page, item)), item.json]),
  ])
}

/** The same where `itemKey` is page and position. */
function itemsByPosition(pages: readonly SinkRecord[]): (string | number)[] {
  const records: (string | number)[] = []
  for (const { dedupeKey, items = [] } of pages) {
    records.push(dedupeKey, items.length)
    for (const { position, json } of items) records.push(position, json)
  }
  return records
}
