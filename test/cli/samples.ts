/** Snapshots and summaries of a made-up run, for the tests of what is shown of one. */
import type { Opening, Snapshot, Summary } from '../../src/job/job.ts'
import { createCatalog } from '../../src/locales/catalog.ts'
import type { Catalog, Language } from '../../src/locales/catalog.ts'
import { readFileSync } from 'node:fs'

export const running: Snapshot = {
  job: 'urls',
  kind: 'fetch',
  folder: '/w/urls.sluice',
  run: 1,
  status: 'running',
  known: 1_000_000,
  done: { ok: 389_112, unchanged: 6_010, gone: 3_977, denied: 1_904, failed: 527, skipped: 10_788 },
  doneTotal: 412_318,
  left: { total: 587_682, queued: 586_074, delayed: 1_206, inFlight: 402, following: 0 },
  total: 1_000_000,
  reading: false,
  hosts: 48_210,
  codes: { 'failed/TIMEOUT_HEADERS': 136, 'failed/HTTP_STATUS': 391, 'skipped/ROBOTS_DENIED': 10_788 },
  statuses: { '200': 389_112, '304': 6_010, '403': 1_677, '401': 227, '404': 3_802, '410': 175, '503': 390, '500': 1 },
  perSecond: 118.4,
  bytesPerSecond: 31 * 1024 * 1024,
  p50Ms: 210,
  p95Ms: 1_900,
  sockets: 402,
  elapsedMs: 3_500_000,
  eta: { ms: 6_720_000, key: 'big.example', othersMs: 4_980_000 },
  extraction: null,
  warnings: [],
}

export const crawling: Snapshot = {
  ...running,
  job: 'site',
  kind: 'crawl',
  known: 81_204,
  doneTotal: 33_950,
  done: { ok: 33_000, unchanged: 0, gone: 900, denied: 0, failed: 0, skipped: 50 },
  total: null,
  reading: true,
  codes: {},
  statuses: { '200': 33_000, '404': 900 },
  eta: { ms: 2_400_000, key: null, othersMs: null },
}

export const finished: Summary = {
  ...running,
  thisRun: null,
  v: 1,
  status: 'finished',
  end: 'finished',
  done: { ok: 951_204, unchanged: 14_310, gone: 9_912, denied: 4_020, failed: 2_113, skipped: 18_441 },
  doneTotal: 1_000_000,
  left: { total: 0, queued: 0, delayed: 0, inFlight: 0, following: 0 },
  elapsedMs: 13_260_000,
  eta: null,
  startedAt: '2026-11-21T02:00:00.000Z',
  endedAt: '2026-11-21T05:41:00.000Z',
  politeness: { efficiency: 0.964, boundMs: 12_780_000, key: 'big.example' },
  times: {
    total: { p50: 208, p90: 890, p99: 6_200, max: 30_000 },
    wait: { p50: 1_000, p90: 6_000, p99: 41_000, max: 300_000 },
    dns: { p50: 3, p90: 18, p99: 1_100, max: 5_000 },
  },
  why: {
    failed: [
      { code: 'TIMEOUT_HEADERS', urls: 1_204, hosts: 611 },
      { code: 'HTTP_STATUS', urls: 909, hosts: 1 },
    ],
    skipped: [{ code: 'ROBOTS_DENIED', urls: 18_441, hosts: 0 }],
    denied: [],
  },
  slowest: [
    { key: 'big.example', intervalMs: 6_000, p95Ms: 400, done: 1_120 },
    { key: 'old.example', intervalMs: 0, p95Ms: 9_100, done: 12 },
  ],
  outputs: ['pages 951,204 -> data/pages.ndjson'],
  failed: ['failed 0.21% > 0.1%'],
  exitCode: 3,
  bytes: 213 * 1024 ** 3,
}

export const opening: Opening = {
  how: 'continued',
  doneTotal: 412_720,
  left: 587_280,
  stopped: { agoMs: 840_000, reason: 'interrupted' },
  requeued: 0,
  lastCommitAgoMs: 0,
  changes: [{ name: 'delay', from: '1000', to: '2000' }],
}

function messages(language: Language): Record<string, string> {
  return JSON.parse(readFileSync(new URL(`../../src/locales/${language}.json`, import.meta.url), 'utf8')) as Record<
    string,
    string
  >
}

export function catalogOf(language: Language): Catalog {
  return createCatalog(language, messages(language), messages('en'))
}

export const english: Catalog = catalogOf('en')
