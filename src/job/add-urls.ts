/**
 * URLs that somebody adds to a job: inputs of a source of their own, so that each has its identity and its outcome, one that
 * is known already `skipped`, `DUPLICATE`. On a live job its owner does it; on a stopped one whoever holds its lock.
 */
import { setImmediate } from 'node:timers/promises'
import { Admission } from '../engine/admit.ts'
import { systemClock } from '../engine/clock.ts'
import type { OpenedFrontier } from '../frontier/frontier.ts'
import { openReader } from '../frontier/sqlite/read.ts'
import { sqliteFrontier } from '../frontier/sqlite/index.ts'
import { SluiceError } from '../model/errors.ts'
import { polite } from '../policy/polite.ts'
import { canonicalize, withoutCredentials } from '../url/canonicalize.ts'
import { createFingerprint } from '../url/fingerprint.ts'
import { hostOf, keyOf, registrableDomain } from '../url/key.ts'
import { requestControl } from './control.ts'
import { readStored } from './folder.ts'
import type { StoredJob } from './folder.ts'
import type { AddedUrls } from './job.ts'
import { scopeOfJob } from './job-scope.ts'
import { originLogins, proxyTaken } from './origin-logins.ts'
import { readRunState, RUN_POSITION, writeRunState } from './run-state.ts'

/** Of the source: its cursor is how many there were before. */
const SOURCE = 'added'
const POSITION = `source:${SOURCE}`
/** URLs of one transaction, and of one message to the owner: within the longest line it takes. */
const MOST_AT_ONCE = 500
const MOST_BYTES = 48_000
/** URLs that are looked up before others have their turn. */
const STEP = 5_000

export class Additions {
  readonly #backend: Pick<OpenedFrontier, 'frontier' | 'positions'>
  #ordinal: number
  #last: Promise<unknown> = Promise.resolve()

  constructor(backend: Pick<OpenedFrontier, 'frontier' | 'positions'>) {
    this.#backend = backend
    const stored = backend.positions.get(POSITION)
    this.#ordinal = stored === undefined ? 0 : Number(Buffer.from(stored).toString())
  }

  /** One after the other: ordinals are given once. */
  add(admission: Admission, urls: readonly string[]): Promise<AddedUrls> {
    const added = this.#last.then(() => this.#add(admission, urls))
    this.#last = added.catch(() => undefined)
    return added
  }

  async #add(admission: Admission, urls: readonly string[]): Promise<AddedUrls> {
    const first = this.#ordinal
    const requests = urls.map((url, i) => admission.input({ url, ordinal: first + i }, SOURCE, undefined, false))
    const next = first + urls.length
    const result = await this.#backend.frontier.add(requests, new Map([[POSITION, Buffer.from(String(next))]]))
    this.#ordinal = next
    return { added: result.added, duplicates: result.duplicates }
  }
}

/** What would become of URLs; nothing is changed. */
export interface AddPreview {
  readonly given: number
  /** Would be fetched. */
  readonly admitted: number
  /** Known to the job. */
  readonly known: number
  /** Named twice here. */
  readonly repeated: number
  /** Refused, by code: `SCOPE_DENIED`, `URL_INVALID`. */
  readonly refused: Readonly<Record<string, number>>
  /** Some that are refused, with why. */
  readonly samples: readonly { readonly url: string; readonly reason: string }[]
}

/** @throws SluiceError OPTION_INVALID where there is no job of pages */
export async function previewAdd(folder: string, urls: readonly string[]): Promise<AddPreview> {
  const stored = pageJob(folder)
  const scope = scopeOfJob(stored)
  const fingerprint = await createFingerprint(BigInt(`0x${stored.seed}`))
  const refused: Record<string, number> = {}
  const samples: { url: string; reason: string }[] = []
  const wanted = new Set<bigint>()
  let repeated = 0
  const refuse = (url: string, code: string, reason: string): void => {
    refused[code] = (refused[code] ?? 0) + 1
    if (samples.length < 5) samples.push({ url: url.slice(0, 500), reason: `${code}: ${reason}` })
  }
  for (const [i, given] of urls.entries()) {
    if (i % STEP === STEP - 1) await setImmediate()
    const canonical = canonicalize(given)
    if (!canonical.ok) {
      refuse(given, canonical.code, canonical.reason)
      continue
    }
    const url = withoutCredentials(canonical.url)
    const refusal = scope.check(url, 0)
    if (refusal !== undefined) {
      refuse(url, refusal.code, refusal.reason)
      continue
    }
    const fp = fingerprint.of(url)
    if (wanted.has(fp)) repeated++
    else wanted.add(fp)
  }
  const reader = openReader(folder)
  try {
    const known = reader.countKnown(wanted)
    return { given: urls.length, admitted: wanted.size - known, known, repeated, refused, samples }
  } finally {
    reader.close()
  }
}

