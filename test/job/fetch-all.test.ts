import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fetchAll } from '../../src/job/fetch-all.ts'
import type { Page } from '../../src/job/fetch-all.ts'
import { startOrigin } from '../../src/testing/origin.ts'

test('a page that was fetched gives its body as bytes, as text and as JSON, and its size', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/': '{"word":"größe"}' } } } })
  const pages: Page[] = []
  for await (const page of fetchAll('http://a.test/', { resolve: [origin.resolveFlag], delay: 0 })) {
    const { response } = page
    assert.ok(response)
    const text = '{"word":"größe"}'
    assert.equal(Buffer.from(await response.bytes()).toString('utf8'), text)
    assert.deepEqual([response.size, page.record.bytes], [Buffer.byteLength(text), Buffer.byteLength(text)])
    assert.deepEqual(await response.json(), { word: 'größe' })
    pages.push(page)
  }
  assert.equal(pages.length, 1)
  await origin.close()
})

test('what was odd about an answer stands in the flags of its record', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: {} } } })
  const reply =
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain'
  await origin.raw('a.test', '/odd', reply)
  const flags: unknown[] = []
  for await (const page of fetchAll('http://a.test/odd', { resolve: [origin.resolveFlag], delay: 0 })) {
    flags.push(page.outcome, page.record.flags)
  }
  assert.deepEqual(flags, ['ok', ['not-encoded']])
  await origin.close()
})
