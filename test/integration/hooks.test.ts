/** The lifecycle of a request as a program is told of it (R1), against the fake web. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createJob } from '../../src/index.ts'
import type { Handler, PageRecord } from '../../src/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder } from '../cli/run-cli.ts'

interface Run {
  readonly records: Map<string, PageRecord>
}

async function runWith(
  handlers: Readonly<Record<string, Handler>>,
  paths: readonly string[],
  options: { readonly retries?: number } = {},
): Promise<Run> {
  const origin = await startOrigin({ sites: { '*': { pages: { '/p/*': { body: '<title>a page</title>' } } } } })
  const records = new Map<string, PageRecord>()
  try {
    await inFolder(async (cwd) => {
      const job = createJob({
        kind: 'fetch',
        job: `${cwd}/hooks`,
        seeds: paths.map((path) => `http://a.test${path}`),
        resolve: origin.resolveFlag,
        contact: 'https://lab.example/bot',
        delay: 0,
        perHost: 4,
        retries: 0,
        ...options,
        handlers,
      })
      for await (const record of job.pages()) records.set(new URL(record.url).pathname, record)
      await job.close()
    })
  } finally {
    await origin.close()
  }
  return { records }
}

/** Notes each call as `hook path detail`. */
function noting(log: string[]): Handler {
  const path = (url: string): string => new URL(url).pathname
  return {
    onRedirect: ({ url }, { status, to }) => void log.push(`redirect ${path(url)} ${status} ${path(to)}`),
    onStatus: ({ url }, status) => void log.push(`status ${path(url)} ${status}`),
    onHeaders: ({ url }, head) => void log.push(`headers ${path(url)} ${head.header('CONTENT-TYPE') !== undefined}`),
    onSuccess: ({ url }, response) => void log.push(`success ${path(url)} ${response.body.length}`),
    onError: ({ url }, { code, willRetry }) => void log.push(`error ${path(url)} ${code} ${willRetry}`),
    onDone: ({ url }, outcome) => void log.push(`done ${path(url)} ${outcome}`),
  }
}

const ERRORS = [400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417].concat([
  500, 501, 502, 503, 504, 505,
])

test('R1: hooks fire in their order, exactly one of success and error, and done exactly once', async () => {
  const log: string[] = []
  const paths = [...ERRORS.map((status) => `/status/${status}`), '/redirect/2', '/p/1']
  const { records } = await runWith({ '*': noting(log) }, paths)
  for (const status of ERRORS) {
    const calls = log.filter((line) => line.split(' ')[1] === `/status/${status}`).map((line) => line.split(' ')[0])
    assert.deepEqual(calls, ['status', 'headers', 'error', 'done'], String(status))
  }
  assert.deepEqual(
    log.filter((line) => line.includes(' /p/1')),
    ['status /p/1 200', 'headers /p/1 true', 'success /p/1 21', 'done /p/1 ok'],
  )
  const redirects = log.filter((line) => line.includes('/redirect/'))
  assert.match(redirects[0] ?? '', /^redirect \/redirect\/2 30\d \/redirect\/1$/)
  assert.match(redirects[1] ?? '', /^redirect \/redirect\/1 30\d \/redirect\/0$/)
  assert.deepEqual(
    redirects.slice(2).map((line) => line.split(' ')[0]),
    ['status', 'headers', 'success', 'done'],
  )
  assert.equal(records.size, paths.length)
})

test('R1: a hook that says no ends the request before its body, recorded as skipped CANCELLED with the reason', async () => {
  const outcomes: string[] = []
  const handler: Handler = {
    onHeaders: (_request, head) =>
      Number(head.header('content-length')) > 1000 ? { cancel: 'too big for us' } : undefined,
    onSuccess: ({ url }) => void outcomes.push(`success ${url}`),
    onError: (_request, { code, message }) => void outcomes.push(`error ${code} ${message}`),
    onDone: (_request, outcome) => void outcomes.push(`done ${outcome}`),
  }
  const { records } = await runWith({ '*': handler }, ['/bytes/16777216'])
  const record = records.get('/bytes/16777216')
  assert.equal(record?.outcome, 'skipped')
  assert.equal(record?.code, 'CANCELLED')
  assert.equal(record?.message, 'too big for us')
  assert.deepEqual(outcomes, ['error CANCELLED too big for us', 'done skipped'])
})

