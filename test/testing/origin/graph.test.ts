import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { graph } from '../../../src/testing/origin/graph.ts'
import { ask, openWeb } from '../raw-client.ts'

test('every page of a generated site is reachable from its first, whatever its size', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 12 }),
      (seed, pages, links) => {
        const site = graph({ seed, pages, links })
        const seen = new Set([0])
        for (const n of seen) {
          const to = site.linksOf(n)
          assert.equal(new Set(to).size, to.length)
          assert.ok(to.length <= links)
          for (const page of to) {
            assert.ok(page >= 0 && page < pages)
            seen.add(page)
          }
        }
        assert.equal(seen.size, pages)
        assert.equal(site.size, pages + 1)
      },
    ),
    { numRuns: 50 },
  )
})

test('a crawl of a generated site by its written links finds every page and no other', async (t) => {
  const content = graph({ seed: 5, pages: 200, links: 7 })
  const origin = await openWeb(t, { sites: { 'a.test': { content } } })
  const forms = new Set<string>()
  const queue = ['/']
  const seen = new Set(queue)
  for (const path of queue) {
    const { status, body } = await ask(origin.port, path, { host: 'a.test:8080' })
    assert.equal(status, 200, path)
    for (const [, href] of body.matchAll(/href="([^"]*)"/g)) {
      forms.add((href as string).replace(/\d+/g, 'N'))
      const url = new URL(href as string, `http://a.test:8080${path}`)
      assert.equal(url.host, 'a.test:8080')
      if (seen.has(url.pathname)) continue
      seen.add(url.pathname)
      queue.push(url.pathname)
    }
  }
  assert.deepEqual([...seen].sort(), [...content.paths()].sort())
  const absolute = [...forms].some((form) => form.startsWith('http://a.test:N/p/'))
  assert.ok(absolute, [...forms].join(' '))
  for (const form of ['N', '../p/N', '/p/N', '/p/N#again']) assert.ok(forms.has(form), form)
})

test('the same seed generates the same bytes, another seed or version others', async (t) => {
  const pageOf = async (options: { seed: number; version?: number }, host = 'a.test'): Promise<string> => {
    const content = { kind: 'graph' as const, pages: 50, bytes: 4000, ...options }
    const origin = await openWeb(t, { sites: { [host]: { content } } })
    const { text, body } = await ask(origin.port, '/p/9', { host })
    assert.equal(body.length, 4000)
    return text
  }
  const first = await pageOf({ seed: 1 })
  assert.equal(await pageOf({ seed: 1 }), first)
  assert.equal(await pageOf({ seed: 1 }, 'b.test'), first)
  assert.notEqual(await pageOf({ seed: 2 }), first)
  assert.notEqual(await pageOf({ seed: 1, version: 2 }), first)
})

test('pages of a generated site answer conditional requests', async (t) => {
  const origin = await openWeb(t, { sites: { '*': { content: { kind: 'graph', seed: 1, pages: 10 } } } })
  for (const path of ['/', '/p/3']) {
    const { head } = await ask(origin.port, path)
    const etag = /\r\nETag: (.*)\r\n/.exec(head)?.[1] as string
    assert.equal((await ask(origin.port, path, { headers: { 'If-None-Match': etag } })).status, 304)
    assert.equal((await ask(origin.port, path, { headers: { 'if-none-match': '"other"' } })).status, 200)
  }
})

test('the sitemap of a generated site lists all its pages', async (t) => {
  const content = graph({ seed: 1, pages: 30 })
  const origin = await openWeb(t, { sites: { '*': { content } } })
  const { body } = await ask(origin.port, '/sitemap.xml', { host: 'a.test' })
  assert.deepEqual(
    [...body.matchAll(/<loc>http:\/\/a\.test(.*?)<\/loc>/g)].map(([, path]) => path),
    [...content.paths()],
  )
})

test('a generated site has no pages beyond its own', async (t) => {
  const origin = await openWeb(t, { sites: { '*': { content: { kind: 'graph', seed: 1, pages: 10 } } } })
  for (const path of ['/p/10', '/p/007', '/p/', '/p/x', '/p/3/', '/p/3?q', '/p/-1']) {
    assert.equal((await ask(origin.port, path)).status, 404, path)
  }
  assert.throws(() => graph({ seed: 1, pages: 0 }), RangeError)
})
