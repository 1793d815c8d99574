import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createJob, fetchAll } from 'sluice'
import { startOrigin } from 'sluice/testing'

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
  // Where there are sources the launcher takes them: this one runs what was built.
  const main = new URL('../../dist/cli/main.js', import.meta.url).href
  const sluice = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(
      process.execPath,
      ['--input-type=module', '-e', `const { main } = await import('${main}'); process.exit(await main(${JSON.stringify(args)}))`],
      { cwd: folder, encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', HOME: folder } },
    )
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
