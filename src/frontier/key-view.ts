/** Keys (and groups) as callers see and patch them. */
import type { KeyPatch, KeyState, RobotsState } from './frontier.ts'
import type { Parts } from './parts.ts'
import { PATCHED_CAP, PATCHED_CONNS, PATCHED_DELAY } from './schedule/bucket-table.ts'

/** State of a key; of a group where no key has that name; of one never seen: what it would start with. */
export function stateOfBucket({ schedule, now }: Parts, name: string): KeyState {
  const { buckets } = schedule
  const id = buckets.key(name) || buckets.group(name)
  const at = now()
  if (id === 0) {
    const { delayMs, conns, cap } = buckets.defaultsOf(name)
    const none = { intervalMs: 0, readyInMs: 0, blockedForMs: 0, queued: 0, inFlight: 0, known: 0, errors: 0 }
    return { delayMs, conns, cap: cap ?? null, robots: new Map(), ...none }
  }
  buckets.refresh(id)
  const cap = buckets.cap[id] as number
  const robots = new Map<string, RobotsState>()
  for (const [origin, { state, until }] of buckets.robots.get(id) ?? []) {
    robots.set(origin, { ...state, validForMs: Math.max(0, until - at) })
  }
  return {
    delayMs: buckets.delay[id] as number,
    conns: buckets.conns[id] as number,
    intervalMs: buckets.interval[id] as number,
    readyInMs: Math.max(0, buckets.dueAt(id) - at),
    blockedForMs: Math.max(0, (buckets.blockedUntil[id] as number) - at),
    cap: cap === Number.POSITIVE_INFINITY ? null : cap,
    queued: buckets.queued[id] as number,
    inFlight: buckets.inFlight[id] as number,
    known: buckets.known[id] as number,
    errors: buckets.errors[id] as number,
    robots,
  }
}

export function patchBucket({ schedule, store, now }: Parts, name: string, patch: KeyPatch): void {
  const { buckets } = schedule
  const at = now()
  const id = buckets.key(name) || buckets.group(name) || buckets.addKey(name)
  if (patch.delayMs !== undefined) {
    buckets.delay[id] = patch.delayMs
    buckets.patched[id] = (buckets.patched[id] as number) | PATCHED_DELAY
  }
  if (patch.conns !== undefined) {
    buckets.conns[id] = patch.conns
    buckets.patched[id] = (buckets.patched[id] as number) | PATCHED_CONNS
  }
  if (patch.cap !== undefined) {
    buckets.cap[id] = patch.cap ?? Number.POSITIVE_INFINITY
    buckets.patched[id] = (buckets.patched[id] as number) | PATCHED_CAP
  }
  if (patch.errors !== undefined) buckets.errors[id] = patch.errors
  if (patch.blockedForMs !== undefined)
    buckets.blockedUntil[id] = patch.blockedForMs > 0 ? Math.ceil(at + patch.blockedForMs) : 0
  if (patch.robots !== undefined) {
    let known = buckets.robots.get(id)
    if (known === undefined) buckets.robots.set(id, (known = new Map()))
    for (const [origin, state] of patch.robots) {
      const until = at + state.validForMs
      known.set(origin, { state, until })
      store.robotsChanged(id, state, until)
    }
  }
  store.bucketChanged(id)
  schedule.postpone(id, 0, at)
}
