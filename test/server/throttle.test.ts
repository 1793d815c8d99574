/** Guessing the key is slow: five wrong ones a second, by a clock that the test turns. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono } from 'hono'
import { createAccess } from '../../src/server/access.ts'

test('after five wrong keys within a second others wait for its end, the right one never', async () => {
  let now = 5000
  const access = createAccess(
    () => 80,
    'right',
    () => now,
  )
  const app = new Hono()
  app.post('/key', access.exchange)
  app.use('/api/*', access.known)
  app.get('/api/job', (context) => context.text('job'))
  const ask = (key: string): Response | Promise<Response> =>
    app.request('/api/job', { headers: { authorization: `Bearer ${key}` } })
  const exchange = (key: string): Response | Promise<Response> =>
    app.request('/key', { method: 'POST', body: JSON.stringify({ key }) })

  for (let n = 0; n < 3; n++) assert.equal((await ask(`wrong${n}`)).status, 401)
  for (let n = 0; n < 2; n++) assert.equal((await exchange(`wrong${n}`)).status, 401)
  now += 999
  for (const refused of [await ask('wrong'), await exchange('wrong'), await app.request('/api/job')]) {
    assert.equal(refused.status, 429)
    assert.equal(refused.headers.get('retry-after'), '1')
  }
  assert.equal((await ask('right')).status, 200)
  assert.equal((await exchange('right')).status, 204)
  now += 1
  for (let n = 0; n < 5; n++) assert.equal((await ask('wrong')).status, 401)
  assert.equal((await ask('wrong')).status, 429)
})
