/** A log that grows, is rotated and cut: every line once, in order, whatever happens to the file. */
import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { followFile } from '../../src/source/tail/follow.ts'
import type { LogBatch } from '../../src/source/tail/follow.ts'
import { LogFile } from '../../src/source/tail/log-file.ts'
import { accessLog } from '../../src/testing/access-log.ts'
import type { AccessLog } from '../../src/testing/access-log.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { random } from '../../src/testing/random.ts'

interface Following {
  readonly paths: string[]
  readonly texts: string[]
  readonly warnings: string[]
  cursor: Uint8Array | undefined
  /** Reads until so many lines have come in all. */
  until(count: number): Promise<void>
  /** Reads what is there and stops. */
  end(): Promise<void>
}

/** Follows a file; time stands still, so only the system's word that something changed wakes it. */
function follow(path: string, from?: Uint8Array, last?: number): Following {
  const abort = new AbortController()
  const clock = fakeClock()
  const texts: string[] = []
  const warnings: string[] = []
  const batches = followFile(from, {
    path,
    last,
    clock,
    signal: abort.signal,
    warn: (code) => warnings.push(code),
  })
  let next: Promise<IteratorResult<LogBatch, void>> | undefined
  const following: Following = {
    texts,
    warnings,
    cursor: from,
    get paths() {
      return texts.map((text) => /GET (\S+)/.exec(text)?.[1] ?? text)
    },
    async until(count) {
      while (texts.length < count) {
        next ??= batches.next()
        // Where the system forgets to tell, looking every second finds it.
        const poll = setInterval(() => clock.advance(1_000), 50)
        const { value, done } = await next.finally(() => clearInterval(poll))
        next = undefined
        if (done === true || value === undefined) throw new Error(`ended after ${texts.length} lines`)
        texts.push(...value.lines.map(({ text }) => text))
        following.cursor = value.cursor
      }
    },
    async end() {
      abort.abort()
      await next
      await batches.return(undefined)
    },
  }
  return following
}

function logIn(t: TestContext): AccessLog {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-follow-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return accessLog(join(folder, 'access.log'), random(27))
}

test('a thousand appended lines come all, in order, and half lines wait for their end', async (t) => {
  const log = logIn(t)
  const following = follow(log.path)
  log.append(10)
  await following.until(10)
  for (let n = 0; n < 99; n++) {
    log.append(9)
    log.half()
    await following.until(log.paths.length)
    assert.equal(following.texts.length, log.paths.length, 'the half line is held')
  }
  log.append(log.paths.length === 1000 ? 0 : 1000 - log.paths.length - 1)
  await following.until(1000)
  assert.deepEqual(following.paths, log.paths)
  await following.end()
})

test('rotation by rename, several times between two looks, loses and doubles nothing', async (t) => {
  const log = logIn(t)
  log.append(5)
  const following = follow(log.path)
  await following.until(5)
  for (let n = 0; n < 6; n++) {
    log.append(3)
    log.rotate()
    log.append(4)
    if (n % 2 === 0) {
      log.rotate()
      log.append(2)
    }
    await following.until(log.paths.length)
  }
  assert.deepEqual(following.paths, log.paths)
  assert.deepEqual(following.warnings, [])
  await following.end()
})

test('a writer that still holds the rotated file is heard out', async (t) => {
  const log = logIn(t)
  log.append(2)
  const following = follow(log.path)
  await following.until(2)
  log.rotate()
  appendFileSync(`${log.path}.1`, 'late one\n')
  await following.until(3)
  log.append(1)
  await following.until(4)
  appendFileSync(`${log.path}.1`, 'later still\n')
  await following.until(5)
  assert.deepEqual(following.paths, ['/p/0', '/p/1', 'late one', '/p/2', 'later still'])
  await following.end()
})

test('a file that is copied and cut is read to its end from the copy', async (t) => {
  const log = logIn(t)
  log.append(5)
  const following = follow(log.path)
  await following.until(5)
  for (let n = 0; n < 5; n++) {
    log.append(3)
    log.copyTruncate()
    // Longer than what was cut: the size alone tells nothing.
    log.append(n % 2 === 0 ? 2 : 20)
    await following.until(log.paths.length)
  }
  assert.deepEqual(following.paths, log.paths)
  assert.deepEqual(following.warnings, [])
  await following.end()
})

test('what was read proves its place in the copy, although the file was cut before anybody asked for the proof', (t) => {
  const log = logIn(t)
  log.append(30)
  const file = new LogFile(log.path, 0)
  t.after(() => file.close())
  assert.equal(file.lines(256).length, 30)
  log.append(3)
  log.copyTruncate()
  const copy = new LogFile(`${log.path}.1`, 0)
  t.after(() => copy.close())
  assert.equal(copy.proves(file.place()), true)
  assert.equal(file.isIntact(), false)
})

