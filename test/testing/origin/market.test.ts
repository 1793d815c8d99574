import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documents } from '../../../src/testing/origin/documents.ts'
import { market } from '../../../src/testing/origin/market.ts'
import { ask, openWeb } from '../raw-client.ts'

test('the market links to its listings, half of them in latin-1, and its first page can be down', async (t) => {
  const content = market({ categories: 3, segments: 4 })
  const sites = { 'm.test': { content }, 'down.test': { content: { kind: 'market', down: true } as const } }
  const origin = await openWeb(t, { sites })
  const home = await ask(origin.port, '/market/', { host: 'm.test' })
  const links = [...home.body.matchAll(/<dd><a class="seglnk" href='([^']*)'/g)].map(([, href]) => href)
  assert.deepEqual(links, content.listings)
  const charsets = new Map<string, number>()
  for (const path of content.listings) {
    const { status, head } = await ask(origin.port, path, { host: 'm.test' })
    assert.equal(status, 200)
    const charset = /charset=(\S+)/.exec(head)?.[1] ?? ''
    charsets.set(charset, (charsets.get(charset) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(charsets), { 'iso-8859-1': 6, 'utf-8': 6 })
  assert.equal((await ask(origin.port, '/market/', { host: 'down.test' })).status, 503)
  assert.equal((await ask(origin.port, '/market/4/1', { host: 'm.test' })).status, 404)
})

test('documents have validators and are not sent again to who has them', async (t) => {
  const origin = await openWeb(t, { sites: { 'd.test': { content: documents({ count: 2, waitMs: 1 }) } } })
  const first = await ask(origin.port, '/pdf/2.pdf', { host: 'd.test' })
  assert.match(first.head, /ETag: "pdf-2"/)
  assert.match(first.body, /^%PDF-1\.4[^]*\(Document 2, page 1 of 2\)[^]*%%EOF\n$/)
  const again = await ask(origin.port, '/pdf/2.pdf', { host: 'd.test', headers: { 'If-None-Match': '"pdf-2"' } })
  assert.equal(again.status, 304)
  assert.equal((await ask(origin.port, '/pdf/9.pdf', { host: 'd.test' })).status, 404)
})
