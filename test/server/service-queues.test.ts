/** Queues of a service: behind its keys, over a stop and a start, in its folder. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { listenService, readKeys } from '../../src/server/serve/index.ts'
import { clientOf, clientOfService } from './running-service.ts'

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

test('requests without a length, and in chunks, are answered as those with one', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-service-queues-'))
  const service = await listenService({ dir, port: 0 })
  t.after(async () => {
    await service.close()
    rmSync(dir, { recursive: true, force: true })
  })
  const { key } = clientOfService(service)
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\nAuthorization: Bearer ${key}\r\nConnection: close\r\n`
  const send = async (text: string): Promise<string> => {
    const socket = connect(service.port, '127.0.0.1')
    socket.end(text)
    let answer = ''
    for await (const bytes of socket) answer += String(bytes)
    return answer
  }
  assert.match(
    await send(`${head('/queues/todo')}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),
    /^HTTP\/1.1 201 /,
  )
  assert.match(await send(`${head('/queues/todo/take')}\r\n`), /^HTTP\/1.1 200 [\s\S]*hello$/)
  assert.match(await send(`${head('/queues/todo/take')}\r\n`), /^HTTP\/1.1 204 /)
  assert.match(await send(`${head('/api/jobs/none/pause')}\r\n`), /^HTTP\/1.1 404 /)
})