test('the bytes before a place are those of the file, whatever lines they were and however they came', (t) => {
  const log = logIn(t)
  const reader = new LogFile(log.path, 0)
  t.after(() => reader.close())
  const lines = ['short', '', 'é'.repeat(600), 'y'.repeat(70_000), 'x'.repeat(1024 * 1024 + 70_001), 'z', 'end']
  for (const line of lines) {
    appendFileSync(log.path, line.slice(0, 3))
    reader.lines(256)
    appendFileSync(log.path, `${line.slice(3)}\n`)
    reader.lines(1)
    assert.equal(reader.proves(reader.place()), true, line.slice(0, 10))
  }
  assert.equal(reader.offset, reader.stat().size)
})

test('a file that is cut without a copy goes on from its start, and says what may be lost', async (t) => {
  const log = logIn(t)
  log.append(5)
  const following = follow(log.path)
  await following.until(5)
  log.truncate()
  log.append(2)
  await following.until(7)
  assert.deepEqual(following.paths, log.paths)
  assert.deepEqual(following.warnings, ['LOG_LOST'])
  await following.end()
})

for (const kind of ['rotate', 'copyTruncate'] as const) {
  test(`another process goes on behind the cursor after ${kind}`, async (t) => {
    const log = logIn(t)
    log.append(300)
    const first = follow(log.path)
    await first.until(256)
    await first.end()
    assert.equal(first.texts.length, 256, 'a batch, not all')
    log.append(4)
    log[kind]()
    log.append(3)
    log[kind]()
    log.append(5)
    const second = follow(log.path, first.cursor)
    await second.until(log.paths.length - 256)
    await second.end()
    const expected = kind === 'rotate' ? log.paths : log.paths.filter((_, n) => n < 304 || n >= 307)
    if (kind === 'rotate') assert.deepEqual([...first.paths, ...second.paths], expected)
    else assert.deepEqual(new Set([...first.paths, ...second.paths]).size, first.texts.length + second.texts.length)
  })
}

test('the last lines are counted from the end, a half one not among them', async (t) => {
  const log = logIn(t)
  log.append(3_000)
  log.half()
  const following = follow(log.path, undefined, 100)
  await following.until(100)
  assert.deepEqual(following.paths, log.paths.slice(-100))
  log.append(1)
  await following.until(102)
  assert.deepEqual(following.paths, log.paths.slice(-102))
  await following.end()
  const none = follow(log.path, undefined, 0)
  const waiting = none.until(1)
  log.append(1)
  await waiting
  assert.deepEqual(none.paths, log.paths.slice(-1))
  await none.end()
})

test('the last lines reach back into files that were rotated away, and into no copy of the log', async (t) => {
  const log = logIn(t)
  for (const rotate of ['rotate', 'copyTruncate', 'rotate'] as const) {
    log.append(40)
    log[rotate]()
  }
  log.append(30)
  copyFileSync(log.path, `${log.path}.bak`)
  const following = follow(log.path, undefined, 100)
  await following.until(100)
  assert.deepEqual(following.paths, log.paths.slice(-100))
  log.rotate()
  log.append(5)
  await following.until(105)
  assert.deepEqual(following.paths, log.paths.slice(-105))
  assert.deepEqual(following.warnings, [])
  await following.end()
  const all = follow(log.path, undefined, 1_000)
  await all.until(155)
  assert.deepEqual(all.paths, log.paths)
  await all.end()
})

test('a line without end over a megabyte gives its beginning, and the next line is whole', async (t) => {
  const log = logIn(t)
  writeFileSync(log.path, `${'x'.repeat(3 * 1024 * 1024)}\nafter\n`)
  const following = follow(log.path)
  await following.until(2)
  assert.equal(following.texts[0]?.length, 65_536)
  assert.equal(following.texts[1], 'after')
  await following.end()
})

test('a log that comes back after it was gone for a while is followed again', async (t) => {
  const log = logIn(t)
  log.append(2)
  const following = follow(log.path)
  await following.until(2)
  renameSync(log.path, `${log.path}.1`)
  writeFileSync(log.path, 'new\n')
  await following.until(3)
  assert.equal(following.texts[2], 'new')
  await following.end()
})

test('a file that is not there is refused at first', async (t) => {
  const log = logIn(t)
  await assert.rejects(follow(`${log.path}.none`).until(1), { code: 'INPUT_UNREADABLE' })
})
