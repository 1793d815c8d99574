/** A crawl into a server is killed, and the server as well: each page is there once, as if nothing had happened. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { shop } from '../../src/testing/origin/shop.ts'
import { inFolder } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'
import { redisRows, skipRedis, startRedis } from '../sink/redis-server.ts'
import { assertBalanced, instants, killSluice } from './outputs.ts'

const SHOP = shop({ categories: 8, products: 50 })

test('a crawl of the shop, killed twice, is in a stream, a list and a hash of Redis, each page once', {
  skip: skipRedis,
}, async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: SHOP } } })
  t.after(() => origin.close())
  const redis = await startRedis()
  t.after(() => redis.close())
  await inFolder(async (cwd) => {
    const outputs = ['stream=s', 'list=l', 'hash=h'].flatMap((form) => ['-o', `${redis.url}?${form}`])
    const kills = instants(2, 400, 5)
    const report = await killSluice(['crawl', 'http://shop.test/', '-j', 'shop', ...fast(origin), ...outputs], {
      cwd,
      maxKills: 2,
      kill: { event: (run) => origin.until(kills[run - 1] as number, 'shop.test') },
      // The server dies with the second crawl: what it acknowledged is on its disk.
      onRestart: async (run) => {
        if (run !== 3) return
        await redis.kill()
        await redis.start()
      },
    })
    assert.equal(report.exitCode, 0, report.stderr)
    assert.equal(report.kills, 2)
    const [stream, list, hash] = await Promise.all([
      redisRows(redis.url, 'stream', 's'),
      redisRows(redis.url, 'list', 'l'),
      redisRows(redis.url, 'hash', 'h'),
    ])
    const urls = (rows: readonly unknown[]): string[] => (rows as { url: string }[]).map(({ url }) => url).toSorted()
    const found = urls(stream)
    assert.ok(found.length > 400)
    assert.equal(new Set(found).size, found.length)
    assert.deepEqual(urls(list), found)
    assert.deepEqual(urls(hash), found)
    assertBalanced(cwd, 'shop', found.length)
  })
})
