/** Extractor modules in threads: what each kind of bad page costs, and that it costs nobody else anything. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/engine/clock.ts'
import type { Extraction, ExtractorPool, PageInput, StoredPagePool } from '../../src/extract/extraction.ts'
import { workerPool, type WorkerPoolOptions } from '../../src/extract/pool.ts'

const MODULE = new URL('./modules/behaving.ts', import.meta.url).href

async function withPool(
  options: Partial<WorkerPoolOptions>,
  use: (pool: StoredPagePool) => Promise<void>,
): Promise<void> {
  const pool = await workerPool({ modules: [MODULE], clock: systemClock(), workers: 2, timeoutMs: 300, ...options })
  try {
    await use(pool)
  } finally {
    await pool.close()
  }
}

function pageOf(path: string, text = 'hello'): PageInput {
  const url = `http://a.test${path}`
  return {
    id: path,
    url,
    final: url,
    status: 200,
    rawHeaders: ['Content-Type', 'text/html'],
    contentType: 'text/html',
    charset: undefined,
    body: new Uint8Array(Buffer.from(text)),
    file: undefined,
    depth: 0,
    label: undefined,
    input: undefined,
  }
}

function runAll(pool: ExtractorPool, paths: readonly string[]): Promise<Map<string, Extraction>> {
  const answers = new Map<string, Extraction>()
  return new Promise((resolve, reject) => {
    for (const path of paths) {
      pool.run(pageOf(path), (extraction) => {
        if (answers.has(path)) reject(new Error(`${path} was answered twice`))
        answers.set(path, extraction)
        if (answers.size === paths.length) resolve(answers)
      })
    }
  })
}

function codes(answers: Map<string, Extraction>): Record<string, string> {
  return Object.fromEntries([...answers].map(([path, { failure }]) => [path, failure?.code ?? 'fine']))
}

function good(count: number, name = 'good'): string[] {
  return Array.from({ length: count }, (_, n) => `/${name}/${n}`)
}

test('pages come back with their items, whichever thread they went to', async () => {
  await withPool({}, async (pool) => {
    const answers = await runAll(pool, good(200))
    for (const [path, { items, failure }] of answers) {
      assert.equal(failure, undefined)
      assert.deepEqual(
        items.map(({ json }) => JSON.parse(json) as unknown),
        [{ path, length: 5 }],
      )
    }
    assert.equal(pool.busy, 0)
  })
})

test('an extractor that throws, loops, leaves, rejects or fills its memory costs its page alone', async () => {
  await withPool({ memoryMb: 32, timeoutMs: 6_000 }, async (pool) => {
    const bad = ['/throw', '/loop', '/exit', '/async', '/memory', '/buffers']
    const all = good(70)
    for (const [i, path] of bad.entries()) all.splice(10 * (i + 1), 0, path)
    const answers = codes(await runAll(pool, all))
    const expected = Object.fromEntries(all.map((path) => [path, 'fine']))
    // What is rejected with nobody waiting is told to the thread after the page; it may have been the last of it.
    const rejected = answers['/async']
    assert.ok(rejected === 'EXTRACT_CRASHED' || rejected === 'fine', rejected)
    assert.deepEqual(
      { ...answers, '/async': 'any' },
      {
        ...expected,
        '/throw': 'EXTRACT_THREW',
        '/loop': 'EXTRACT_TIMEOUT',
        '/exit': 'EXTRACT_CRASHED',
        '/memory': 'EXTRACT_MEMORY',
        '/buffers': 'EXTRACT_MEMORY',
        '/async': 'any',
      },
    )
  })
})

test('a thread that loops between pages is ended, and the page it had not begun is extracted elsewhere', async () => {
  await withPool({ workers: 1 }, async (pool) => {
    const answers = await runAll(pool, ['/later', ...good(5)])
    assert.deepEqual(new Set(Object.values(codes(answers))), new Set(['fine']))
  })
})

test('a loop has one attempt, a death three', async () => {
  await withPool({ workers: 1 }, async (pool) => {
    const started = performance.now()
    const answers = await runAll(pool, ['/loop/1', '/loop/2', ...good(5)])
    const ms = performance.now() - started
    assert.equal(codes(answers)['/loop/1'], 'EXTRACT_TIMEOUT')
    assert.equal(codes(answers)['/loop/2'], 'EXTRACT_TIMEOUT')
    assert.equal(Object.values(codes(answers)).filter((code) => code === 'fine').length, 5)
    assert.ok(ms >= 600, `${ms} ms: each had its time`)
  })
})

test('a result of many items comes whole', async () => {
  await withPool({ timeoutMs: 10_000 }, async (pool) => {
    const answers = await runAll(pool, ['/many'])
    assert.equal(answers.get('/many')?.items.length, 20_001)
  })
})

test('a page is copied on its way: whoever handed it over still has it', async () => {
  await withPool({}, async (pool) => {
    const page = pageOf('/good', 'kept')
    await new Promise<void>((resolve) => pool.run(page, () => resolve()))
    assert.equal(Buffer.from(page.body).toString(), 'kept')
  })
})

test('room shrinks with what is in the pool and comes back', async () => {
  await withPool({ workers: 1 }, async (pool) => {
    const before = pool.room
    const done = runAll(pool, good(40))
    assert.equal(pool.busy, 40)
    assert.equal(pool.room, before - 40)
    assert.ok(pool.room <= 0, 'the engine is told to stop')
    await done
    assert.equal(pool.room, before)
  })
})

test('bodies take their bytes of the room until their pages are answered, also those that end a thread', async () => {
  await withPool({ workers: 1, timeoutMs: 2_000 }, async (pool) => {
    const before = pool.roomBytes
    const large = 'x'.repeat(4_000_000)
    const answered = ['/good', '/exit', '/throw', '/good'].map(
      (path) => new Promise((resolve) => pool.run(pageOf(path, large), resolve)),
    )
    assert.equal(pool.roomBytes, before - 16_000_000)
    answered.push(new Promise((resolve) => pool.run(pageOf('/good', large), resolve)))
    assert.ok(pool.roomBytes < 0 && pool.room <= 0, 'the engine is told to stop')
    await Promise.all(answered)
    assert.equal(pool.roomBytes, before)
    assert.ok(pool.room > 0)
  })
})

test('a pool that is closed in the middle of its work answers nothing more', async () => {
  let answered = 0
  await withPool({ timeoutMs: 10_000 }, async (pool) => {
    for (const path of ['/loop/1', '/loop/2', ...good(20)]) pool.run(pageOf(path), () => void answered++)
  })
  const before = answered
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(answered, before)
})

test('stored pages are read in the thread; one that is not there, damaged or deadly costs nobody else anything', async () => {
  const reader = { module: new URL('./modules/reading.ts', import.meta.url).href, data: 'from' }
  await withPool({ reader, timeoutMs: 5_000 }, async (pool) => {
    const files = Array.from({ length: 60 }, (_, n) => ['absent', 'damaged', 'deadly'][n - 20] ?? 'pages')
    const before = pool.roomBytes
    const answers = files.map((file, n) => {
      const page = { id: String(n), url: `http://a.test/good/${n}`, place: { file, offset: n, length: 7 } }
      return new Promise<Extraction>((resolve) => pool.runStored(page, resolve))
    })
    assert.equal(pool.busy, 60)
    assert.equal(pool.roomBytes, before, 'no body is held')
    const extractions = await Promise.all(answers)
    for (const [n, { items, failure, matched }] of extractions.entries()) {
      if (files[n] === 'pages') {
        const item = JSON.parse(items[0]?.json ?? '') as unknown
        assert.deepEqual(item, { path: `/good/${n}`, length: `from ${n} 7`.length })
      } else if (files[n] === 'absent') assert.ok(!matched && failure === undefined)
      else if (files[n] === 'deadly') assert.equal(failure?.code, 'EXTRACT_CRASHED')
      else assert.deepEqual([failure?.code, failure?.message], ['INPUT_UNREADABLE', 'no record at 21'])
    }
  })
})

test('a module that cannot be loaded is refused when the pool is made', async () => {
  const missing = new URL('./modules/missing.ts', import.meta.url).href
  await assert.rejects(workerPool({ modules: [missing], clock: systemClock() }))
})
