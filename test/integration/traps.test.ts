/** Sites without an end, and honest ones that look a little like them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { endlessPages, REAL_PAGES, TRAP_NAMES } from '../../src/testing/origin/endless.ts'
import { optionsFor, runJob } from '../faults/web.ts'

const BUDGET = 200
/** Pages of one shape that are fetched at most: what is not looked at, and what the queue held of them in flight. */
const MOST = 2 * BUDGET + 200
/** Those whose shapes are many, each with a budget: combinations of filters have two together. */
const SHAPES: Readonly<Record<string, number>> = { facets: 8 }

for (const name of TRAP_NAMES) {
  test(`the trap ${name} ends within its budget, names the rule, and costs no real page`, async (t) => {
    const origin = await startOrigin({ sites: { '*': endlessPages([name]) } })
    t.after(() => origin.close())
    const options = { ...optionsFor(origin), scope: 'domain' as const, trapBudget: BUDGET, limit: 20_000 }
    const records = await runJob('crawl', 'http://site.test/', options)
    const isReal = (url: string): boolean => /\/real\/\d+$/.test(url)
    const real = records.filter(({ url, outcome }) => isReal(url) && outcome === 'ok')
    assert.equal(real.length, REAL_PAGES)
    const fetched = records.filter(({ url, outcome }) => !isReal(url) && outcome !== 'skipped').length
    assert.ok(fetched <= MOST * (SHAPES[name] ?? 1), `${fetched} pages of the trap were fetched`)
    const refused = records.filter(({ code }) => code === 'TRAP_LIMIT')
    assert.ok(refused.length > 0)
    for (const { message } of refused) assert.match(message ?? '', /^(path|query|a parameter|trap budget)/)
  })
}

test('ten thousand pages that differ in numbers alone, linked among themselves, are all fetched', async (t) => {
  const site = { content: { kind: 'graph' as const, seed: 5, pages: 10_000 } }
  const origin = await startOrigin({ sites: { 'site.test': site } })
  t.after(() => origin.close())
  const records = await runJob('crawl', 'http://site.test/', { ...optionsFor(origin), scope: 'host' })
  assert.equal(records.filter(({ outcome }) => outcome === 'ok').length, 10_001)
  assert.deepEqual([...new Set(records.map(({ outcome }) => outcome))], ['ok'])
})
