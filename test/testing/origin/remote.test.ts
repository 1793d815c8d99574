import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { startOriginProcess } from '../../../src/testing/origin/remote.ts'
import { ask } from '../raw-client.ts'

test('a fake web in another process serves described sites and evaluates its ledger there', async () => {
  const origin = await startOriginProcess({
    sites: { 'g.test': { robots: 'User-agent: *\n', content: { kind: 'graph', seed: 1, pages: 5 } } },
  })
  assert.notEqual(origin.pid, process.pid)
  await origin.site('p.test', { pages: { '/x': 'page x' }, faults: [{ kind: 'drop', every: 2 }] })
  await origin.raw('p.test', '/raw', Uint8Array.of(0, 255))
  const arrived = origin.until(4)
  assert.equal((await ask(origin.port, '/p/4', { host: 'g.test' })).status, 200)
  assert.equal((await ask(origin.port, '/x', { host: 'p.test' })).body, 'page x')
  assert.equal((await ask(origin.port, '/x', { host: 'p.test' })).text, '')
  assert.deepEqual([...(await ask(origin.port, '/raw', { host: 'p.test' })).bytes], [0, 255])
  await arrived
  const ledger = origin.ledger('p.test')
  assert.equal(await ledger.count(), 3)
  assert.equal(await origin.ledger().count(), 4)
  assert.deepEqual(
    [...(await ledger.paths())],
    [
      ['/x', 2],
      ['/raw', 1],
    ],
  )
  assert.equal((await origin.ledger().hosts()).get('g.test'), 1)
  assert.deepEqual(
    (await ledger.arrivals()).map(({ status }) => status),
    [200, 0, 0],
  )
  assert.equal((await ledger.statuses()).get(0), 2)
  assert.ok((await ledger.minGapMs()) > 0)
  assert.equal(await origin.ledger('g.test').minGapMs(), Number.POSITIVE_INFINITY)
  assert.equal((await ledger.violations(60_000)).length, 2)
  assert.equal(await ledger.maxConcurrent(), 1)
  assert.equal(await ledger.maxConcurrentPerHost(), 1)
  assert.equal(await ledger.connections(), 3)
  const bound = await ledger.boundMs(1000)
  assert.ok(bound >= 3000 && bound < 4000)
  assert.ok((await origin.ledger().boundMs(new Map([['g.test', 50_000]]))) >= 50_000)
  assert.ok((await origin.usage()).cpuMs > 0)
  await origin.clearFaults('p.test')
  await origin.fault('p.test', { kind: 'status', every: 1, status: 418 })
  assert.equal((await ask(origin.port, '/x', { host: 'p.test' })).status, 418)
  await origin.clearLedger()
  assert.equal(await origin.ledger().count(), 0)
  await assert.rejects(origin.site('a.*.test', {}), /not a host pattern/)
  const open = assert.rejects(origin.until(1), /origin process: closed/)
  await origin.close()
  await open
  await assert.rejects(origin.usage(), /origin process/)
  await origin.close()
})

test('a fake web in another process that cannot start is an error, and its process ends', async () => {
  const first = await startOriginProcess()
  await assert.rejects(startOriginProcess({ port: first.port }), /EADDRINUSE/)
  await first.close()
})

const taskset = process.platform === 'linux' && spawnSync('taskset', ['-V']).status === 0
test('a fake web can be bound to a core', { skip: taskset ? false : 'taskset is not here' }, async () => {
  const origin = await startOriginProcess({ cpu: 0 })
  assert.equal((await ask(origin.port, '/ok')).status, 200)
  await origin.close()
})
