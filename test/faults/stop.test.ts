/** A stop in the middle of everything: what can end in the time for it ends, what never would is given back. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { rawServer, reply } from '../fetch/raw-server.ts'
import { readRecords } from '../integration/web.ts'

const LINES = 100
const AT_ONCE = 64

test('SIGTERM with 64 requests in flight, one of which never ends, exits in time; none is lost, none that ended comes again', {
  skip: process.platform === 'win32' ? 'there are no signals' : false,
}, async (t) => {
  let held: { path: string; socket: Socket }[] | undefined = []
  const asked: string[] = []
  let full: () => void
  const isFull = new Promise<void>((resolve) => (full = resolve))
  const server = await rawServer(t, ({ path, socket }) => {
    asked.push(path)
    if (held === undefined) return reply('page')
    if (path === '/0') socket.write('HTTP/1.1 200 OK\r\n\r\nnever ')
    else held.push({ path, socket })
    if (asked.length === AT_ONCE) full()
    return undefined
  })
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), Array.from({ length: LINES }, (_, i) => `${server.origin}/${i}\n`).join(''))
    const args = [
      'fetch',
      'urls.txt',
      '-o',
      'pages.ndjson',
      '--delay',
      '0',
      '-c',
      String(AT_ONCE),
      '--progress',
      'none',
    ]
    args.push('--per-host', String(AT_ONCE), '--robots', 'ignore', '--reason', 'ours')
    args.push('--contact', 'https://lab.example/bot')
    const first = start([...args, '--drain', '2s'], { cwd })
    await isFull
    const from = performance.now()
    first.child.kill('SIGTERM')
    await first.said('nothing new starts')
    for (const { socket } of held ?? []) socket.write(reply('page'))
    const { code, stderr } = await first.ended
    const took = performance.now() - from
    t.diagnostic(`it took ${Math.round(took)} ms, 2,000 of them for the one that never ends`)
    assert.equal(code, 143, stderr)
    // The time to drain, and that to write everything down on a busy machine.
    assert.ok(took < 5_000, `it took ${took} ms`)
    assert.equal(asked.length, AT_ONCE, 'nothing new was begun')
    assert.equal(readRecords(join(cwd, 'pages.ndjson')).length, AT_ONCE - 1)
    held = undefined
    const rest = await runCli(args, { cwd })
    assert.equal(rest.code, 0, rest.stderr)
    const urls = readRecords(join(cwd, 'pages.ndjson')).map(({ url }) => url)
    assert.equal(urls.length, LINES)
    assert.equal(new Set(urls).size, LINES)
    assert.equal(asked.length, LINES + 1, 'only the one that never ended was asked for twice')
  })
})
