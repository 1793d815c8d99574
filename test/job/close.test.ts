/** How a job lets go of what it holds: all of it, whatever fails on the way. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createJob, SluiceError } from '../../src/index.ts'
import type { Job, JobOptions, Sink } from '../../src/index.ts'
import type { JobKind } from '../../src/job/job.ts'
import { startMongoDouble } from '../../examples/seeds/06-mongo/mongo-double.ts'
import { mongoSink } from '../../src/sink/mongodb.ts'
import { inFolder } from '../cli/run-cli.ts'
import { startOrigin } from '../../src/testing/origin.ts'

interface Trouble {
  open?: Error
  close?: Error
}

function sinkOf(name: string, calls: string[], trouble: Trouble = {}): Sink {
  return {
    name,
    wantsBodies: false,
    open: async () => {
      if (trouble.open !== undefined) throw trouble.open
      calls.push(`open ${name}`)
    },
    write: async () => undefined,
    close: async () => {
      calls.push(`close ${name}`)
      if (trouble.close !== undefined) throw trouble.close
    },
  }
}

const full = (): SluiceError => new SluiceError('SINK_FULL', 'no room for the last bytes')

/** The same of both kinds of job: `make` gives one with these outputs, over the same folder. */
async function eachKind(body: (make: (out: Sink[]) => Job, folder: string) => Promise<void>): Promise<void> {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/': 'a page' } } } })
  try {
    for (const kind of ['fetch', 'tail'] as const) {
      await inFolder(async (cwd) => {
        const path = join(cwd, 'lines.log')
        writeFileSync(path, 'one line\n')
        const of: Record<'fetch' | 'tail', JobOptions & { kind: JobKind }> = {
          fetch: { kind, seeds: 'http://a.test/', resolve: [origin.resolveFlag], delay: 0 },
          tail: { kind, seeds: path, limit: 1 },
        }
        await body((out) => createJob({ ...of[kind], job: join(cwd, 'own'), out }), join(cwd, 'own.sluice'))
      })
    }
  } finally {
    await origin.close()
  }
}

test('a sink that fails at its close ends the run with its error, is not called finished, and frees the folder', async () => {
  await eachKind(async (make, folder) => {
    const calls: string[] = []
    const job = make([sinkOf('own:a', calls, { close: full() }), sinkOf('own:b', calls, { close: new Error('later') })])
    await assert.rejects(job.run(), { code: 'SINK_FULL', message: 'no room for the last bytes' })
    await job.close()
    assert.deepEqual(calls, ['open own:a', 'open own:b', 'close own:a', 'close own:b'])
    const { end, exitCode } = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as Record<string, unknown>
    assert.deepEqual([end, exitCode], ['halted', full().exitCode])
    await using again = make([sinkOf('own:a', []), sinkOf('own:b', [])])
    await again.open()
  })
})

test('a sink that cannot be opened leaves none open, and its error is the one that is told', async () => {
  await eachKind(async (make) => {
    const calls: string[] = []
    await assert.rejects(
      async () => {
        await using job = make([sinkOf('own:a', calls), sinkOf('own:b', calls, { open: full() })])
        await job.run()
      },
      { code: 'SINK_FULL', message: 'no room for the last bytes' },
    )
    assert.deepEqual(calls, ['open own:a', 'close own:a'])
    await using again = make([sinkOf('own:a', []), sinkOf('own:b', [])])
    await again.open()
  })
})

test('a stop ends the wait for a server that is away, and the next run stores everything once', async () => {
  const double = await startMongoDouble()
  try {
    await eachKind(async (make, folder) => {
      const sink = (isAway: boolean): Sink => {
        const inner = mongoSink({ url: `${double.url}/pages`, giveUpMs: 3_600_000 })
        return {
          name: inner.name,
          wantsBodies: false,
          open: (job, position) => inner.open(job, position),
          write: async (batch) => {
            if (isAway) await double.stop()
            return inner.write(batch)
          },
          close: () => inner.close(),
        }
      }
      double.clear()
      const job = make([sink(true)])
      job.on('warning.raised', ({ code }) => {
        if (code === 'OUTPUT') void job.stop('a test', 0)
      })
      const { end, done } = await job.run()
      assert.deepEqual([end, done.ok], ['interrupted', 0])
      const { end: told } = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as Record<string, unknown>
      assert.equal(told, 'interrupted')
      await double.start()
      const again = make([sink(false)])
      await again.run()
      assert.equal(double.documents('pages').length, 1)
    })
  } finally {
    await double.close()
  }
})