/** Live or stopped. @throws SluiceError OPTION_INVALID, FRONTIER_LOCKED */
export async function addUrls(
  folder: string,
  urls: readonly string[],
  by: string,
): Promise<AddedUrls & { readonly live: boolean }> {
  let live: boolean | undefined
  let stopped: Stopped | undefined
  const sum = { added: 0, duplicates: 0 }
  try {
    for (const some of slices(urls)) {
      const told =
        live === false
          ? undefined
          : ((await requestControl(folder, 'add', { urls: some, by })) as AddedUrls | undefined)
      if (told === undefined) stopped ??= await openStopped(folder)
      live ??= told !== undefined
      const { added, duplicates } = told ?? (await (stopped as Stopped).add(some))
      sum.added += added
      sum.duplicates += duplicates
    }
  } finally {
    await stopped?.close()
  }
  return { ...sum, live: live ?? false }
}

function* slices(urls: readonly string[]): Generator<readonly string[]> {
  let some: string[] = []
  let bytes = 0
  for (const url of urls) {
    const size = Buffer.byteLength(url) + 16
    if (some.length >= MOST_AT_ONCE || (some.length > 0 && bytes + size > MOST_BYTES)) {
      yield some
      some = []
      bytes = 0
    }
    some.push(url)
    bytes += size
  }
  if (some.length > 0) yield some
}

interface Stopped {
  add(urls: readonly string[]): Promise<AddedUrls>
  close(): Promise<void>
}

/** Takes the lock of a job that nobody runs. */
async function openStopped(folder: string): Promise<Stopped> {
  const stored = pageJob(folder)
  const { options, seed } = stored
  const clock = systemClock()
  const fingerprint = await createFingerprint(BigInt(`0x${seed}`))
  const opened = await sqliteFrontier({
    path: folder,
    clock,
    durability: 'kill',
    defaults: () => ({ delayMs: Number(options['delay'] ?? 1000), conns: Number(options['perHost'] ?? 1) }),
    inputFp: (source, ordinal) => fingerprint.ofInput(source, ordinal),
  })
  const gates = (options['gate'] ?? []) as readonly string[]
  const keyKind = options['key'] === 'domain' ? 'domain' : 'host'
  const logins = originLogins(folder)
  const admission = new Admission(
    {
      scope: scopeOfJob(stored),
      policy: polite({ retries: 0, adaptive: false }),
      nofollow: true,
      keyOf: (url) => keyOf(url, keyKind),
      groupsOf: (url) => (gates.includes('domain') ? [`domain:${registrableDomain(hostOf(url))}`] : undefined),
      takeLogin: (url) => logins.take(url),
      takeProxy: (text) => proxyTaken(text, logins),
    },
    fingerprint,
  )
  const additions = new Additions(opened)
  return {
    async add(urls) {
      const state = readRunState(opened.positions)
      const added = await additions.add(admission, urls)
      if (state?.status === 'finished') {
        // Settlements to come belong to a new run.
        const next = { run: state.run + 1, status: 'requeued' as const, at: clock.wall() }
        await opened.frontier.add([], new Map([[RUN_POSITION, writeRunState(next)]]))
      }
      return added
    },
    close: () => opened.frontier.close(),
  }
}

function pageJob(folder: string): StoredJob {
  const stored = readStored(folder)
  if (stored !== undefined && stored.kind !== 'tail') return stored
  throw new SluiceError('OPTION_INVALID', `${folder} is no job that fetches pages`, {
    hint: 'name one that `sluice fetch` or `sluice crawl` has made',
  })
}
