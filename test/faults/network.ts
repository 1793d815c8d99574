/** Runs about what lies below HTTP: names, addresses, TLS, proxies, descriptors. Servers of their own, all on loopback. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import type { JobOptions, PageRecord } from '../../src/index.ts'
import type { FaultName } from '../../src/testing/origin/fault-cases.ts'
import { startHttp2Origin } from '../../src/testing/http2-origin.ts'
import { startNames } from '../../src/testing/names.ts'
import { BIN, inFolder } from '../cli/run-cli.ts'
import { CERTIFICATE, EXPIRED, KEY } from '../fetch/certificates.ts'
import { readRecords } from '../integration/web.ts'
import type { Run, Web } from './runs.ts'
import { inFastTime, optionsFor, recordsOf, urlsOf } from './web.ts'

export const NETWORK_RUNS: Readonly<Record<string, Run>> = {
  names,
  inward,
  tls,
  'secure-redirects': secureRedirects,
  proxies,
  descriptors,
  http2,
}

/** In the order of the table. */
const HTTP2_FAULTS = [
  ...['goaway-before', 'goaway-after', 'goaway-error', 'refuse/2', 'reset/2', 'http1-only', 'flood/ping'],
  ...['flood/settings', 'flood/empty-data', 'flood/continuation', 'flood/huge-settings', 'garbage'],
]

type Records = Map<FaultName, readonly PageRecord[]>

interface Listening {
  readonly port: number
  close(): void
}

async function listening(server: Server, sockets: Set<Socket>): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** Every socket is kept so that it can be ended, and none of them may throw. */
function serve(take: (socket: Socket) => void): Promise<Listening> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    take(socket)
  })
  return listening(server, sockets)
}

function serveTls(options: object, answer: (head: string) => string): Promise<Listening> {
  const sockets = new Set<Socket>()
  const server = createTlsServer({ key: KEY, cert: CERTIFICATE, ...options }, (socket: TLSSocket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => socket.write(answer(chunk.toString('latin1'))))
  })
  server.on('tlsClientError', () => {})
  return listening(server, sockets)
}

const PAGE = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello'

/** The name server of the test is the only one asked; the port of the fake web is in the URLs. */
async function names({ origin }: Web, asked: readonly FaultName[]): Promise<Records> {
  const here = { addresses: ['127.0.0.1'] }
  await using server = await startNames({
    'broken-name.test': { fails: 'broken' },
    'silent-name.test': { fails: 'silent' },
    'slow-name.test': { ...here, delayMs: 1200 },
    'dead-ipv6.test': { addresses: ['::1', '127.0.0.1'] },
    'rebinding.test': [
      { addresses: ['203.0.113.9'], ttl: 0 },
      { ...here, ttl: 0 },
    ],
    '*.fast.test': here,
  })
  const url = (name: string, path = '/ok'): string => `http://${name}:${origin.port}${path}`
  const { resolve: _, ...options } = optionsFor(origin)
  const usual: JobOptions = { ...options, dns: server.address }
  const all: Records = new Map()
  for (const name of asked) {
    switch (name) {
      case 'silent-name':
        all.set(name, await recordsOf([url('silent-name.test')], { ...usual, ...inFastTime(), timeout: '30s' }))
        break
      case 'slow-name': {
        const fast = Array.from({ length: 50 }, (_, n) => url(`n${n}.fast.test`))
        const records = await recordsOf([url('slow-name.test'), ...fast], usual)
        assert.ok(records.every(({ outcome }) => outcome === 'ok'))
        assert.match(records.at(-1)?.url ?? '', /slow-name/, 'nobody waits for a slow name')
        all.set(name, records)
        break
      }
      case 'rebinding': {
        // Within the policy whatever was said first: both answers are looked at when they are connected to.
        const two = [url('rebinding.test', '/ok?1'), url('rebinding.test', '/ok?2')]
        const slow = { ...usual, private: false, ...inFastTime(), delay: '2s', perHost: 1 }
        all.set(name, await recordsOf(two, slow))
        assert.equal(await origin.ledger('rebinding.test').count(), 0)
        break
      }
      default:
        all.set(name, await recordsOf([url(`${name}.test`)], usual))
    }
  }
  return all
}

/** Redirects to the inside, the address policy on. The redirecting hosts are reached by a proxy: it may be inside. */
async function inward({ origin, round }: Web, [name = 'inward-redirect']: readonly FaultName[]): Promise<Records> {
  let touched = 0
  const canary = await serve((socket) => {
    touched++
    socket.destroy()
  })
  const { resolve: _, ...options } = optionsFor(origin)
  const hosts = { '*.test': { proxy: `http://127.0.0.1:${origin.port}` } }
  const records = await recordsOf(urlsOf(name, round), { ...options, hosts, private: false })
  const direct = await recordsOf([`http://127.0.0.1:${canary.port}/`, `http://[::1]:${canary.port}/`], {
    ...options,
    private: false,
  })
  canary.close()
  assert.equal(touched, 0)
  return new Map([[name, [...records, ...direct]]])
}

