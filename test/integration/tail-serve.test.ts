/** `sluice tail FILE --serve`: a growing log for many clients, over HTTP behind the key and over plain TCP. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { accessLog } from '../../src/testing/access-log.ts'
import { random } from '../../src/testing/random.ts'
import { inFolder, start } from '../cli/run-cli.ts'

const LAST = 100
const NEW = 500

/** Paths of the records that a client of the plain lines gets, until there are enough. */
async function readPaths(url: string, headers: Record<string, string>, count: number): Promise<string[]> {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  assert.equal(response.status, 200)
  const paths: string[] = []
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        paths.push((JSON.parse(text.slice(0, end)) as { path: string }).path)
        text = text.slice(end + 1)
        if (paths.length < count) continue
        abort.abort()
        return paths
      }
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error
  }
  return paths
}

test('a log that is rotated and cut goes whole to each client of the tail, the last hundred lines first', async () => {
  await inFolder(async (cwd) => {
    const log = accessLog(join(cwd, 'access.log'), random(27))
    log.append(150)
    const flags = ['--parse', 'combined', '--last', String(LAST), '--max-time', '1m', '--progress', 'none']
    const tail = start(['tail', 'access.log', '--serve', '--serve-tcp', ...flags], { cwd })
    await tail.said('nc 127.0.0.1 ')
    const [, key = '', url = ''] = /Bearer ([\w-]+)" (http:\/\/127\.0\.0\.1:\d+)\/events/.exec(tail.stderr()) ?? []
    const port = Number(/nc 127\.0\.0\.1 (\d+)/.exec(tail.stderr())?.[1])
    assert.equal((await fetch(`${url}/lines`)).status, 401)
    const headers = { authorization: `Bearer ${key}` }
    const poll = await fetch(`${url}/events?after=0&wait=30`, { headers })
    assert.equal(poll.status, 200)
    const wanted = Array.from({ length: LAST + NEW }, (_, n) => `/p/${50 + n}`)
    const clients = Array.from({ length: 10 }, () => readPaths(`${url}/lines?after=0`, headers, LAST + NEW))
    const socket = connect(port, '127.0.0.1')
    const tcp: string[] = []
    createInterface({ input: socket }).on('line', (line) => tcp.push((JSON.parse(line) as { path: string }).path))
    while (tcp.length < LAST) await new Promise((resolve) => setImmediate(resolve))
    for (let n = 0; n < NEW; n += 50) {
      log.append(50)
      while (tcp.length < LAST + n + 50) await new Promise((resolve) => setImmediate(resolve))
      if (n === 100) log.rotate()
      if (n === 300) log.copyTruncate()
    }
    for (const paths of await Promise.all(clients)) assert.deepEqual(paths, wanted)
    assert.deepEqual(tcp, wanted)
    tail.child.kill('SIGTERM')
    const { stderr } = await tail.ended
    socket.destroy()
    assert.doesNotMatch(stderr, /LOG_LOST/)
  })
})
