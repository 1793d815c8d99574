/** Replies of curl's own tests, each as a URL of a real job: what curl delivers is delivered, what it refuses has a code. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { rawServer } from '../fetch/raw-server.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { optionsFor, recordsOf } from './web.ts'

interface CurlCase {
  readonly id: string
  readonly replies_b64: Readonly<Record<string, string>>
}

/** curl reads these only when told to (`--http0.9`). */
const HTTP_0_9: Readonly<Record<string, string>> = { test66: 'NOT_HTTP', test1266: 'NOT_HTTP', test1267: 'NOT_HTTP' }

/** The code of each reply that curl refuses; a flag where the body is delivered all the same. */
const REFUSED: Readonly<Record<string, string>> = {
  test36: 'BAD_FRAMING',
  test129: 'NOT_HTTP',
  test178: 'BAD_FRAMING',
  test207: 'TRUNCATED',
  test221: 'ok, not-encoded',
  test223: 'BAD_ENCODING',
  test262: 'BAD_FRAMING',
  test315: 'BAD_ENCODING',
  test394: 'BAD_FRAMING',
  test398: 'BAD_FRAMING',
  test415: 'BAD_FRAMING',
  test497: 'HEADERS_TOO_LARGE',
  test747: 'HEADERS_TOO_LARGE',
  test768: 'BAD_FRAMING',
  test771: 'BAD_FRAMING',
  test772: 'BAD_REDIRECT',
  test1154: 'HEADERS_TOO_LARGE',
  test1172: 'NOT_HTTP',
  test1174: 'NOT_HTTP',
  test1416: 'BAD_FRAMING',
  test1430: 'NOT_HTTP',
  test1431: 'NOT_HTTP',
  test1432: 'NOT_HTTP',
  test1433: 'NOT_HTTP',
  test1479: 'ok, sniffed, lenient',
  test1480: 'NOT_HTTP',
  test1665: 'TRUNCATED',
  test1722: 'BAD_FRAMING',
  test1723: 'BAD_FRAMING',
  test2105: 'BAD_FRAMING',
  test2106: 'BAD_FRAMING',
}

test("a job delivers what curl delivers of its own tests' replies, and refuses the others with their codes", {
  skip: skipWithout('conformance/http-curl'),
}, async (t) => {
  const load = (name: string): unknown =>
    JSON.parse(readFileSync(`${sharedData('conformance/http-curl')}/${name}`, 'utf8'))
  const replies = new Map(
    (load('simple.json') as CurlCase[]).map(({ id, replies_b64: { data = '', data2 = '' } }) => [
      id,
      // A second reply is sent along with the first: what follows a body unasked.
      Buffer.concat([Buffer.from(data, 'base64'), id === 'test1479' ? Buffer.from(data2, 'base64') : Buffer.alloc(0)]),
    ]),
  )
  const subset = load('SUBSET.json') as { accept: string[]; refuse: string[] }
  const server = await rawServer(t, ({ path, socket }) => {
    socket.end(replies.get(path.slice(1)) ?? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const urlOf = (id: string): string => `http://${id}.curl.test/${id}`
  const records = await recordsOf([...subset.accept, ...subset.refuse].map(urlOf), {
    ...optionsFor({ resolveFlag: `*.test=127.0.0.1:${server.port}` }),
    retries: 0,
  })
  const byUrl = new Map(records.map((record) => [record.url, record]))
  const statusOf = (id: string): number => {
    // Of the last head: interim answers come before it.
    const heads = [...(replies.get(id)?.toString('latin1') ?? '').matchAll(/^HTTP\/1\.\d (\d{3})\b/gm)]
    return Number(heads.at(-1)?.[1] ?? 0)
  }
  const wrong: string[] = []
  const expect = (id: string, found: string, expected: string): void => {
    if (found !== expected) wrong.push(`${id}: ${found}, not ${expected}`)
  }
  for (const id of subset.accept) {
    const { code, status } = byUrl.get(urlOf(id)) ?? {}
    if (id in HTTP_0_9) expect(id, String(code), HTTP_0_9[id] as string)
    else expect(id, `${code === undefined || code === 'HTTP_STATUS' ? '' : code}${status}`, `${statusOf(id)}`)
  }
  for (const id of subset.refuse) {
    const { outcome, code, flags = [] } = byUrl.get(urlOf(id)) ?? {}
    const found = code ?? [outcome, ...flags].join(', ')
    expect(id, found, REFUSED[id] as string)
    if (code !== undefined) expect(id, String(outcome), 'failed')
  }
  assert.deepEqual(wrong, [])
  assert.equal(subset.accept.length - Object.keys(HTTP_0_9).length, 57)
  assert.equal(subset.refuse.length, Object.keys(REFUSED).length)
})
