import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import { afterCommitWriter } from '../../src/sink/stdout.ts'

const MODULE = new URL('../../src/sink/stdout.ts', import.meta.url).href

test('lines go to the stream in order, and a full stream is waited for', async () => {
  const stream = new PassThrough({ highWaterMark: 8 })
  const writer = afterCommitWriter(stream, { format: 'ndjson' })
  assert.equal(writer.write('1\n'), undefined)
  const full = writer.write('23456789\n')
  assert.ok(full instanceof Promise)
  assert.equal(stream.read().toString(), '1\n23456789\n')
  await full
  assert.equal(writer.write('x\n'), undefined)
  assert.equal(writer.closed, false)
})

test('a stream that fails wakes who waits, and its error is kept unless the reader just left', async () => {
  for (const code of ['EPIPE', 'ENOSPC']) {
    let fail = (): void => {}
    const stream = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        fail = () => done(Object.assign(new Error(code), { code }))
      },
    })
    const writer = afterCommitWriter(stream, { format: 'ndjson' })
    const full = writer.write('line\n')
    fail()
    await full
    assert.equal(writer.closed, true)
    assert.equal((writer.error as { code?: string } | undefined)?.code, code === 'EPIPE' ? undefined : code)
    assert.equal(writer.write('more\n'), undefined)
  }
})

test('a stream that was destroyed before takes nothing and throws nothing', () => {
  const stream = new PassThrough()
  stream.destroy()
  const writer = afterCommitWriter(stream, { format: 'ndjson' })
  assert.equal(writer.write('x\n'), undefined)
  assert.equal(writer.closed, true)
})

test('a process whose reader goes away sees a closed writer and ends as it wants', async () => {
  const code = `
    const { afterCommitWriter } = await import(${JSON.stringify(MODULE)})
    const writer = afterCommitWriter(process.stdout, { format: 'ndjson' })
    while (!writer.closed) {
      await writer.write('line\\n'.repeat(1000))
      await new Promise(setImmediate)
    }
    process.exitCode = 42`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  child.stdout.destroy()
  assert.deepEqual(await ended, [42, null])
})
