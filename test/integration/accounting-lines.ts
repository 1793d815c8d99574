/** Lines of a list of which each has its fate on the fake web, and the run that proves it; in a short and a long form. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ErrorCode } from '../../src/model/errors.ts'
import { sumCounts } from '../../src/model/outcome.ts'
import type { OutcomeWord } from '../../src/model/outcome.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { random } from '../../src/testing/random.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { countOutcomes, fast, readRecords, readSummary } from './web.ts'

/** A path of the fake web and what must become of it when nothing is tried twice. */
type Row = readonly [path: string, outcome: OutcomeWord, code?: ErrorCode]

export const GOOD: readonly Row[] = [
  ['/ok', 'ok'],
  ['/status/201', 'ok'],
  ['/status/204', 'ok'],
  ['/redirect/2', 'ok'],
  ['/redirect-to?url=http%3A%2F%2Felsewhere.test%2Fok', 'ok'],
  ['/chunked', 'ok'],
  ['/chunk-extensions', 'ok'],
  ['/until-close', 'ok'],
  ['/extra-bytes', 'ok'],
  ['/no-body/204', 'ok'],
  ['/no-reason', 'ok'],
  ['/interim/3', 'ok'],
  ['/gzip', 'ok'],
  ['/deflate-raw', 'ok'],
  ['/br', 'ok'],
  ['/zstd', 'ok'],
  ['/stacked/gzip,br', 'ok'],
  ['/gzip-members', 'ok'],
  ['/gzip-garbage', 'ok'],
  ['/gzip-lie', 'ok'],
  ['/bytes/70000', 'ok'],
]

export const GONE: readonly Row[] = [
  ['/status/404', 'gone'],
  ['/status/410', 'gone'],
  ['/404-html', 'gone'],
]

const BAD: readonly Row[] = [
  ['/status/401', 'denied'],
  ['/status/403', 'denied'],
  ['/status/451', 'denied'],
  ['/status/206', 'failed', 'PARTIAL_CONTENT'],
  ['/status/304', 'failed', 'UNEXPECTED_STATUS'],
  ['/status/400', 'failed', 'HTTP_STATUS'],
  ['/status/429', 'failed', 'HTTP_STATUS'],
  ['/status/500', 'failed', 'HTTP_STATUS'],
  ['/status/503', 'failed', 'HTTP_STATUS'],
  ['/status/999', 'failed', 'HTTP_STATUS'],
  ['/drop', 'failed', 'EMPTY_REPLY'],
  ['/empty', 'failed', 'EMPTY_REPLY'],
  ['/reset', 'failed', 'CONNECTION_RESET'],
  ['/reset-body', 'failed', 'CONNECTION_RESET'],
  ['/partial/50', 'failed', 'TRUNCATED'],
  ['/headers-cut', 'failed', 'TRUNCATED'],
  ['/chunked-broken', 'failed', 'TRUNCATED'],
  ['/gzip-cut', 'failed', 'TRUNCATED'],
  ['/gzip-crc', 'failed', 'TRUNCATED'],
  ['/bad-chunk', 'failed', 'BAD_FRAMING'],
  ['/two-lengths/x', 'failed', 'BAD_FRAMING'],
  ['/length/-1', 'failed', 'BAD_FRAMING'],
  ['/nul-header', 'failed', 'BAD_FRAMING'],
  ['/big-header/100000', 'failed', 'HEADERS_TOO_LARGE'],
  ['/not-http', 'failed', 'NOT_HTTP'],
  ['/icy', 'failed', 'NOT_HTTP'],
  ['/bad-status-line', 'failed', 'NOT_HTTP'],
  ['/switching', 'failed', 'UNEXPECTED_STATUS'],
  ['/two-locations', 'failed', 'BAD_REDIRECT'],
  ['/redirect-to?url=ftp%3A%2F%2Fx%2F', 'failed', 'BAD_REDIRECT'],
  ['/redirect-to?url=http%3A%2F%2Felsewhere.test%2Fstatus%2F500', 'failed', 'HTTP_STATUS'],
  ['/redirect-to?url=http%3A%2F%2Felsewhere.test%2Fstatus%2F403', 'denied'],
  ['/loop', 'failed', 'REDIRECT_LOOP'],
  ['/loop/a', 'failed', 'REDIRECT_LOOP'],
  ['/redirect/30', 'failed', 'TOO_MANY_REDIRECTS'],
  ['/layers/6', 'failed', 'BAD_ENCODING'],
  ['/coding-broken/gzip', 'failed', 'BAD_ENCODING'],
  ['/coding-broken/br', 'failed', 'BAD_ENCODING'],
  ['/encoding/nonsense', 'failed', 'BAD_ENCODING'],
  ['/bomb?bytes=3000000', 'failed', 'BOMB'],
  ['/bytes/300000', 'failed', 'TOO_LARGE'],
  ['/endless', 'failed', 'TOO_LARGE'],
]

