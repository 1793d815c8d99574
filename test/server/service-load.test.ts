/** Clients that mean no good: what they hold on to is bounded, and others do not notice. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { listenService } from '../../src/server/serve/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { clientOfService, until } from './running-service.ts'

const SLOW = 1000
const PAGES = 200

test('a thousand clients that never finish their requests are shut out, while others are served and a job goes on', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': 'page' }, answerMs: 20 } } })
  const dir = mkdtempSync(join(tmpdir(), 'sluice-load-'))
  const forced = { private: true, resolve: [origin.resolveFlag] }
  const service = await listenService({
    dir,
    port: 0,
    forced,
    defaults: { contact: 'https://lab.example/bot', delay: 0 },
  })
  const slow: Socket[] = []
  t.after(async () => {
    for (const socket of slow) socket.destroy()
    await service.close()
    await origin.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const client = clientOfService(service)
  const urls = Array.from({ length: PAGES }, (_, n) => `http://a.test/p/${n}`)
  assert.equal((await client.post('/api/jobs/fetch', { urls, name: 'list' })).status, 200)
  let shut = 0
  await Promise.all(
    Array.from({ length: SLOW }, async () => {
      const socket = connect(service.port, '127.0.0.1')
      socket.on('error', () => socket.destroy())
      socket.on('close', () => shut++)
      // Whoever does not read does not see that the other side has closed.
      socket.resume()
      slow.push(socket)
      await once(socket, 'connect')
      socket.write('GET /api/jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    }),
  )
  const began = performance.now()
  assert.equal((await client.get('/api/jobs')).status, 200)
  assert.ok(performance.now() - began < 1000, 'answered within a second')
  await until(
    async () => (await client.get('/api/jobs/list')).json,
    ({ state }) => state === 'finished',
  )
  await until(
    async () => shut,
    (count) => count === SLOW,
  )
  assert.equal((await client.get('/api/jobs/list')).json.done, PAGES)
})
