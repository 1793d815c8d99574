/** A tail as a job: what it keeps, what it says, what it refuses. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createJob, tail } from '../../src/index.ts'
import type { Job, JobOptions } from '../../src/index.ts'
import { explainUrl, openStatus } from '../../src/job/index.ts'
import { inFolder } from '../cli/run-cli.ts'

function hit(n: number, status: number, referrer: string): string {
  return `::1 - - [01/Jan/2026:00:00:${String(n).padStart(2, '0')} +0000] "GET /p/${n} HTTP/1.1" ${status} 1 "${referrer}" "a"\n`
}

function tailOf(path: string, options: JobOptions): Job {
  return createJob({ kind: 'tail', seeds: path, job: `${path}.job`, ...options })
}

test('the page of referrers holds the last 35 hits from elsewhere, escaped, over restarts', async () => {
  await inFolder(async (cwd) => {
    const path = join(cwd, 'access.log')
    let text = hit(0, 404, 'https://no.example/') + hit(1, 200, '-')
    for (let n = 2; n < 40; n++) text += hit(n, 200, `https://from.example/${n}`)
    writeFileSync(path, text)
    const options = { parse: 'combined', view: 'referrers' } as const
    const first = await tailOf(path, { ...options, limit: 40 }).run()
    assert.equal(first.end, 'limit')
    appendFileSync(path, hit(41, 200, 'javascript:alert(1)') + hit(42, 200, 'https://x.example/\\"><script>'))
    await tailOf(path, { ...options, limit: 42 }).run()
    const page = readFileSync(join(`${path}.job.sluice`, 'referrers.html'), 'utf8')
    const rows = [...page.matchAll(/<tr><td>(\S+?)<td>(\S+?)<td>(.*)/g)]
    assert.equal(rows.length, 35)
    assert.equal(rows[0]?.[2], '/p/42')
    assert.equal(rows[34]?.[2], '/p/7')
    assert.equal(rows[1]?.[3], 'javascript:alert(1)', 'no link')
    assert.equal(page.includes('<script>'), false)
    assert.match(page, /href="https:\/\/from\.example\/39"/)
  })
})

test('a tail of a file says where it stands, warns of what may be lost, and keeps lines it cannot read', async () => {
  await inFolder(async (cwd) => {
    const path = join(cwd, 'access.log')
    writeFileSync(path, `${hit(1, 200, '-')}not a hit\n`)
    const job = tailOf(path, { parse: 'combined', limit: 3 })
    const warned: string[] = []
    const rejected: string[] = []
    job.on('warning.raised', ({ code }) => warned.push(code))
    job.on('item.rejected', ({ value }) => rejected.push(value))
    job.on('item.stored', ({ position }) => {
      if (position !== 1) return
      truncateSync(path)
      appendFileSync(path, hit(2, 200, '-'))
    })
    const { extraction, end, left, warnings } = await job.run()
    assert.deepEqual([extraction?.items, extraction?.rejected, end, left.total], [3, 1, 'limit', 1])
    assert.deepEqual(warned, ['LOG_LOST'])
    assert.equal(warnings[0]?.code, 'LOG_LOST')
    assert.deepEqual(rejected, ['{"line":"not a hit"}'])
    const status = await openStatus(job.folder)
    assert.deepEqual([status.kind, status.live, status.status, status.extraction?.items], ['tail', false, 'limit', 3])
    assert.equal((await explainUrl(job.folder, 'https://a.test/')).state, 'unknown')
  })
})

test('a paused tail reads no further than its buffers until it goes on', async () => {
  await inFolder(async (cwd) => {
    const path = join(cwd, 'numbers.ndjson')
    writeFileSync(path, Array.from({ length: 5_000 }, (_, n) => `${n}\n`).join(''))
    const job = tailOf(path, { limit: 5_000 })
    await job.pause('a test')
    const running = job.run()
    const { promise, resolve } = Promise.withResolvers<void>()
    job.on('item.stored', () => resolve())
    await promise
    const { extraction, status } = await job.snapshot()
    assert.equal(status, 'paused')
    assert.ok((extraction?.items ?? 0) < 5_000)
    await job.resume('a test')
    assert.equal((await running).extraction?.items, 5_000)
    const lines = readFileSync(join(job.folder, 'items.ndjson'), 'utf8').trimEnd().split('\n')
    assert.deepEqual(lines.map(Number), [...lines.keys()])
  })
})

test('a reader that leaves tail() ends it, and without a job nothing is kept', async () => {
  await inFolder(async (cwd) => {
    const path = join(cwd, 'a.ndjson')
    writeFileSync(path, '{"n":1}\n{"n":2}\n{"n":3}\n')
    const seen: number[] = []
    for await (const { n } of tail<{ n: number }>(path)) {
      seen.push(n)
      if (n === 2) break
    }
    assert.deepEqual(seen, [1, 2])
  })
})

test('a tail cannot be another job, nor be retried or set while it runs', async () => {
  await inFolder(async (cwd) => {
    const path = join(cwd, 'a.log')
    writeFileSync(path, 'x\n')
    const job = tailOf(path, { limit: 1 })
    await assert.rejects(job.retry({}), { code: 'OPTION_INVALID' })
    await assert.rejects(job.set('delay', 1, 'a test'), { code: 'OPTION_INVALID' })
    await job.run()
    const other = createJob({ kind: 'tail', seeds: join(cwd, 'b.log'), job: `${path}.job` })
    await assert.rejects(other.run(), { code: 'JOB_MISMATCH' })
    rmSync(path)
    await assert.rejects(tailOf(path, { fresh: true }).run(), { code: 'INPUT_UNREADABLE' })
  })
})
