/** Shared by the tests that run the real command against the fake web: flags, records, the outcome of a run. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PageRecord } from '../../src/model/record.ts'
import type { Summary } from '../../src/job/job.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { shop } from '../../src/testing/origin/shop.ts'

/** Flags of a run at full speed against the fake web. */
export function fast(origin: Origin, perHost = 64): string[] {
  return [...polite(origin), '--delay', '0', '--per-host', String(perHost), '-c', String(perHost)]
}

/** Flags of a polite run: names lead to the fake web, somebody can be reached. */
export function polite(origin: Origin): string[] {
  return ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--progress', 'none']
}

export function readRecords(path: string): PageRecord[] {
  const text = readFileSync(path, 'utf8')
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as PageRecord)
}

export function countOutcomes(records: readonly PageRecord[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of records) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

export function readSummary(folder: string, job: string): Summary {
  return JSON.parse(readFileSync(join(folder, `${job}.sluice`, 'summary.json'), 'utf8')) as Summary
}

/** Requests for pages that arrived more than once. */
export function fetchedAgain(origin: Origin, host: string): number {
  let again = 0
  for (const [path, count] of origin.ledger(host).paths()) if (!path.endsWith('/robots.txt')) again += count - 1
  return again
}

export interface ShopItem {
  readonly title: string
  readonly price: number
  readonly currency: string
  readonly available: boolean
  readonly category: string[]
  readonly image: string
}

/** What the bundled shop has at shop.test, as items. */
export function shopItems(): ShopItem[] {
  return shop().products.map(({ id, name, category, price, inStock }) => ({
    title: name,
    price: Number(price),
    currency: 'USD',
    available: inStock,
    category: ['Home', category[0]?.toUpperCase() + category.slice(1)],
    image: `http://shop.test/img/${id}.png`,
  }))
}
