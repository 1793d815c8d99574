/** Queues of a service: behind its keys, over a stop and a start, in its folder. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { listenService, readKeys } from '../../src/server/serve/index.ts'
import { clientOf } from './running-service.ts'

test('queues of a service need a key that may change things, and outlive the service', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-service-queues-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const keys = join(dir, 'keys.txt')
  const [ann, bob] = ['a'.repeat(24), 'b'.repeat(24)]
  writeFileSync(keys, `ann ${ann}\nbob ${bob} read\n`)
  const open = async () => {
    const service = await listenService({ dir, port: 0, holders: readKeys(keys) })
    return { service, client: clientOf(`http://127.0.0.1:${service.port}/`, ann) }
  }
  const first = await open()
  assert.equal((await first.client.send('/queues/todo', { method: 'POST', body: 'one' }, '')).status, 401)
  assert.equal((await first.client.send('/queues/todo', { method: 'POST', body: 'one' }, bob)).status, 403)
  for (const body of ['one', 'two'])
    assert.equal((await first.client.send('/queues/todo', { method: 'POST', body })).status, 201)
  assert.equal((await first.client.send('/queues/todo/take', { method: 'POST' })).text, 'one')
  assert.equal((await first.client.send('/queues/todo', {}, bob)).json.ready, 1)
  await first.service.close()
  const second = await open()
  t.after(() => second.service.close())
  assert.equal((await second.client.send('/queues/todo/take', { method: 'POST' })).text, 'two')
  assert.deepEqual(
    (await second.client.get('/queues')).json.queues.map(({ name }: { name: string }) => name),
    ['todo'],
  )
})
