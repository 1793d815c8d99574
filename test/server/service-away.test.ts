/** R5: Redis is away when the service starts, stops answering, and comes back: a real one, stopped by signals. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { listenService } from '../../src/server/serve/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { redisRows, skipRedis, startRedis } from '../sink/redis-server.ts'
import { clientOfService, until } from './running-service.ts'
import type { Client } from './running-service.ts'

const OWN = { skip: process.env['REDIS_URL'] === undefined ? skipRedis : 'it needs a server of its own' }

test(
  'with Redis away a service is up, says so and refuses jobs at once; it works once Redis is there, without a restart',
  OWN,
  async (t) => {
    const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': 'page' }, answerMs: 10 } } })
    const redis = await startRedis()
    await redis.kill()
    const dir = mkdtempSync(join(tmpdir(), 'sluice-away-'))
    const place = new URL(redis.url)
    place.searchParams.set('stream', 'pages')
    const service = await listenService({
      dir,
      port: 0,
      forced: { private: true, resolve: [origin.resolveFlag] },
      defaults: { contact: 'https://lab.example/bot', delay: 0 },
      outputs: [place.href],
    })
    t.after(async () => {
      await service.close()
      await redis.close()
      await origin.close()
      rmSync(dir, { recursive: true, force: true })
    })
    const client = clientOfService(service)
    const urls = Array.from({ length: 40 }, (_, n) => `http://a.test/p/${n}`)
    await isAway(client)
    await redis.start()
    await health(client, 'ok')
    assert.equal((await client.post('/api/jobs/fetch', { urls, name: 'list' })).status, 200)

    // It takes connections and answers nothing: the job waits, and so does nobody else.
    await origin.until(10)
    redis.child.kill('SIGSTOP')
    await isAway(client)
    const began = performance.now()
    assert.equal((await client.get('/api/jobs/list')).status, 200)
    assert.ok(performance.now() - began < 1000, 'answered within a second')
    redis.child.kill('SIGCONT')
    await health(client, 'ok')
    const row = await until(
      async () => (await client.get('/api/jobs/list')).json,
      ({ state }) => state === 'finished',
    )
    assert.deepEqual([row.known, row.outcomes.ok], [urls.length, urls.length])
    const stored = (await redisRows(redis.url, 'stream', 'pages')) as { readonly url: string }[]
    assert.equal(stored.length, urls.length)
    assert.equal(new Set(stored.map(({ url }) => url)).size, urls.length)
  },
)

async function health(client: Client, wanted: 'ok' | 'degraded'): Promise<void> {
  await until(
    async () => (await client.get('/healthz')).json.status,
    (status) => status === wanted,
  )
}

/** Says so, and refuses a job within a second. */
async function isAway(client: Client): Promise<void> {
  await health(client, 'degraded')
  const { json, text } = await client.get('/healthz')
  assert.match(json.needs[0].name, /^redis:\/\/127\.0\.0\.1:\d+$/, text)
  const began = performance.now()
  const refused = await client.post('/api/jobs/fetch', { urls: ['http://a.test/p/1'], name: 'refused' })
  assert.deepEqual([refused.status, refused.json.error.code], [503, 'SINK_UNREACHABLE'])
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  assert.ok(performance.now() - began < 1000, 'refused within a second')
}
