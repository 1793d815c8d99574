/** Memory at a million and ten million URLs: FAULTS.md, E15. MB are 10^6 bytes. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startOriginProcess } from '../../src/testing/origin/remote.ts'
import { inFolder, start } from '../cli/run-cli.ts'
import { assertBalanced } from '../crash/outputs.ts'
import type { Filled } from './frontier-child.ts'
import { residentMb, slopeOf, type Sample } from './resident.ts'

const CHILD = fileURLToPath(new URL('./frontier-child.ts', import.meta.url))
const MILLION = 1_000_000
const run = promisify(execFile)

async function fill(name: string, count: number, budgetMb: number): Promise<Filled> {
  let filled: Filled | undefined
  await inFolder(async (cwd) => {
    const args = ['--conditions=sluice-source', CHILD, join(cwd, 'job.sluice'), String(count), String(budgetMb)]
    const { stdout } = await run(process.execPath, args)
    filled = JSON.parse(stdout) as Filled
  })
  const { tenths, rssMb, peakMb, known, bytesOnDisk } = filled as Filled
  const rates = tenths.map((ms) => Math.round(count / 10 / (ms / 1000)))
  console.log(
    `figure: ${name}: peak ${peakMb.toFixed(0)} MB, resident by tenths ${rssMb.map((mb) => mb.toFixed(0)).join(' ')} MB, ` +
      `URLs/s by tenths ${rates.join(' ')}, ${(bytesOnDisk / count).toFixed(0)} bytes/URL on disk`,
  )
  assert.equal(known, count)
  return filled as Filled
}

test('a million queued URLs take at most 220 MB', async () => {
  const { peakMb, bytesOnDisk } = await fill('1 M queued', MILLION, 256)
  assert.ok(peakMb <= 220, `${peakMb} MB`)
  assert.ok(bytesOnDisk / MILLION <= 250, `${bytesOnDisk / MILLION} bytes a URL on disk`)
})

test('ten million queued URLs take at most 450 MB and the last come as fast as the first', async () => {
  const { tenths, peakMb } = await fill('10 M queued', 10 * MILLION, 256)
  assert.ok(peakMb <= 450, `${peakMb} MB`)
  const first = tenths[0] as number
  const last = tenths.at(-1) as number
  assert.ok(last <= 1.3 * first, `first tenth ${first} ms, last ${last} ms`)
  const perSecond = (10 * MILLION) / (tenths.reduce((sum, ms) => sum + ms, 0) / 1000)
  assert.ok(perSecond >= 200_000, `${perSecond} a second`)
})

test('beyond a seen budget of 32 MB memory does not grow', async () => {
  const { rssMb } = await fill('10 M queued, 32 MB budget', 10 * MILLION, 32)
  const half = rssMb.slice(5)
  assert.ok(Math.max(...half) <= 1.1 * (rssMb[4] as number), `${rssMb.join(' ')} MB`)
})

test('a million URLs of ten thousand hosts are fetched in at most 300 MB without a slope', async (t) => {
  if (!existsSync('/proc/self/status')) return t.skip('resident sets are read from /proc')
  const origin = await startOriginProcess({
    sites: {
      '*': { robots: 'User-agent: *\nAllow: /\n', content: { kind: 'graph', seed: 1, pages: 1000, bytes: 10_000 } },
    },
  })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const list = createWriteStream(join(cwd, 'list.txt'))
    for (let n = 0; n < MILLION; n += 10_000) {
      let text = ''
      for (let host = 0; host < 10_000; host++) text += `http://h${host}.test/p/${n / 10_000}\n`
      if (!list.write(text)) await once(list, 'drain')
    }
    list.end()
    await finished(list)
    const names = ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--progress', 'none']
    const speed = ['--delay', '0', '-c', '256', '--per-host', '4']
    const started = performance.now()
    const sluice = start(['fetch', 'list.txt', '-j', 'million', ...names, ...speed, '-o', 'pages.ndjson'], { cwd })
    const pid = sluice.child.pid as number
    t.after(() => sluice.child.kill('SIGKILL'))
    const samples: Sample[] = []
    let over = false
    const ended = sluice.ended.finally(() => (over = true))
    // Sampled as the web sees progress, not by time.
    const robots = 10_000
    for (let urls = 50_000; urls < MILLION; urls += 50_000) {
      await Promise.race([origin.until(urls + robots), ended])
      const mb = over ? undefined : residentMb(pid, 'VmRSS')
      if (mb !== undefined) samples.push({ urls, mb })
    }
    await Promise.race([origin.until(MILLION + robots - 1000), ended])
    const peakMb = residentMb(pid, 'VmHWM') ?? 0
    const { code, stderr } = await ended
    const seconds = (performance.now() - started) / 1000
    const slope = slopeOf(samples.filter(({ urls }) => urls >= 200_000)) * 100_000
    console.log(
      `figure: 1 M fetched: peak ${peakMb.toFixed(0)} MB, slope ${slope.toFixed(2)} MB per 100,000 from 200,000 on, ` +
        `${seconds.toFixed(0)} s, ${Math.round(MILLION / seconds)}/s, MB ${samples.map(({ mb }) => mb.toFixed(0)).join(' ')}`,
    )
    assert.equal(code, 0, stderr)
    assertBalanced(cwd, 'million', MILLION)
    let lines = 0
    for await (const line of createInterface({ input: createReadStream(join(cwd, 'pages.ndjson')) })) if (line) lines++
    assert.equal(lines, MILLION)
    assert.ok(samples.length >= 15 && peakMb > 0, 'the process was seen')
    assert.ok(peakMb <= 300, `${peakMb} MB`)
    assert.ok(slope <= 2, `${slope} MB per 100,000 URLs`)
  })
})