async function tls({ origin }: Web, asked: readonly FaultName[]): Promise<Records> {
  const closing = await serve((socket) => socket.once('data', () => socket.end()))
  const alert = await serve((socket) => socket.once('data', () => socket.end(Buffer.from('15030100020246', 'hex'))))
  const expired = await serveTls({ cert: EXPIRED }, () => PAGE)
  const good = await serveTls({}, () => PAGE)
  const plain = await serve((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  const old = await serveTls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }, () => PAGE)
  const resolve = [
    `closed-in-handshake.test=127.0.0.1:${closing.port}`,
    `expired.good.test=127.0.0.1:${expired.port}`,
    `wrong-host.test=127.0.0.1:${good.port}`,
    `old-tls.good.test=127.0.0.1:${old.port}`,
    `http-for-https.test=127.0.0.1:${plain.port}`,
    `https-for-http.test=127.0.0.1:${alert.port}`,
  ]
  const urls: Readonly<Partial<Record<FaultName, readonly string[]>>> = {
    'closed-in-handshake': ['https://closed-in-handshake.test/'],
    'bad-certificate': ['https://expired.good.test/', 'https://wrong-host.test/'],
    'old-tls': ['https://old-tls.good.test/'],
    'http-for-https': ['https://http-for-https.test/'],
    'https-for-http': ['http://https-for-http.test/'],
  }
  const all: Records = new Map()
  for (const name of asked) {
    const records = await recordsOf(urls[name] ?? [], { ...optionsFor(origin), resolve })
    for (const { message } of records) assert.ok((message ?? '').length > 20, 'the cause is told')
    all.set(name, records)
  }
  for (const server of [closing, alert, expired, good, plain, old]) server.close()
  return all
}

/** Each on a host of its own: what breaks HTTP/2 is asked by HTTP/1.1 from then on. */
async function http2({ origin }: Web, [name = 'http2']: readonly FaultName[]): Promise<Records> {
  await using server = await startHttp2Origin({ key: KEY, cert: CERTIFICATE })
  const urls = HTTP2_FAULTS.map((fault) => `https://${fault.replaceAll('/', '-')}.good.test/${fault}`)
  const resolve = `*=127.0.0.1:${server.port}`
  setDefaultCACertificates([...getCACertificates('default'), CERTIFICATE])
  const records = await recordsOf(urls, { ...optionsFor(origin), resolve, http2: true })
  const byUrl = new Map(records.map((record) => [record.url, record]))
  return new Map([[name, urls.flatMap((url) => byUrl.get(url) ?? [])]])
}

/** http → https → http: what was meant for the first is not told to the second. */
async function secureRedirects(
  { origin, round }: Web,
  [name = 'secure-redirects']: readonly FaultName[],
): Promise<Records> {
  const heads: string[] = []
  const host = `r${round}.good.test`
  const server = await serveTls({}, (head) => {
    heads.push(head)
    return `HTTP/1.1 302 Found\r\nLocation: http://${host}/ok\r\nSet-Cookie: safe=1; Secure\r\nContent-Length: 0\r\n\r\n`
  })
  setDefaultCACertificates([...getCACertificates('default'), CERTIFICATE])
  await origin.raw(host, '/up', `HTTP/1.1 302 Found\r\nLocation: https://${host}/\r\nContent-Length: 0\r\n\r\n`)
  const options = {
    ...optionsFor(origin),
    resolve: [`${host}:443=127.0.0.1:${server.port}`, `*=127.0.0.1:${origin.port}`],
    header: ['Authorization: Bearer canary'],
  }
  const records = await recordsOf(`http://${host}/up`, options)
  server.close()
  assert.equal(heads.length, 1)
  assert.doesNotMatch(heads[0] ?? '', /canary/)
  for (const { headers } of await origin.ledger(host).arrivals()) assert.equal(headers['cookie'], undefined)
  return new Map([[name, records]])
}

/** Proxies that want a login, close, talk behind CONNECT, die in the middle: never is the site asked directly. */
async function proxies({ origin, round }: Web, [name = 'bad-proxy']: readonly FaultName[]): Promise<Records> {
  const kinds: ((socket: Socket) => void)[] = [
    (socket) => socket.once('data', () => socket.end('HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n')),
    (socket) => socket.destroy(),
    (socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')),
    (socket) => socket.once('data', () => socket.end()),
  ]
  const records: PageRecord[] = []
  for (const [i, take] of kinds.entries()) {
    const proxy = await serve(take)
    const host = `proxied${i}.r${round}.test`
    // Plain requests of the third kind are answered, as by any web server.
    const scheme = i === 2 ? 'https' : 'http'
    const options = { ...optionsFor(origin), proxy: `http://user:canary@127.0.0.1:${proxy.port}` }
    const [record] = await recordsOf([`${scheme}://${host}/ok`], options)
    proxy.close()
    if (record !== undefined) records.push(record)
    assert.equal(await origin.ledger(host).count(), 0, 'never directly')
    assert.doesNotMatch(JSON.stringify(record), /canary/)
  }
  return new Map([[name, records]])
}

/** A process that may open few files, and many hosts to fetch from. */
async function descriptors(
  { origin, round }: Web,
  [name = 'out-of-descriptors']: readonly FaultName[],
): Promise<Records> {
  let records: PageRecord[] = []
  await inFolder(async (cwd) => {
    const urls = Array.from({ length: 200 }, (_, n) => `http://d${n}.r${round}.test/delay/20\n`)
    writeFileSync(join(cwd, 'urls.txt'), urls.join(''))
    const args = [
      'fetch',
      'urls.txt',
      '-c',
      '200',
      '--delay',
      '0',
      '--resolve',
      origin.resolveFlag,
      '--robots',
      'ignore',
    ]
    args.push('--reason', 'ours', '--contact', 'https://lab.example/bot', '--progress', 'none', '-o', 'pages.ndjson')
    const script = 'ulimit -n 80; exec "$0" "$@"'
    const child = spawn('bash', ['-c', script, process.execPath, BIN, ...args], {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let told = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text))
    const code = await new Promise((resolve) => child.on('close', resolve))
    assert.equal(code, 0, told)
    records = readRecords(join(cwd, 'pages.ndjson'))
    assert.equal(records.length, 200)
  })
  return new Map([[name, records]])
}
