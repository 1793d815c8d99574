/**
 * The Lua scripts of the Redis sink and what they are given. A script runs whole or not at all and nothing runs beside
 * it, so a batch and its number in `_sluice_commit` are one step. What a batch overwrites is kept until the next one, so
 * that a batch whose commit never came can be taken back. Knows no client.
 *
 *     NAME                      the records: a hash, list or stream
 *     _sluice_commit:{NAME}     hash: job -> "<last number> <number before its last batch>"
 *     _sluice_undo:{NAME}:JOB   how to take the last batch back
 *     _sluice_givers:{NAME}     hash: key of an item -> page that gave it last        (items in a hash only)
 *     _sluice_given:{NAME}      hash: page -> JSON array of the keys it gave          (items in a hash only)
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

/** Fields of hashes, with what they held before the batch. */
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

/** Behind the three: pairs of key and value. */
const HASH_PAGES = `${BEGIN}${HASH}
for i = 4, #ARGV, 2 do set(1, ARGV[i], ARGV[i + 1]) end
${END}`

/** Behind the three, for each page: its key, the count of its items, then pairs of key and value. */
const HASH_ITEMS = `${BEGIN}${HASH}
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
  for _, key in ipairs(given and cjson.decode(given) or {}) do
    if not now[key] and redis.call('HGET', KEYS[4], key) == page then
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
for i = 4, #ARGV do
  redis.call('RPUSH', KEYS[1], ARGV[i])
  redis.call('RPUSH', KEYS[3], ARGV[i])
end
${END}`

/** Behind the three, for each entry: key, run, seq, JSON. */
const STREAM = `${BEGIN}
for i = 4, #ARGV, 4 do
  local id = redis.call('XADD', KEYS[1], '*', 'key', ARGV[i], 'run', ARGV[i + 1], 'seq', ARGV[i + 2], 'json', ARGV[i + 3])
  redis.call('RPUSH', KEYS[3], id)
end
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
    local key, field, old = KEYS[tonumber(string.sub(kept[i], 1, 1))], string.sub(kept[i], 2), kept[i + 1]
    if old == '-' then redis.call('HDEL', key, field) else redis.call('HSET', key, field, string.sub(old, 2)) end
  end
`
/** From the tail: that is where they are, unless a reader took them. */
const UNDO_LIST = `
  for _, value in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do redis.call('LREM', KEYS[1], -1, value) end
`
const UNDO_STREAM = `
  for _, id in ipairs(redis.call('LRANGE', KEYS[3], 0, -1)) do redis.call('XDEL', KEYS[1], id) end
`

export interface RedisScripts {
  readonly open: string
  readonly write: string
  /** What `write` is given of a batch behind its first three arguments; none: there is nothing to store. */
  argumentsOf(batch: readonly SinkRecord[]): (string | number)[]
}

export function scriptsOf(form: RedisForm, hasItems: boolean): RedisScripts {
  if (form === 'list') {
    return { open: openScript(UNDO_LIST), write: LIST, argumentsOf: hasItems ? itemLines : pageLines }
  }
  if (form === 'stream') {
    return { open: openScript(UNDO_STREAM), write: STREAM, argumentsOf: hasItems ? itemEntries : pageEntries }
  }
  const open = openScript(UNDO_HASH)
  return hasItems
    ? { open, write: HASH_ITEMS, argumentsOf: itemsByPage }
    : { open, write: HASH_PAGES, argumentsOf: (batch) => batch.flatMap(({ dedupeKey, json }) => [dedupeKey, json]) }
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

/** Pages without an answer (`items` undefined) keep what they gave. */
function itemsByPage(batch: readonly SinkRecord[]): (string | number)[] {
  return batch.flatMap((page) =>
    page.items === undefined
      ? []
      : [
          page.dedupeKey,
          page.items.length,
          ...page.items.flatMap((item) => [wellFormed(itemKey(page, item)), item.json]),
        ],
  )
}
