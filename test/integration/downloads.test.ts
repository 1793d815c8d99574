/** Downloads through the real command: interrupted by the network, by a stop, by kills. The long form is test/long. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createJob, fetchAll, SluiceError } from '../../src/index.ts'
import type { Sink } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { downloadBytes } from '../../src/testing/origin/downloads.ts'
import { killSluice } from '../crash/outputs.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { BOUND, killDownloads } from './download-kills.ts'
import { fast, readRecords } from './web.ts'

const BYTES = 3_000_000

test('downloads killed at two random instants end whole, and little of them is sent twice', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const outs = ['out/{host}/{name}{ext}', 'bodies/', 'pages.ndjson']
    const work = { files: 12, bytes: BYTES, kills: 2, atOnce: 12, rate: 1_000_000, seed: 18, outs }
    const figures = await killDownloads(origin, cwd, work)
    assert.ok(figures.resumed > 0, 'the kills came between downloads')
    assert.ok(figures.most <= BOUND, `${figures.most} bytes of a file were sent twice for one kill`)
    assert.equal(
      readdirSync(join(cwd, 'bodies', 'files'), { recursive: true }).filter((name) => String(name).endsWith('.bin'))
        .length,
      12,
    )
  })
})

test('deaths that a download outgrows do not count: it ends well after any number of them', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const bytes = 12_000_000
    const path = `/download/${bytes}/a.bin?rate=6000000`
    const args = ['fetch', origin.url('files.test', path), '-j', 'one', ...fast(origin, 1), '-o', 'out/{name}{ext}']
    const report = await killSluice(args, {
      cwd,
      maxKills: 7,
      timeoutMs: 120_000,
      kill: { event: (run) => origin.untilSent(run * 1_600_000) },
    })
    assert.deepEqual([report.kills, report.exitCode], [7, 0], report.stderr)
    assert.ok(readFileSync(join(cwd, 'out', 'a.bin')).equals(downloadBytes(`files.test${path}`, 0, bytes)))
  })
})

test('a download that the network breaks off goes on in the next attempt, and its record says so', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const path = `/download/${BYTES}/a.bin?cut=2700000`
    const args = ['fetch', origin.url('files.test', path), '-j', 'one', ...fast(origin, 1), '-o', 'out/{name}{ext}']
    const ended = await runCli(args, { cwd })
    assert.equal(ended.code, 0, ended.stderr)
    assert.ok(readFileSync(join(cwd, 'out', 'a.bin')).equals(downloadBytes(`files.test${path}`, 0, BYTES)))
    const [record] = readRecords(join(cwd, 'out', 'pages.ndjson'))
    assert.equal(record?.outcome, 'ok')
    assert.equal(record.status, 200)
    assert.equal(record.bytes, BYTES)
    assert.equal(record.attempt, 2)
    assert.deepEqual(record.flags, ['resumed'])
    assert.equal(record.mime, 'application/octet-stream')
    const ranges = [...origin.ledger('files.test').arrivals()].map(({ headers }) => headers['range'])
    assert.deepEqual(ranges, [undefined, undefined, 'bytes=2700000-'], 'robots.txt, the whole, the rest')
    assert.equal(existsSync(join(cwd, 'one.sluice', 'parts')), false)

    // The version is the same: nothing is fetched, and what is there stays.
    const again = await runCli([...args, '--if-changed'], { cwd })
    assert.equal(again.code, 0, again.stderr)
    const records = readRecords(join(cwd, 'out', 'pages.ndjson'))
    assert.equal(records.at(-1)?.outcome, 'unchanged')
    assert.equal(records.at(-1)?.status, 304)
  })
})

test('a rest that fits no more is asked for whole at once, and no attempt is counted for it', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const path = `/download/${BYTES}/a.bin?cut=2700000`
  const host = 'files.test'
  origin.handle(host, '/download/*', (request) =>
    request.header('range') === undefined
      ? undefined
      : { status: 416, headers: { 'Content-Range': 'bytes */5' }, body: 'shorter now' },
  )
  await inFolder(async (cwd) => {
    const retries = ['--retries', '1', '--delay', '50ms']
    const args = ['fetch', origin.url(host, path), '-j', 'one', ...fast(origin, 1), ...retries, '-o', 'out/{name}{ext}']
    const ended = await runCli(args, { cwd })
    assert.equal(ended.code, 0, ended.stderr)
    assert.ok(readFileSync(join(cwd, 'out', 'a.bin')).equals(downloadBytes(host + path, 0, BYTES)))
    assert.equal(readRecords(join(cwd, 'out', 'pages.ndjson'))[0]?.attempt, 2)
    const ledger = origin.ledger(host)
    assert.deepEqual(
      [...ledger.arrivals()].map(({ headers }) => headers['range']),
      [undefined, undefined, 'bytes=2700000-', undefined],
    )
    assert.deepEqual(ledger.violations(50), [], 'it waits for its turn')
  })
})

