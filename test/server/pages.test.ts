/** The endpoints behind the pages: nothing without the key, odd questions refused with a hint, every action in the log. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readAudit } from '../../src/job/index.ts'
import { openDashboard } from '../../src/server/index.ts'
import type { Dashboard } from '../../src/server/index.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'

let origin: Origin
let dashboard: Dashboard
let folder: string
let leave: () => void
let left: Promise<void>

before(async () => {
  const robots = { body: 'User-agent: *\nDisallow: /private/\n', headers: { 'content-type': 'text/plain' } }
  origin = await startOrigin({ sites: { '*': { pages: { '/robots.txt': robots, '/p/*': { body: 'page' } } } } })
  await new Promise<void>((ready, failed) => {
    left = inFolder(async (cwd) => {
      const urls = Array.from({ length: 12 }, (_, n) => `http://a.test/${n < 8 ? 'p' : 'private'}/${n}\n`)
      writeFileSync(join(cwd, 'urls.txt'), urls.join(''))
      await runCli(['fetch', 'urls.txt', ...fast(origin)], { cwd })
      folder = join(cwd, 'urls.sluice')
      dashboard = await openDashboard({ folder, language: 'en' })
      ready()
      await new Promise<void>((go) => (leave = go))
      await dashboard.close()
    })
    left.catch(failed)
  })
})

after(async () => {
  leave()
  await left
  await origin.close()
})

interface Answer {
  readonly status: number
  readonly body: { readonly error?: { readonly code: string; readonly hint?: string } } & Readonly<
    Record<string, unknown>
  >
}

async function ask(path: string, posted?: unknown, key = dashboard.key): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${dashboard.port}/api/${path}`, {
    headers: key === '' ? {} : { authorization: `Bearer ${key}` },
    ...(posted === undefined ? {} : { method: 'POST', body: JSON.stringify(posted) }),
  })
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : {} }
}

test('no page of the dashboard is told anything without the key', async () => {
  const paths = [
    'growth',
    'findings',
    'site',
    'items',
    'items.ndjson',
    'robots',
    'robots/file',
    'robots/test?url=x',
    'scope',
  ]
  for (const path of [...paths, 'compare', 'compare/jobs', 'workers', 'audit']) {
    const { status } = await ask(path, undefined, '')
    assert.ok(status === 401 || status === 429, `${path} ${status}`)
  }
})

test('a question that makes no sense is refused with a hint, and no other folder can be named', async () => {
  for (const path of [
    'compare?before=../../etc&now=urls',
    'compare?before=urls@9&now=urls',
    'robots/file?origin=http://never.test',
    'robots/test?url=',
    'items?sort=price',
    'items.ndjson',
    'site?sort=color',
    'audit?sort=secret',
  ]) {
    const { status, body } = await ask(path)
    assert.equal(status, 400, path)
    assert.equal(body.error?.code, 'OPTION_INVALID', path)
    assert.ok((body.error?.hint ?? '') !== '', path)
  }
  for (const [path, posted] of [
    ['scope/preview', { exclude: ['/(/'] }],
    ['scope/preview', { exclude: '/x' }],
    ['add', { urls: 'http://a.test/' }],
    ['add', { urls: Array.from({ length: 5001 }, () => 'x') }],
  ] as const)
    assert.equal((await ask(path, posted)).status, 400, path)
  assert.equal((await ask('add', { urls: ['x'.repeat(70_000)] })).status, 413)
})

test('rules, tree and workers of a job that has ended say what its ledger says', async () => {
  const { body: rules } = await ask('robots')
  assert.deepEqual(
    (rules['rows'] as { origin: string; refused: number }[]).map(({ origin: of, refused }) => [of, refused]),
    [['http://a.test', 4]],
  )
  assert.equal((await ask('robots/test?url=http://a.test/private/new')).body['robots'] !== null, true)
  const { body: site } = await ask('site')
  assert.equal((site['rows'] as { known: number }[])[0]?.known, 12)
  assert.equal((await ask('workers')).body['owner'], null)
})

test('every action is in the log, refused ones with their code, and counting first leaves no trace', async () => {
  await ask('add', { urls: ['http://a.test/p/100', 'http://user:secret@a.test/p/101'], dryRun: true })
  await ask('retry', { query: { outcome: 'skipped' }, dryRun: true })
  assert.deepEqual(readAudit(folder), [])
  await ask('pause', { reason: 'to look' })
  await ask('set', { name: 'colour', value: 'red' })
  await ask('set', { name: 'exclude', value: ['/private/**'] })
  await ask('add', { urls: ['http://user:secret@a.test/p/101'] })
  const told = readAudit(folder).map(({ action, result, why }) => [action, result, why])
  assert.deepEqual(told, [
    ['add', 'done', undefined],
    ['set', 'done', undefined],
    ['set', 'OPTION_INVALID', undefined],
    ['pause', 'JOB_NOT_RUNNING', 'to look'],
  ])
  assert.ok(!JSON.stringify(readAudit(folder)).includes('secret'))
  assert.deepEqual((await ask('scope')).body['excludes'], ['/private/**'])
})
