import { createJob } from 'sluice'
import type { Handler } from 'sluice'

const calls = new Map<string, string[]>()
const note = (url: string, what: string): void => {
  const path = new URL(url).pathname
  const list = calls.get(path)
  if (list === undefined) calls.set(path, [what])
  else list.push(what)
}
const noting: Handler = {
  onRedirect: ({ root }, { status }) => note(root, `redirect ${status}`),
  onStatus: ({ root }, status) => note(root, `status ${status}`),
  onHeaders({ root }, head) {
    note(root, 'headers')
    return Number(head.header('content-length')) > 1_000_000 ? { cancel: 'too large for us' } : undefined
  },
  onSuccess: ({ root }, response) => note(root, `success ${response.body.length}`),
  onError: ({ root }, { code, message }) => note(root, `error ${code}${code === 'CANCELLED' ? ` (${message})` : ''}`),
  onDone: ({ root }, outcome) => note(root, `done ${outcome ?? 'later'}`),
}
const throwing: Handler = {
  match: '/throws',
  onSuccess() {
    throw new Error('a hook of ours is broken')
  },
}

const codes = Array.from({ length: 24 }, (_, i) => (i < 18 ? 400 + i : 482 + i))
const paths = ['/page', '/moved', '/found', '/huge', '/throws', ...codes.map((code) => `/status/${code}`)]
const job = createJob({
  kind: 'fetch',
  job: 'hooks',
  seeds: paths.map((path) => `http://a.test${path}`),
  handlers: { '*': noting, broken: throwing },
  resolve: `*=${process.env['ORIGIN']}`,
  delay: 0,
  perHost: 4,
  retries: 0,
})
const codesOf = new Map<string, string>()
for await (const { url, outcome, code } of job.pages()) codesOf.set(new URL(url).pathname, `${outcome} ${code ?? ''}`)
await job.close()
for (const path of paths)
  console.log(`${path}: ${(calls.get(path) ?? []).join(', ')} = ${codesOf.get(path)?.trimEnd()}`)
