import assert from 'node:assert/strict'
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createJob, fetchAll } from 'sluice'
import { startOrigin } from 'sluice/testing'

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The built command in a folder. Where there are sources the launcher takes them: this runs what was built. */
function builtCommand(cwd: string): (...args: string[]) => Ended {
  const main = new URL('../../dist/cli/main.js', import.meta.url).href
  const launcher = join(cwd, 'launcher.mjs')
  writeFileSync(launcher, `import { main } from '${main}'\nprocess.exit(await main(process.argv.slice(2)))\n`)
  return (...args) =>
    spawnSync(process.execPath, [launcher, ...args], {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd },
    })
}

test('the built package crawls a site into a durable job and does not fetch it again', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { content: { kind: 'graph', seed: 4, pages: 60, links: 5 } } } })
  const folder = mkdtempSync(join(tmpdir(), 'sluice-dist-'))
  try {
    const options = {
      kind: 'crawl' as const,
      job: join(folder, 'site'),
      seeds: [origin.url('a.test', '/')],
      scope: 'host' as const,
      delay: 0,
      perHost: 8,
      resolve: [origin.resolveFlag],
      out: [join(folder, 'pages.ndjson'), join(folder, 'pages.csv'), `sqlite:${join(folder, 'pages.sqlite')}`],
    }
    const summary = await createJob(options).run()
    assert.deepEqual(summary.done, { ok: 61, unchanged: 0, gone: 0, denied: 0, failed: 0, skipped: 0 })
    const asked = origin.ledger('a.test').count
    const again = await createJob(options).run()
    assert.equal(again.doneTotal, 61)
    assert.equal(origin.ledger('a.test').count, asked)
    assert.equal(readFileSync(join(folder, 'pages.ndjson'), 'utf8').trimEnd().split('\n').length, 61)
  } finally {
    rmSync(folder, { recursive: true })
    await origin.close()
  }
})

test('the built package gives one outcome for each URL, whatever it is', async () => {
  const origin = await startOrigin()
  const urls = [origin.url('a.test', '/ok'), origin.url('a.test', '/status/404'), origin.url('a.test', '/gzip'), 'no url at all']
  const outcomes: string[] = []
  for await (const page of fetchAll(urls, { resolve: [origin.resolveFlag], delay: 0, retries: 0 })) outcomes.push(page.outcome)
  assert.deepEqual(outcomes.sort(), ['gone', 'ok', 'ok', 'skipped'])
  await origin.close()
})

test('the built command makes a project of a template, which passes its own check', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-dist-'))
  const sluice = builtCommand(folder)
  try {
    const made = sluice('init', 'http://localhost:9/', 'shop', '--template', 'typed-shop')
    assert.equal(made.status, 0, made.stderr)
    assert.match(readFileSync(join(folder, 'shop', 'shop.ts'), 'utf8'), /seeds: 'http:\/\/localhost:9\/'/)
    writeFileSync(join(folder, 'page.ts'), 'export default { extract: () => [{ a: 1 as number }] }\n')
    const checked = sluice('check', 'page.ts')
    assert.equal(checked.status, 0, checked.stderr)
    assert.match(checked.stdout, /page\.ts: loads/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('threads and processes of the built package start: archive, extractors, readers of stored pages, query', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { content: { kind: 'graph', seed: 4, pages: 30, links: 5 } } } })
  const folder = mkdtempSync(join(tmpdir(), 'sluice-dist-'))
  const sluice = builtCommand(folder)
  try {
    const extractor = join(folder, 'title.mjs')
    writeFileSync(extractor, "export default { extract: (page) => [{ title: page.text('title') }] }\n")
    const summary = await createJob({
      kind: 'crawl',
      job: join(folder, 'site'),
      seeds: [origin.url('a.test', '/')],
      delay: 0,
      perHost: 8,
      resolve: [origin.resolveFlag],
      store: true,
      extract: extractor,
    }).run()
    assert.equal(summary.done.ok, 31)
    const again = sluice('extract', 'site', '--with', extractor)
    assert.equal(again.status, 0, again.stderr)
    const archives = globSync('site.sluice/**/*.warc.gz', { cwd: folder })
    assert.ok(archives.length > 0)
    const foreign = sluice('extract', ...archives, '--with', extractor, '--accept', '-o', 'items.ndjson')
    assert.equal(foreign.status, 0, foreign.stderr)
    assert.equal(readFileSync(join(folder, 'items.ndjson'), 'utf8').trimEnd().split('\n').length, 31)
    const child = fork(new URL('../../dist/job/query-child.js', import.meta.url), { serialization: 'advanced' })
    child.send({ folder: join(folder, 'site.sluice'), sql: 'select count(*) as pages from pages', rows: 5, limitMs: 1000 })
    const [answer] = (await once(child, 'message')) as [unknown]
    assert.deepEqual(answer, { answer: { columns: ['pages'], rows: [[31]], more: false } })
    child.disconnect()
  } finally {
    rmSync(folder, { recursive: true })
    await origin.close()
  }
})
