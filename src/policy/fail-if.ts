/**
 * `--fail-if`: when does a run that finished count as failed? A small language over the run's final counts, read when
 * options are checked and evaluated once at the end. It must not know where the counts come from.
 *
 *     failed > 1%      ok < 1000      p95 > 5s      seed failed      TIMEOUT_HEADERS >= 10      5xx > 0.5%
 */
import { CODES, SluiceError } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'
import { nearest, parseDuration } from '../model/options.ts'
import { OUTCOMES, emptyCounts, sumCounts } from '../model/outcome.ts'
import type { OutcomeCounts, OutcomeWord } from '../model/outcome.ts'

/** What expressions can ask about: the whole ledger, not only this process's part of it. */
export interface FailFacts {
  readonly outcomes: OutcomeCounts
  /** URLs by error code. */
  readonly codes: Readonly<Record<string, number>>
  /** URLs by HTTP status. */
  readonly statuses: Readonly<Record<string, number>>
  /** The same counts of the URLs the user gave: seeds of a crawl, lines of a list. */
  readonly seeds: {
    readonly outcomes: OutcomeCounts
    readonly codes: Readonly<Record<string, number>>
  }
  /** Total time of a request, ms. */
  readonly ms: Readonly<Record<'p50' | 'p90' | 'p95' | 'p99' | 'max', number>>
}

export interface FailVerdict {
  readonly failed: boolean
  /** For people: `failed 0.21% > 0.1%`. */
  readonly text: string
}

type Operator = '>' | '>=' | '<' | '<=' | '=='
type TimeName = keyof FailFacts['ms']

export interface FailRule {
  readonly expression: string
  readonly seeds: boolean
  readonly metric: string
  readonly operator: Operator
  readonly value: number
  readonly unit: 'count' | 'percent' | 'ms'
}

const SHAPE = /^(seed\s+)?([A-Za-z0-9_]+)(?:\s*(>=|<=|==|>|<)\s*(\S+(?:\s?(?:%|ms|s|m|min|h|d))?))?$/
const TIMES: readonly string[] = ['p50', 'p90', 'p95', 'p99', 'max']
const STATUS = /^[1-5](?:xx|\d\d)$/
const COUNT = /^\d+(?:\.\d+)?$/
const PERCENT = /^(\d+(?:\.\d+)?)\s?%$/

/** Reads one expression. Throws `OPTION_INVALID`. Without operator it means `> 0`. */
export function parseFailIf(expression: string): FailRule {
  const match = SHAPE.exec(expression.trim())
  if (match === null) throw invalid(expression, 'wants WORD OPERATOR VALUE', 'write it like "failed > 1%"')
  const [, seedWord, metric, operator = '>', text = '0'] = match as unknown as [
    string,
    string?,
    string?,
    Operator?,
    string?,
  ]
  const name = metric as string
  const seeds = seedWord !== undefined
  const isTime = TIMES.includes(name)
  const isWord = (OUTCOMES as readonly string[]).includes(name)
  const isCode = Object.hasOwn(CODES, name)
  if (!isTime && !isWord && !isCode && name !== 'done' && !STATUS.test(name)) {
    const near = nearest(name, [...OUTCOMES, 'done', ...TIMES, ...Object.keys(CODES)])
    throw invalid(
      expression,
      `does not know ${JSON.stringify(name)}`,
      near === undefined
        ? 'use an outcome word, an error code, a status such as 5xx, or p50 p90 p95 p99 max'
        : `did you mean ${near}?`,
    )
  }
  if (seeds && !isWord && !isCode) {
    throw invalid(expression, 'can ask seeds only about outcomes and error codes', 'write "seed failed"')
  }
  const base = { expression: expression.trim(), seeds, metric: name, operator }
  if (isTime) {
    if (match[4] === undefined) throw invalid(expression, 'compares a time with nothing', `write "${name} > 5s"`)
    return { ...base, value: parseDuration(text, '--fail-if'), unit: 'ms' }
  }
  const percent = PERCENT.exec(text)
  if (percent !== null) return { ...base, value: Number(percent[1]), unit: 'percent' }
  if (!COUNT.test(text))
    throw invalid(expression, `cannot read ${JSON.stringify(text)}`, 'give a number or a percentage')
  return { ...base, value: Number(text), unit: 'count' }
}