/** Each holds a connection for the whole time limit. */
const SILENT: readonly Row[] = [
  ['/hang', 'failed', 'TIMEOUT_HEADERS'],
  ['/hang-after-headers', 'failed', 'TIMEOUT_BODY'],
  ['/hang-in-body', 'failed', 'TIMEOUT_BODY'],
]

export const NOT_URLS = [
  'this is no URL',
  'http://',
  'ftp://a.test/file',
  'mailto:somebody@a.test',
  'http://a b/',
  '://x',
]
const HOSTS = ['a.test', 'b.test', 'c.test', 'd.test']
export const LIMITS = ['--retries', '0', '--timeout', '2s', '--max-size', '200KB']

interface Line {
  readonly text: string
  readonly outcome: OutcomeWord
  readonly code?: ErrorCode | undefined
}

const dice = random(20_261_121)

/** Lines of these rows in turn, on all hosts, each with a query of its own. */
export function linesOf(rows: readonly Row[], count: number): Line[] {
  return Array.from({ length: count }, (_, n) => {
    const [path, outcome, code] = rows[n % rows.length] as Row
    const text = `http://${HOSTS[n % HOSTS.length]}${path}${path.includes('?') ? '&' : '?'}n=${n}`
    return { text, outcome, code }
  })
}

/** The same URL once more, as it was and spelt otherwise. */
export function duplicates(lines: readonly Line[], count: number): Line[] {
  return Array.from({ length: count }, (_, n) => {
    const { text } = dice.pick(lines)
    const other = text.replace(/^http:\/\/([^/]+)/, (_whole, host: string) => `HTTP://${host.toUpperCase()}:80`)
    return { text: n % 2 === 0 ? text : `${other}#part-${n}`, outcome: 'skipped', code: 'DUPLICATE' }
  })
}

/** How many lines of each kind. */
export interface Mix {
  readonly good: number
  readonly gone: number
  readonly bad: number
  readonly silent: number
  readonly invalid: number
  readonly again: number
}

/** Runs the real command over such a list: one record a line, each with the outcome of its kind, and sums that add up. */
export async function checkAccounting(mix: Mix): Promise<void> {
  const origin = await startOrigin()
  try {
    await inFolder(async (cwd) => {
      const first = dice.shuffle([
        ...linesOf(GOOD, mix.good),
        ...linesOf(GONE, mix.gone),
        ...linesOf(BAD, mix.bad),
        ...linesOf(SILENT, mix.silent),
      ])
      const invalid = Array.from({ length: mix.invalid }, (_, n): Line => {
        return { text: NOT_URLS[n % NOT_URLS.length] as string, outcome: 'skipped', code: 'URL_INVALID' }
      })
      const lines = [...first, ...dice.shuffle([...invalid, ...duplicates(first, mix.again)])]
      writeFileSync(join(cwd, 'urls.txt'), `${lines.map(({ text }) => text).join('\n')}\n`)

      const { code, stderr } = await runCli(['fetch', 'urls.txt', ...fast(origin), ...LIMITS, '-o', 'pages.ndjson'], {
        cwd,
      })
      assert.equal(code, 3, stderr)
      const records = readRecords(join(cwd, 'pages.ndjson'))
      assert.equal(records.length, lines.length)
      assert.equal(new Set(records.map(({ seq }) => seq)).size, lines.length)
      const wrong: string[] = []
      const met = new Set<number>()
      for (const record of records) {
        const number = Number(record.input?.['line'])
        met.add(number)
        const line = lines[number - 1]
        const is = `${record.outcome} ${record.code ?? ''}`
        const must = `${line?.outcome} ${line?.code ?? ''}`
        if (is !== must) wrong.push(`line ${number} ${line?.text}: ${is}, not ${must} (${record.message ?? ''})`)
      }
      assert.deepEqual(wrong, [])
      assert.equal(met.size, lines.length, 'every line has its record')

      const summary = readSummary(cwd, 'urls')
      assert.deepEqual(summary.done, { ...summary.done, ...countOutcomes(records) })
      assert.equal(summary.known, lines.length)
      assert.equal(sumCounts(summary.done), lines.length)
      assert.equal(summary.left.total, 0)
      assert.equal(summary.exitCode, 3)
      for (const { host, path } of origin.ledger().arrivals()) {
        assert.ok([...HOSTS, 'elsewhere.test'].includes(host), `${host}${path}`)
      }
    })
  } finally {
    await origin.close()
  }
}