test('R1: a hook that throws or rejects costs its own request a HANDLER_THREW and nothing else', async () => {
  const places = ['onStatus', 'onHeaders', 'onSuccess', 'onDone'] as const
  for (const place of places) {
    const dones: string[] = []
    const thrower: Handler = {
      match: '/p/bad',
      onDone: (_request, outcome) => void dones.push(String(outcome)),
      [place]: () => {
        throw new Error(`thrown in ${place}`)
      },
    }
    const { records } = await runWith({ bad: thrower }, ['/p/bad', '/p/good'])
    assert.equal(records.get('/p/bad')?.outcome, 'failed', place)
    assert.equal(records.get('/p/bad')?.code, 'HANDLER_THREW', place)
    assert.match(records.get('/p/bad')?.message ?? '', new RegExp(`thrown in ${place}`))
    assert.equal(records.get('/p/good')?.outcome, 'ok', place)
    if (place !== 'onDone') assert.deepEqual(dones, ['failed'], place)
  }
  for (const place of ['onHeaders', 'onSuccess', 'onDone'] as const) {
    const rejecting: Handler = { [place]: () => Promise.reject(new Error('rejected')) }
    const { records } = await runWith({ '*': rejecting }, ['/p/1'])
    assert.equal(records.get('/p/1')?.code, 'HANDLER_THREW', place)
  }
})

test('Retry-After is obeyed where a hook has ended the answer before its body', async (t) => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/p/*': { body: 'x' } } } } })
  t.after(() => origin.close())
  origin.handle('a.test', '/busy', () => ({ status: 429, headers: { 'Retry-After': '1' }, body: 'busy' }))
  await inFolder(async (cwd) => {
    const job = createJob({
      kind: 'fetch',
      job: `${cwd}/busy`,
      seeds: ['http://a.test/busy', 'http://a.test/p/1'],
      resolve: origin.resolveFlag,
      contact: 'https://lab.example/bot',
      delay: 10,
      retries: 0,
      handlers: { '*': { onStatus: (_request, status) => (status >= 400 ? { cancel: 'busy' } : undefined) } },
    })
    await job.run()
  })
  const [, busy, page] = [...origin.ledger().arrivals()]
  assert.equal(busy?.path, '/busy')
  assert.ok((page?.arrivedAt ?? 0) - (busy?.arrivedAt ?? 0) >= 1000, 'the host was given its second')
})

test('R1: hooks hear of each attempt, and whether another follows', async () => {
  const log: string[] = []
  await runWith({ '*': noting(log) }, ['/drop'], { retries: 1 })
  assert.deepEqual(log, [
    'error /drop EMPTY_REPLY true',
    'done /drop undefined',
    'error /drop EMPTY_REPLY false',
    'done /drop failed',
  ])
})

test('what a hook promises is settled before its request is', async () => {
  const order: string[] = []
  const handler: Handler = {
    async onSuccess() {
      await new Promise((resolve) => setImmediate(resolve))
      order.push('hook')
    },
  }
  const origin = await startOrigin({ sites: { '*': { pages: { '/p/*': { body: 'x' } } } } })
  try {
    await inFolder(async (cwd) => {
      const job = createJob({
        kind: 'fetch',
        job: `${cwd}/order`,
        seeds: ['http://a.test/p/1'],
        resolve: origin.resolveFlag,
        contact: 'https://lab.example/bot',
        handlers: { '*': handler },
      })
      job.on('request.settled', () => order.push('settled'))
      await job.run()
    })
  } finally {
    await origin.close()
  }
  assert.deepEqual(order, ['hook', 'settled'])
})

test('a misspelt hook is refused with the nearest name', () => {
  const handlers = { '*': { onSucces: () => undefined } } as unknown as Record<string, Handler>
  assert.throws(() => createJob({ seeds: 'http://a.test/', handlers }), /no hook onSucces/)
})