test('a download that fails for good leaves no part and no file', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const path = `/download/${BYTES}/a.bin?cut=600000&cuts=9`
    const args = ['fetch', origin.url('files.test', path), '-j', 'one', ...fast(origin, 1), '--retries', '1']
    const ended = await runCli([...args, '-o', 'out/{name}{ext}'], { cwd })
    assert.equal(ended.code, 3, ended.stderr)
    const [record] = readRecords(join(cwd, 'out', 'pages.ndjson'))
    assert.equal(record?.code, 'TRUNCATED')
    assert.equal(record.bytes, 1_200_000)
    assert.equal(existsSync(join(cwd, 'out', 'a.bin')), false)
    assert.equal(existsSync(join(cwd, 'one.sluice', 'parts')), false)
  })
})

test('a download that was stopped goes on with the job, and parts that nobody waits for are removed', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const path = `/download/${BYTES}/a.bin?rate=2000000`
    const args = ['fetch', origin.url('files.test', path), '-j', 'one', ...fast(origin, 1), '-o', 'out/{name}{ext}']
    const { child, ended } = start([...args, '--drain', '0s'], { cwd })
    await origin.untilSent(2_000_000)
    child.kill('SIGINT')
    assert.equal((await ended).code, 130)
    const folder = join(cwd, 'one.sluice', 'parts')
    const [state] = readdirSync(folder).filter((name) => name.endsWith('.json'))
    const { count } = JSON.parse(readFileSync(join(folder, state as string), 'utf8')) as { count: number }
    assert.ok(count > 0)

    // What a death between a settlement and the end of its part would leave.
    writeFileSync(join(folder, '00000000000000aa.part'), Buffer.alloc(count))
    writeFileSync(join(folder, '00000000000000aa.json'), readFileSync(join(folder, state as string)))
    const again = await runCli(args, { cwd })
    assert.equal(again.code, 0, again.stderr)
    assert.ok(readFileSync(join(cwd, 'out', 'a.bin')).equals(downloadBytes(`files.test${path}`, 0, BYTES)))
    assert.equal(existsSync(folder), false)
    const last = [...origin.ledger('files.test').arrivals()].at(-1)
    assert.equal(last?.headers['range'], `bytes=${count}-`)
  })
})

test('a redirect target has a part of its own under the row that waits for it', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const path = `/download/${BYTES}/a.bin?cut=2000000`
  origin.handle('a.test', '/file', () => ({ status: 302, headers: { Location: `http://files.test${path}` } }))
  await inFolder(async (cwd) => {
    const args = ['fetch', origin.url('a.test', '/file'), '-j', 'one', ...fast(origin, 1), '-o', 'out/{name}{ext}']
    const ended = await runCli(args, { cwd })
    assert.equal(ended.code, 0, ended.stderr)
    const [record] = readRecords(join(cwd, 'out', 'pages.ndjson'))
    assert.deepEqual(record?.flags, ['resumed'])
    assert.ok(readFileSync(join(cwd, 'out', String(record.file))).equals(downloadBytes(`files.test${path}`, 0, BYTES)))
    assert.equal(existsSync(join(cwd, 'one.sluice', 'parts')), false)
  })
})

test('the library goes on with a download as well, and gives its bytes as ever', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const path = `/download/${BYTES}/a.bin?cut=2000000`
  const url = origin.url('files.test', path)
  for await (const page of fetchAll([url], { resolve: origin.resolveFlag, delay: 0 })) {
    assert.equal(page.outcome, 'ok')
    assert.deepEqual(page.record.flags, ['resumed'])
    assert.ok(Buffer.from(page.response?.body ?? []).equals(downloadBytes(`files.test${path}`, 0, BYTES)))
    assert.equal(page.response?.resumedAt, 2_000_000)
  }
})

test('a file that had come whole when its output failed is not fetched again', async (t) => {
  const origin = await startOrigin()
  t.after(() => origin.close())
  const url = origin.url('files.test', `/download/${BYTES}/a.bin`)
  await inFolder(async (cwd) => {
    const written: number[] = []
    const sinkOf = (isFull: boolean): Sink => ({
      name: 'own',
      wantsBodies: true,
      async open() {},
      async write(batch) {
        if (isFull) throw new SluiceError('SINK_FULL', 'no room')
        written.push(...batch.map(({ body }) => body.length))
        return undefined
      },
      async close() {},
    })
    const jobOf = (isFull: boolean) =>
      createJob({
        kind: 'fetch',
        job: join(cwd, 'one'),
        seeds: [url],
        out: [sinkOf(isFull)],
        resolve: origin.resolveFlag,
        delay: 0,
      })
    await assert.rejects(jobOf(true).run(), /no room/)
    assert.equal(readdirSync(join(cwd, 'one.sluice', 'parts')).length, 2)
    assert.equal((await jobOf(false).run()).exitCode, 0)
    assert.deepEqual(written, [BYTES])
    const last = [...origin.ledger('files.test').arrivals()].at(-1)
    assert.equal(last?.headers['range'], `bytes=${BYTES}-`)
    assert.equal(last.status, 416)
    assert.equal(existsSync(join(cwd, 'one.sluice', 'parts')), false)
  })
})
