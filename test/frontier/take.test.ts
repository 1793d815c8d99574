/** Hand-out at most once: a number is never given to two takers, whatever dies. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { memoryFrontier } from '../../src/frontier/memory.ts'
import { openTake } from '../../src/frontier/take.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { fpOf } from '../../src/testing/frontier/lab.ts'
import { random } from '../../src/testing/random.ts'

const CHILD = fileURLToPath(new URL('./take-child.ts', import.meta.url))
const NUMBERS = 600
const TAKERS = 3
const KILLS = 5

interface Owner {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  readonly port: number
}

async function startOwner(folder: string): Promise<Owner> {
  const child = spawn(
    process.execPath,
    ['--conditions=sluice-source', '--no-warnings', CHILD, folder, String(NUMBERS)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, port: Number(line.split(' ')[1]) }
  }
  throw new Error('the owner ended before it listened')
}

/** Takes until there is none, or the owner dies: resolves with whether all are gone. */
function takeAll(port: number, taken: string[], onTaken: () => void): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  socket.write('take\n')
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.on('close', () => resolve(false))
  const lines = createInterface({ input: socket })
  // It repeats what the socket says when the owner dies.
  lines.on('error', () => undefined)
  lines.on('line', (line) => {
    if (line === 'none') {
      resolve(true)
      socket.destroy()
      return
    }
    taken.push(line)
    onTaken()
    socket.write('take\n')
  })
  return promise
}

test('three takers never get one number twice, though the owner is killed five times', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-take-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const draw = random(28)
  const taken: string[] = []
  let kills = 0
  for (let isEmpty = false; !isEmpty; ) {
    const { child, port } = await startOwner(folder)
    const exited = once(child, 'exit')
    const killAt = kills < KILLS ? taken.length + draw.int(20, 90) : Number.POSITIVE_INFINITY
    const onTaken = (): void => {
      if (taken.length === killAt) child.kill('SIGKILL')
    }
    const ends = await Promise.all(Array.from({ length: TAKERS }, () => takeAll(port, taken, onTaken)))
    isEmpty = ends.every(Boolean)
    child.stdin.end()
    const [, signal] = (await exited) as [number | null, string | null]
    if (signal === 'SIGKILL') kills++
  }
  assert.equal(kills, KILLS)
  assert.equal(new Set(taken).size, taken.length, 'no number was given twice')
  // A number may be settled and its reply die with the owner: at most one a taker and kill.
  assert.ok(NUMBERS - taken.length <= KILLS * TAKERS, `${NUMBERS - taken.length} were lost`)
})

test('takes that overlap are numbered in their order, and what is taken is settled', async () => {
  const clock = fakeClock()
  const { frontier } = memoryFrontier({
    clock,
    defaults: (key) => ({ delayMs: key === 'slow' ? 5_000 : 0, conns: 1 }),
    inputFp: (source, ordinal) => fpOf(`${source} ${ordinal}`),
  })
  const urls = Array.from({ length: 10 }, (_, n) => `queue:a/${n}`)
  await frontier.add(urls.map((url, n) => ({ url, key: 'a', fp: fpOf(url), meta: { label: `n${n}` } })))
  const take = await openTake(frontier, { clock })
  const batches = await Promise.all([take(3), take(), take(20), take()])
  assert.deepEqual(
    batches.map((batch) => batch.map(({ url }) => url)),
    [urls.slice(0, 3), urls.slice(3, 4), urls.slice(4), []],
  )
  assert.deepEqual(
    batches.flat().map(({ seq, meta }) => [seq, meta?.label]),
    urls.map((_, n) => [n + 1, `n${n}`]),
  )
  const stats = await frontier.stats()
  assert.equal(stats.done.ok, 10)
  assert.equal(stats.queued, 0)
  assert.equal(stats.seq, 10)
  await frontier.close()
})
