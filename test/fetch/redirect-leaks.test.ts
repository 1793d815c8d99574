/**
 * Redirects of scrapy's tests, recorded as request and response: where the next request goes, by which method, and that
 * no credential of one origin is told to another. Over real connections, plain and TLS; hosts are renamed into names that
 * the certificate of the tests covers.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { test, type TestContext } from 'node:test'
import type { JobOptions } from '../../src/index.ts'
import { jobOf } from '../../src/job/create-job.ts'
import { resolveOptions } from '../../src/job/options.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { CERTIFICATE, KEY } from './certificates.ts'

const CASES = 'conformance/redirect-scrapy/cases.json'
const SECRET = /^(authorization|cookie|proxy-authorization)$/i

interface Case {
  readonly mw: string
  readonly request: {
    readonly url: string
    readonly method: string
    readonly headers: Readonly<Record<string, readonly string[]>>
    readonly body: string
    readonly meta: Readonly<Record<string, unknown>>
  }
  readonly response: { readonly status: number; readonly headers: Readonly<Record<string, readonly string[]>> }
  readonly outcome: string
  readonly next?: { readonly url: string; readonly method: string }
}

interface Asked {
  readonly origin: string
  readonly method: string
  readonly target: string
  readonly head: string
}

/** `https://example.com:8080/a` → `https://example-com.good.test:8080/a`; what has no host stays. */
function renamed(text: string): string {
  return text.replace(/^((?:https?:)?\/\/+)([a-z0-9.-]+)/i, (_, start: string, host: string) => {
    return `${start}${host.replaceAll('.', '-')}.good.test`
  })
}

async function listen(t: TestContext, server: Server, sockets: Set<Socket>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** Answers the first request with the case's response, all others with a page. */
async function twoServers(t: TestContext, asked: Asked[], answer: () => string) {
  const sockets = new Set<Socket>()
  const take =
    (scheme: string) =>
    (socket: Socket): void => {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
      socket.on('data', (chunk: Buffer) => {
        const head = chunk.toString('latin1')
        const [method = '', target = ''] = head.split(' ', 2)
        const host = /\r\nHost: ([^\r]+)/i.exec(head)?.[1] ?? ''
        asked.push({ origin: `${scheme}//${host}`, method, target, head })
        socket.write(answer(), 'latin1')
      })
    }
  const plain = await listen(t, createServer(take('http:')), sockets)
  const secure = await listen(t, createTlsServer({ key: KEY, cert: CERTIFICATE }, take('https:')), sockets)
  return { plain, secure }
}

test("no credential of one origin reaches another in the 205 redirects of scrapy's tests", {
  skip: skipWithout(CASES),
}, async (t) => {
  const cases = JSON.parse(readFileSync(sharedData(CASES)!, 'utf8')) as Case[]
  assert.equal(cases.length, 205)
  setDefaultCACertificates([...getCACertificates('default'), CERTIFICATE])
  const asked: Asked[] = []
  let first = ''
  const servers = await twoServers(t, asked, () =>
    asked.length === 1 ? first : 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  )
  let withCredentials = 0
  let followed = 0
  const other: string[] = []
  for (const { request, response, outcome, next, mw } of cases) {
    asked.length = 0
    const locations = (response.headers['Location'] ?? []).map((value) => `Location: ${renamed(value)}\r\n`).join('')
    first = `HTTP/1.1 ${response.status} Status\r\n${locations}Content-Length: 0\r\n\r\n`
    const url = renamed(request.url)
    const credentials = Object.entries(request.headers).filter(([name]) => SECRET.test(name))
    if (credentials.length > 0) withCredentials++
    const options: JobOptions = {
      resolve: [
        `*:443=127.0.0.1:${servers.secure}`,
        `*:8080=127.0.0.1:${servers.secure}`,
        `*=127.0.0.1:${servers.plain}`,
      ],
      contact: 'https://lab.example/bot',
      delay: 0,
      retries: 0,
      robots: 'ignore',
      reason: 'the servers are ours',
      method: request.method,
      retryUnsafe: true,
      header: credentials.filter(([name]) => !/^proxy-/i.test(name)).map(([name, [value = '']]) => `${name}: ${value}`),
    }
    const job = jobOf(
      'fetch',
      resolveOptions([{ origin: 'options', values: { ...options, seeds: url } }]),
      process.cwd(),
      {
        durable: false,
      },
    )
    await job.run()
    await job.close()
    const own = new URL(url).origin
    const there = asked.filter(({ origin }) => origin !== own)
    for (const { head, origin } of there) {
      for (const [, values] of credentials)
        for (const value of values) assert.ok(!head.includes(value), `${url} -> ${origin}\n${head}`)
    }
    if (mw !== 'RedirectMiddleware' || request.meta['dont_redirect'] === true) continue
    if (outcome !== 'follow' || next === undefined) continue
    // Back to itself: scrapy asks again, here it is a loop.
    if (new URL(next.url).href === new URL(request.url).href) continue
    const got = asked[1]
    const should = `${next.method} ${new URL(renamed(next.url)).href.replace(/#.*/, '')}`
    const is = got === undefined ? 'nothing' : `${got.method} ${new URL(got.target, got.origin).href}`
    if (is === should) followed++
    else other.push(`${request.method} ${url} ${response.status} ${locations.trim()} -> ${is}, not ${should}`)
  }
  assert.equal(withCredentials, 46)
  assert.deepEqual(other, [])
  assert.equal(followed, 70)
})