/** True or false, with the measured value for the summary. Percentages are of all URLs that are done. */
export function evaluateFailIf(rule: FailRule | string, facts: FailFacts): FailVerdict {
  const parsed = typeof rule === 'string' ? parseFailIf(rule) : rule
  const { metric, operator, value, unit } = parsed
  const name = parsed.seeds ? `seed ${metric}` : metric
  if (unit === 'ms') {
    const measured = facts.ms[metric as TimeName]
    return { failed: compare(measured, operator, value), text: `${name} ${time(measured)} ${operator} ${time(value)}` }
  }
  const count = countOf(parsed, facts)
  if (unit === 'count') {
    return { failed: compare(count, operator, value), text: `${name} ${count} ${operator} ${value}` }
  }
  const done = sumCounts(parsed.seeds ? facts.seeds.outcomes : facts.outcomes)
  // Of nothing, no share is too large or too small: an empty run is judged by counts only.
  const share = done === 0 ? 0 : (100 * count) / done
  return {
    failed: done > 0 && compare(share, operator, value),
    text: `${name} ${rounded(share)}% ${operator} ${value}%`,
  }
}

/** Failures of our own code: they warn, and fail a run only when asked. */
const OURS: readonly ErrorCode[] = [
  'HANDLER_THREW',
  'EXTRACT_THREW',
  'EXTRACT_TIMEOUT',
  'EXTRACT_MEMORY',
  'EXTRACT_CRASHED',
]

/**
 * What counts as failed when no `--fail-if` was given (UX.md 3.7): in `fetch` any listed URL that failed for a reason
 * outside our own code; in `crawl` a seed that failed, or not one page that was ok; in `tail` a source that ended
 * `failed`, `denied` or `skipped` (robots.txt forbids it): there is nothing else that it could have given.
 */
export function defaultFailures(kind: 'fetch' | 'crawl' | 'tail', facts: FailFacts): readonly string[] {
  if (kind === 'tail') {
    const ends = (['failed', 'denied', 'skipped'] as const).filter((word) => facts.outcomes[word] > 0)
    return ends.map((word) => `${word} ${facts.outcomes[word]} > 0`)
  }
  const failures: string[] = []
  const ours = OURS.reduce((sum, code) => sum + (facts.seeds.codes[code] ?? 0), 0)
  const seedsFailed = facts.seeds.outcomes.failed - ours
  if (seedsFailed > 0) failures.push(kind === 'fetch' ? `failed ${seedsFailed} > 0` : `seed failed ${seedsFailed} > 0`)
  const { ok, unchanged } = facts.outcomes
  if (kind === 'crawl' && ok + unchanged === 0) failures.push('ok 0 < 1')
  return failures
}

/** What a finished run failed by: the expressions given, or where none were the default; each with what was measured. */
export function failuresOf(
  kind: 'fetch' | 'crawl' | 'tail',
  given: readonly string[] | undefined,
  facts: FailFacts,
): string[] {
  if (given === undefined) return [...defaultFailures(kind, facts)]
  return given
    .map((rule) => evaluateFailIf(rule, facts))
    .filter((verdict) => verdict.failed)
    .map((verdict) => verdict.text)
}

/** Facts of a run in which nothing happened; for building and testing. */
export function emptyFacts(): FailFacts {
  return {
    outcomes: emptyCounts(),
    codes: {},
    statuses: {},
    seeds: { outcomes: emptyCounts(), codes: {} },
    ms: { p50: 0, p90: 0, p95: 0, p99: 0, max: 0 },
  }
}

function countOf({ metric, seeds }: FailRule, facts: FailFacts): number {
  const { outcomes, codes } = seeds ? facts.seeds : facts
  if (metric === 'done') return sumCounts(outcomes)
  if (Object.hasOwn(outcomes, metric)) return outcomes[metric as OutcomeWord]
  if (!STATUS.test(metric)) return codes[metric] ?? 0
  if (!metric.endsWith('xx')) return facts.statuses[metric] ?? 0
  let sum = 0
  for (const [status, count] of Object.entries(facts.statuses)) if (status[0] === metric[0]) sum += count
  return sum
}

function compare(left: number, operator: Operator, right: number): boolean {
  switch (operator) {
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '==':
      return left === right
  }
}

/** Two digits that count, so that 0.0021 % is not shown as 0. */
function rounded(value: number): string {
  if (value === 0 || value >= 1) return String(Math.round(value * 100) / 100)
  return String(Number(value.toPrecision(2)))
}

function time(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${Math.round(ms / 10) / 100}s`
}

function invalid(expression: string, problem: string, hint: string): SluiceError {
  return new SluiceError('OPTION_INVALID', `--fail-if ${JSON.stringify(expression)}: ${problem}`, { hint })
}
