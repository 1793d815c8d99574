/** A service that dies: its jobs go on with the next one by themselves, and nothing is lost or doubled. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder } from '../cli/run-cli.ts'
import { readRecords } from '../integration/web.ts'
import { startService, until } from '../server/running-service.ts'
import type { RunningService } from '../server/running-service.ts'

const PAGES = 250
const JOBS = ['first', 'second'] as const

test('jobs of a service go on after it is killed alone, killed with them, and stopped: each URL has one record', async (t) => {
  const site = { pages: { '/p/*': { body: '<title>page</title>' } }, answerMs: 8 }
  const origin = await startOrigin({ sites: { 'first.test': site, 'second.test': site, 'held.test': site } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    let service = await startService(cwd, origin)
    const options = { delay: 0, perHost: 2 }
    for (const name of JOBS) {
      const urls = Array.from({ length: PAGES }, (_, n) => `http://${name}.test/p/${n}`)
      const { status, json } = await service.post('/api/jobs/fetch', { name, urls, options, out: ['pages.ndjson'] })
      assert.equal(status, 200, JSON.stringify(json))
    }
    const held = { name: 'held', urls: ['http://held.test/p/1'], paused: true }
    assert.equal((await service.post('/api/jobs/fetch', held)).status, 200)

    await origin.until(80)
    await service.kill()
    service = await startService(cwd, origin)

    await origin.until(200)
    const pids = await Promise.all(JOBS.map((name) => pidOf(service, name)))
    await service.kill()
    for (const pid of pids) if (pid !== undefined) process.kill(pid, 'SIGKILL')
    service = await startService(cwd, origin)

    await origin.until(320)
    assert.equal(await service.stop(), 0)
    const atStop = origin.ledger().count
    service = await startService(cwd, origin)
    assert.ok(atStop < JOBS.length * PAGES, 'they were stopped in the middle')
    for (const name of JOBS) {
      const row = await until(
        async () => (await service.get(`/api/jobs/${name}`)).json,
        ({ state }) => state === 'finished',
      )
      assert.deepEqual([row.known, row.done, row.outcomes.ok, row.left], [PAGES, PAGES, PAGES, 0])
      const records = readRecords(join(cwd, `${name}.sluice`, 'out', 'pages.ndjson'))
      assert.equal(records.length, PAGES)
      assert.equal(new Set(records.map(({ url }) => url)).size, PAGES)
    }
    // What was paused is paused still, and what was finished is not run again.
    const paused = await until(
      async () => (await service.get('/api/jobs/held')).json,
      ({ state }) => state === 'paused',
    )
    assert.equal(paused.done, 0)
    assert.equal(origin.ledger('held.test').count, 0)
    const before = origin.ledger().count
    await service.stop()
    service = await startService(cwd, origin)
    await until(
      async () => (await service.get('/api/jobs/held')).json.state,
      (state) => state === 'paused',
    )
    assert.equal((await service.get('/api/jobs/first')).json.state, 'finished')
    assert.equal(origin.ledger().count, before)
    await service.stop()
  })
})

test('a job that dies is started again by itself and takes neither the service nor another job with it', async (t) => {
  const site = { pages: { '/p/*': { body: 'page' } }, answerMs: 10 }
  const origin = await startOrigin({ sites: { 'first.test': site, 'second.test': site } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const service = await startService(cwd, origin)
    for (const name of JOBS) {
      const urls = Array.from({ length: 100 }, (_, n) => `http://${name}.test/p/${n}`)
      await service.post('/api/jobs/fetch', { name, urls, options: { delay: 0 } })
    }
    await origin.until(30)
    const [first, second] = await Promise.all(JOBS.map((name) => pidOf(service, name)))
    process.kill(first as number, 'SIGKILL')
    const waiting = await until(
      async () => (await service.get('/api/jobs/first')).json,
      ({ state }) => state === 'waiting',
    )
    assert.match(waiting.reason, /SIGKILL/)
    for (const name of JOBS) {
      const row = await until(
        async () => (await service.get(`/api/jobs/${name}`)).json,
        ({ state }) => state === 'finished',
      )
      assert.deepEqual([row.known, row.outcomes.ok], [100, 100])
      assert.equal(readRecords(join(cwd, `${name}.sluice`, 'pages.ndjson')).length, 100)
    }
    const started = (await service.get('/jobs/second/api/events?wait=0')).json.events
    assert.deepEqual(
      started.filter(({ type }: { type: string }) => type === 'job.started').map(({ pid }: { pid: number }) => pid),
      [second],
    )
    await service.stop()
  })
})

/** Of the process that runs a job, once it is there. */
async function pidOf(service: RunningService, name: string): Promise<number | undefined> {
  const status = await until(
    async () => service.get(`/jobs/${name}/api/job`),
    ({ status: code, json }) => code === 200 && json?.live === true,
  )
  return status.json.owner?.pid
}
