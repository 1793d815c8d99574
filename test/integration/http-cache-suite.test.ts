/**
 * The public tests of HTTP caches, those that a private cache must pass: each request of a case is a job of its own, so
 * that everything between them comes from the disk, against an origin that answers as the case says.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { systemClock } from '../../src/engine/clock.ts'
import type { PageRecord, Response } from '../../src/index.ts'
import type { Clock } from '../../src/model/clock.ts'
import { type Origin, startOrigin } from '../../src/testing/origin.ts'
import { rawReply, type Reply } from '../../src/testing/origin/reply.ts'
import type { OriginRequest } from '../../src/testing/origin/request.ts'
import { inFolder } from '../cli/run-cli.ts'
import { optionsFor, runJob } from '../faults/web.ts'
import { sharedData, skipWithout } from '../shared-data.ts'

const SUITES = 'conformance/http-cache/suites.json.gz'
const skip = skipWithout(SUITES)

type Field = readonly [name: string, value: string | number, more?: unknown]

interface Step {
  readonly request_method?: string
  readonly request_headers?: readonly Field[]
  readonly request_body?: string
  readonly query_arg?: string
  readonly cache?: string
  readonly response_status?: readonly [number, string]
  readonly response_headers?: readonly Field[]
  readonly response_body?: string | null
  readonly interim_responses?: readonly (readonly [number, readonly Field[]])[]
  readonly disconnect?: boolean
  readonly setup?: boolean
  readonly setup_tests?: readonly string[]
  readonly pause_after?: boolean
  readonly expected_type?: 'cached' | 'not_cached' | 'etag_validated' | 'lm_validated'
  readonly expected_status?: number | null
  readonly expected_request_headers?: readonly Field[]
  readonly expected_response_headers?: readonly (string | readonly [string, string | number, number?])[]
  readonly expected_response_headers_missing?: readonly (string | Field)[]
  readonly expected_response_text?: string
  readonly check_body?: boolean
}

interface Case {
  readonly name: string
  readonly id: string
  readonly kind?: string
  readonly browser_skip?: boolean
  readonly cdn_only?: boolean
  readonly requests: readonly Step[]
}

/** How many of the suite's cases say `required` themselves; the others are required by default. */
const MARKED = 44
const PAUSE_MS = 3_000
const DATES = /^(date|expires|last-modified|if-modified-since)$/i

/** Their first requests ask for what a cache may do and ours does not. */
const NOT_DONE = new Set([
  // Ranges out of a whole answer.
  'partial-use-headers',
  'partial-use-stored-headers',
  // RFC 5861.
  'stale-while-revalidate-window',
])

class SetupFailure extends Error {}

let origin: Origin
let offsetMs = 0
/** The wall clock of the jobs and of the origin. */
const system = systemClock()
const clock: Clock = {
  now: () => system.now() + offsetMs,
  wall: () => system.wall() + offsetMs,
  bootId: system.bootId,
  bootMs: () => system.bootMs() + offsetMs,
  setTimer: (callback, delayMs) => system.setTimer(callback, delayMs),
}

before(async () => {
  origin = await startOrigin()
})
after(() => origin.close())

function required(): Case[] {
  const suites = JSON.parse(gunzipSync(readFileSync(sharedData(SUITES)!)).toString('utf8')) as { tests: Case[] }[]
  return suites
    .flatMap(({ tests }) => tests)
    .filter(({ kind, browser_skip: shared, cdn_only: cdn }) =>
      kind === undefined ? shared !== true && cdn !== true : kind === 'required',
    )
}

function dateAt(seconds: number, wallMs: number): string {
  return new Date(wallMs + seconds * 1000).toUTCString()
}

function valueOf([name, value]: Field, wallMs: number): string {
  if (typeof value === 'number' && DATES.test(name)) return dateAt(value, wallMs)
  // Any coding would do for these cases; one that nobody can undo is refused by the fetcher.
  if (name === 'Content-Encoding') return 'identity'
  return name === 'Transfer-Encoding' ? 'chunked' : String(value)
}

