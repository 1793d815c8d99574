/** Hosts that do not answer rest and come back, by what their own server sees; others do not notice. */
import assert from 'node:assert/strict'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/engine/clock.ts'
import { createJob } from '../../src/index.ts'
import type { JobOptions, PageRecord } from '../../src/index.ts'
import { fastClock } from '../../src/testing/clock.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'

const PAGE = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello'

/** A server that closes whatever comes, until it is told to answer. */
async function fickle(t: TestContext) {
  const sockets = new Set<Socket>()
  const server = { port: 0, connections: 0, answers: false }
  const listener = createServer((socket) => {
    server.connections++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    if (server.answers) socket.on('data', () => socket.write(PAGE))
    else socket.destroy()
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  server.port = (listener.address() as AddressInfo).port
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return server
}

const DOWN = Array.from({ length: 12 }, (_, n) => `http://down.test/${n}`)
const UP = Array.from({ length: 30 }, (_, n) => `http://up${n % 3}.test/ok?${n}`)

/** Rests pass in a moment. */
function options(resolve: readonly string[]): JobOptions {
  return {
    ...{ resolve, delay: 0, perHost: 4, retries: 3, robots: 'ignore', reason: 'ours' },
    ...{ contact: 'https://lab.example/bot', clock: fastClock(systemClock(), 10, 60_000) },
  }
}

test('a host that does not answer is asked by one request at a time, ever more rarely, and is all fetched once it is back', async (t) => {
  const server = await fickle(t)
  const origin = await startOrigin()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const resolve = [`down.test=127.0.0.1:${server.port}`, origin.resolveFlag]
    const job = createJob({ kind: 'fetch', job: `${cwd}/down`, seeds: [...DOWN, ...UP], ...options(resolve) })
    const rests: string[] = []
    let asked = 0
    job.on('key.changed', ({ key, what, value }) => {
      if (what !== 'rest') return
      assert.equal(key, 'down.test')
      rests.push(String(value))
      if (rests.length < 6) return
      asked ||= server.connections
      server.answers = true
    })
    const records: PageRecord[] = []
    for await (const record of job.pages()) records.push(record)
    await job.close()
    assert.deepEqual(
      records.filter(({ outcome }) => outcome !== 'ok'),
      [],
    )
    assert.ok(records.every(({ url, attempt }) => url.includes('down.test') || attempt === 1))
    assert.deepEqual(
      rests.slice(0, 6).map((text) => /^(\d+) ms after (\d+) failures in a row/.exec(text)?.slice(1).join(' ')),
      ['5000 5', '10000 6', '20000 7', '40000 8', '80000 9', '160000 10'],
    )
    assert.equal(rests.at(-1), '0', 'it is back')
    // The four that were under way at the fifth failure, and one for each rest.
    assert.ok(asked <= 5 + 3 + 5, `${asked} connections while it was down`)
  })
})

test('that a host rests is told by why and the summary, holds after a restart and ends with the first answer', async (t) => {
  const server = await fickle(t)
  await inFolder(async (cwd) => {
    const resolve = [`down.test=127.0.0.1:${server.port}`]
    const { clock, ...usual } = options(resolve)
    const job = createJob({ kind: 'fetch', job: `${cwd}/down`, seeds: DOWN, ...usual })
    const running = job.run()
    await new Promise<void>((resolve) => job.on('key.changed', ({ what }) => what === 'rest' && resolve()))
    await job.stop('a test', 0)
    const { warnings } = await running
    assert.match(warnings.find(({ code }) => code === 'HOST_DOWN')?.message ?? '', /down\.test \(5 failures in a row\)/)
    await job.close()
    const { stdout } = await runCli(['why', 'down.test', '-j', 'down'], { cwd })
    assert.match(stdout, /it rests after 5 failures in a row/)
    const before = server.connections
    server.answers = true
    const again = createJob({ kind: 'fetch', job: `${cwd}/down`, seeds: DOWN, ...usual, clock: clock as never })
    const first: PageRecord[] = []
    const back: unknown[] = []
    again.on('key.changed', ({ what, value }) => what === 'rest' && back.push(value))
    for await (const record of again.pages()) first.push(record)
    await again.close()
    assert.equal(first.length, DOWN.length)
    assert.deepEqual(back, [0])
    assert.ok(server.connections - before <= 4)
  })
})
