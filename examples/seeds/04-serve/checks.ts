/** The twelve checks of the row, against the service at the address given. A line each. */
import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { createInterface } from 'node:readline'

const [address = '', key = ''] = (process.argv[2] ?? '').trim().split('#k=')
const bearer = { authorization: `Bearer ${key}` }
const at = (path: string): URL => new URL(path, address)

/** JSON of any shape: what is compared is said in `expected/checks.txt`. */
// oxlint-disable-next-line typescript/no-explicit-any -- a dozen shapes, looked at field by field
type Loose = any

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Loose
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(at(path), { ...init, headers: { ...bearer, ...init.headers } })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text.startsWith('{') ? JSON.parse(text) : undefined,
  }
}

const post = (path: string, body: unknown) => ask(path, { method: 'POST', body: JSON.stringify(body) })

async function until<T>(look: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  for (let value = await look(); ; value = await look()) if (isSo(value)) return value
}

/** Bytes of a stream until there are enough messages. */
async function events(after: string, wanted: number): Promise<string[]> {
  const aborter = new AbortController()
  const headers = { ...bearer, 'last-event-id': after }
  const response = await fetch(at('/jobs/shop/api/events'), { headers, signal: aborter.signal })
  let text = ''
  for await (const bytes of response.body ?? []) {
    text += Buffer.from(bytes as Uint8Array).toString()
    if (text.split('\n\n').length > wanted) break
  }
  aborter.abort()
  return text.split('\n\n').slice(0, wanted)
}

const say = (number: number, text: unknown): void =>
  console.log(`${number} ${typeof text === 'string' ? text : JSON.stringify(text)}`)

say(1, `${at('/').hostname}, a key of ${key.length} characters`)
const nobody = await fetch(at('/api/jobs'))
say(2, [nobody.status, ((await nobody.json()) as { error: { code: string } }).error.code])
const elsewhere = await new Promise((resolve) => {
  const headers = { ...bearer, origin: 'http://evil.example' }
  request(at('/api/jobs/crawl'), { method: 'POST', headers }, (response) => resolve(response.statusCode)).end('{}')
})
say(3, [elsewhere])

await post('/api/jobs/crawl', { urls: ['http://shop.test/'], name: 'shop', extract: ['titles'] })
const { known } = await until(
  async () => (await ask('/api/jobs/shop')).json,
  ({ state }) => ['finished', 'failed'].includes(state),
)
const page = await ask('/main.js')
const etag = page.headers.get('etag') ?? ''
const again = await ask('/main.js', { headers: { 'if-none-match': etag } })
say(4, [page.status, again.status, again.text.length])

const all = await events('0', 6)
const ids = all.map((message) => Number(/^id: (\d+)$/m.exec(message)?.[1])).filter((id) => id > 0)
const rest = await events(String(ids[1]), 2)
const gap = await events('999999', 3)
say(5, [
  all[0],
  /^event: (\w+)/m.exec(all[1] ?? '')?.[1],
  /^id: (\d+)/m.exec(rest[1] ?? '')?.[1] === String(ids[2]),
  /^event: (\w+)/m.exec(gap[1] ?? '')?.[1],
  /^event: (\w+)/m.exec(gap[2] ?? '')?.[1],
])

// One that never reads: others do not notice.
const stuck = request(at('/jobs/shop/api/events'), { headers: bearer }, (response) => response.pause())
stuck.end()
say(6, [(await events('0', 3)).length])

const socket = new WebSocket(at('/jobs/shop/api/socket?after=0').href.replace('http', 'ws'), {
  headers: bearer,
} as never)
const first = await new Promise((resolve) =>
  socket.addEventListener('message', ({ data }) => resolve(JSON.parse(String(data)).type), { once: true }),
)
socket.send('x'.repeat(5000))
const closed = await new Promise((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
say(7, [first, closed])

const rpc = async (body: string): Promise<unknown> => {
  const { json, text, status } = await ask('/rpc', { method: 'POST', body })
  return json?.error?.code ?? json?.result?.done ?? [status, text.length]
}
const call = (method: string, params?: unknown, id?: number): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params })
say(8, [
  await rpc('{'),
  await rpc('{}'),
  await rpc(call('nothing', {}, 1)),
  await rpc(call('jobs.list', { nothing: 1 }, 1)),
  await rpc(call('jobs.get', { job: 'shop' }, 1)),
  await rpc(call('jobs.get', { job: 'shop' })),
  (
    (await (
      await fetch(at('/rpc'), {
        method: 'POST',
        headers: bearer,
        body: `[${call('jobs.list', {}, 1)},${call('jobs.list', {}, 2)}]`,
      })
    ).json()) as unknown[]
  ).length,
])

const tools = (await post('/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/list' })).json.result.tools
const overHttp = (
  await post('/mcp', {
    jsonrpc: '2.0',
    id: 2,
    method: 'tools/call',
    params: { name: 'job_status', arguments: { job: 'shop' } },
  })
).json
const child = spawn('npx', ['sluice', 'serve', '--mcp', '--dir', 'other'], { stdio: ['pipe', 'pipe', 'inherit'] })
child.stdin.end(`${call('tools/list', {}, 1)}\n`)
let overLines: unknown[] = []
for await (const line of createInterface({ input: child.stdout })) overLines = JSON.parse(line).result.tools
say(9, [tools.length === overLines.length, overHttp.result.structuredContent.outcomes])

const items = await ask('/api/jobs/shop/items')
const titles = (items.json.rows as { title: string }[]).map(({ title }) => title).toSorted()
say(10, [known, titles, items.headers.get('content-type'), items.headers.get('x-content-type-options')])

const words = async (language: string): Promise<Loose> => (await ask(`/catalog/${language}`)).json
const { messages } = await words('pt-BR')
say(11, [messages['ui.matched.one'], messages['ui.matched.other'], (await words('xx')).language])

const aborter = new AbortController()
const idle = await Promise.all(
  Array.from({ length: 200 }, () => fetch(at('/jobs/shop/api/events'), { headers: bearer, signal: aborter.signal })),
)
const counted = await until(
  async () => /sluice_viewers\{kind="sse"\} (\d+)/.exec((await ask('/metrics')).text)?.[1],
  (count) => Number(count) >= 200,
)
say(12, [idle.length, Number(counted) >= 200])
aborter.abort()
stuck.destroy()
process.exit(0)