interface Told {
  readonly record: PageRecord
  readonly response: Response | undefined
  readonly text: string
  /** What the origin was asked in this step. */
  readonly asked: OriginRequest | undefined
}

/** One case, from its first request to its last. */
class Run {
  readonly #case: Case
  readonly #folder: string
  readonly #host: string
  /** Wall clock when the answer that is at hand was made. */
  #madeAt = 0
  #bodyOf = ''
  #asked: OriginRequest | undefined

  constructor(one: Case, folder: string, number: number) {
    this.#case = one
    this.#folder = folder
    this.#host = `c${number}.test`
  }

  async run(): Promise<void> {
    for (const [n, step] of this.#case.requests.entries()) {
      this.#asked = undefined
      origin.handle(this.#host, '/*', (request) => this.#answer(request, n))
      await this.#check(step, await this.#request(step))
      if (step.pause_after === true) offsetMs += PAUSE_MS
    }
  }

  async #request(step: Step): Promise<Told> {
    const url = `http://${this.#host}/page${step.query_arg === undefined ? '' : `?${step.query_arg}`}`
    const header = (step.request_headers ?? []).map((field) => `${field[0]}: ${valueOf(field, clock.wall())}`)
    if (step.cache === 'no-cache') header.push('Cache-Control: max-age=0')
    const options = {
      ...optionsFor(origin),
      cache: this.#folder,
      retries: 0,
      clock,
      ...(header.length > 0 ? { header } : {}),
      ...(step.request_method === undefined ? {} : { method: step.request_method, data: step.request_body ?? '' }),
    }
    let response: Response | undefined
    const handlers = {
      '*': {
        onSuccess: (_: unknown, answer: Response): void => void (response = answer),
        onError: (_: unknown, _failure: unknown, answer?: Response): void => void (response = answer),
      },
    }
    const [record] = await runJob('fetch', url, { ...options, handlers })
    assert.ok(record !== undefined)
    return { record, response, text: Buffer.from(response?.body ?? []).toString(), asked: this.#asked }
  }

  #answer(request: OriginRequest, n: number): Reply {
    const step = this.#case.requests[n] as Step
    this.#asked = request
    if (step.disconnect === true) return rawReply('', 'close')
    const wallMs = clock.wall()
    this.#madeAt = wallMs
    const fields = (step.response_headers ?? []).map((field) => [field[0], valueOf(field, wallMs)] as const)
    const isConfirmed = this.#isConfirmed(request, n)
    const [status, words] = isConfirmed ? [304, 'Not Modified'] : (step.response_status ?? [200, 'OK'])
    if (!isConfirmed) this.#bodyOf = `${this.#case.id} ${n} of all that was asked`
    const body = status === 204 || status === 304 ? '' : (step.response_body ?? this.#bodyOf)
    const interim = (step.interim_responses ?? []).map(
      ([code, list]) =>
        `HTTP/1.1 ${code} Early\r\n${list.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    )
    const isChunked = fields.some(([name]) => name === 'Transfer-Encoding')
    const sent = isChunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body
    const hasLength =
      isChunked || status === 204 || status === 304 || fields.some(([name]) => name === 'Content-Length')
    const lines = [...fields, ...(hasLength ? [] : [['Content-Length', String(body.length)] as const])]
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    return rawReply(`${interim.join('')}HTTP/1.1 ${status} ${words}\r\n${head}\r\n${sent}`, 'close')
  }

  #isConfirmed(request: OriginRequest, n: number): boolean {
    if (n === 0 || this.#case.requests[n]?.expected_type?.endsWith('validated') !== true) return false
    const etag = request.header('if-none-match')
    const before = this.#case.requests.slice(0, n).flatMap(({ response_headers: list = [] }) => list)
    if (etag !== undefined) return before.some(([name, value]) => name === 'ETag' && value === etag)
    return request.header('if-modified-since') !== undefined
  }

  #check(step: Step, told: Told): void {
    const { record, response, text, asked } = told
    const type = step.expected_type
    this.#expect(step, 'expected_type', () => {
      const isCached = record.flags?.includes('cached') === true
      assert.equal(isCached, asked === undefined, 'what is said to come from the cache was not asked for')
      if (type === 'cached') assert.equal(asked, undefined, 'it was asked for')
      if (type === 'not_cached') assert.ok(asked !== undefined, 'it was not asked for')
      if (type === 'etag_validated') assert.ok(asked?.header('if-none-match') !== undefined, 'no If-None-Match')
      if (type === 'lm_validated') assert.ok(asked?.header('if-modified-since') !== undefined, 'no If-Modified-Since')
      if (type?.endsWith('validated') === true) assert.ok(record.flags?.includes('revalidated'), 'not confirmed')
    })
    this.#expect(step, 'expected_status', () => {
      if (step.expected_status === null) assert.equal(response, undefined)
      else if (step.expected_status !== undefined) assert.equal(response?.status, step.expected_status)
    })
    this.#expect(step, 'expected_request_headers', () => {
      for (const [name, value] of step.expected_request_headers ?? [])
        assert.equal(asked?.header(name.toLowerCase()), String(value))
    })
    this.#expect(step, 'expected_response_headers', () => this.#checkHeaders(step, response))
    if (step.expected_response_text !== undefined)
      this.#expect(step, 'expected_response_text', () => assert.equal(text, step.expected_response_text))
    if (step.check_body !== false && response !== undefined && type !== undefined && this.#bodyIsOurs()) {
      this.#expect(step, 'check_body', () => assert.equal(text, this.#bodyOf))
    }
  }

  #bodyIsOurs(): boolean {
    return this.#case.requests.every(({ response_body: body }) => body === undefined)
  }

  #checkHeaders(step: Step, response: Response | undefined): void {
    for (const expected of step.expected_response_headers ?? []) {
      if (typeof expected === 'string') {
        assert.ok(response?.header(expected) !== undefined, `${expected} is missing`)
        continue
      }
      const [name, value, than] = expected
      const found = response?.header(name)
      if (value === '>') assert.ok(Number(found) > Number(than), `${name}: ${found} is not over ${than}`)
      else assert.equal(found, valueOf([name, value], this.#madeAt), name)
    }
    for (const missing of step.expected_response_headers_missing ?? []) {
      const name = typeof missing === 'string' ? missing : missing[0]
      if (name !== 'server-request-count') assert.equal(response?.header(name), undefined, name)
    }
  }

  /** A case whose preparation does not work says nothing of what it is about. */
  #expect(step: Step, what: string, check: () => void): void {
    try {
      check()
    } catch (error) {
      if (step.setup === true || step.setup_tests?.includes(what) === true)
        throw new SetupFailure(`${what}: ${(error as Error).message}`)
      throw error
    }
  }
}

test('a private cache passes what the public tests require of one', { skip }, async () => {
  const cases = required()
  const marked = new Set(cases.filter(({ kind }) => kind === 'required').map(({ id }) => id))
  assert.equal(marked.size, MARKED)
  const wrong: Record<string, string> = {}
  const unprepared: string[] = []
  await inFolder(async (cwd) => {
    for (const [number, one] of cases.entries()) {
      try {
        await new Run(one, join(cwd, 'kept'), number).run()
      } catch (error) {
        if (error instanceof SetupFailure && !marked.has(one.id)) unprepared.push(one.id)
        else wrong[one.id] = (error as Error).message
      }
    }
  })
  const failed = Object.keys(wrong)
  const ofMarked = marked.size - failed.filter((id) => marked.has(id)).length
  console.log(
    `${ofMarked} of ${MARKED} cases marked required, ${cases.length - failed.length - unprepared.length} of ${cases.length} required ` +
      `of a private cache; not applicable: ${unprepared.join(', ')}`,
  )
  assert.deepEqual(wrong, {})
  assert.deepEqual(new Set(unprepared), NOT_DONE)
})
