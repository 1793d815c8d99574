import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stdinUse } from '../../src/cli/stdin-rule.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { fast } from '../integration/web.ts'
import { inFolder, runCli, start } from './run-cli.ts'

test('standard input is read for "-", or where nothing else says what to fetch and something is connected', () => {
  const facts = { positionals: [], config: false, connected: true }
  assert.equal(stdinUse(facts), 'implied')
  assert.equal(stdinUse({ ...facts, connected: false }), 'never')
  assert.equal(stdinUse({ ...facts, config: true }), 'never')
  assert.equal(stdinUse({ ...facts, positionals: ['urls.txt'] }), 'never')
  assert.equal(stdinUse({ ...facts, positionals: ['-'], connected: false }), 'asked')
  assert.equal(stdinUse({ ...facts, positionals: ['urls.txt', '-'], config: true }), 'asked')
})

test('an open pipe is not waited for when a list is named', () =>
  inFolder(async (cwd) => {
    const { child, ended } = start(['fetch', 'missing.txt'], { cwd, stdin: 'pipe' })
    // The pipe stays open: a process that reads it would never end.
    const { code, stderr } = await ended
    child.stdin?.destroy()
    assert.equal(code, 2)
    assert.match(stderr, /INPUT_UNREADABLE/)
  }))

test('an open pipe is not waited for when a config file is there', () =>
  inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'sluice.config.json'), '{}')
    const { child, ended } = start(['fetch'], { cwd, stdin: 'pipe' })
    const { code, stderr } = await ended
    child.stdin?.destroy()
    assert.equal(code, 2)
    assert.match(stderr, /fetch needs a list or URLs/)
  }))

test('an open pipe is not waited for by commands that take no list', () =>
  inFolder(async (cwd) => {
    for (const command of ['status', 'resume', 'stop', 'retry', 'crawl']) {
      const { child, ended } = start([command], { cwd, stdin: 'pipe' })
      const { code } = await ended
      child.stdin?.destroy()
      assert.equal(code, 2, command)
    }
  }))

test('without a list and with /dev/null as input, as under cron, fetch says what it needs', () =>
  inFolder(async (cwd) => {
    const { code, stderr } = await runCli(['fetch'], { cwd })
    assert.equal(code, 2)
    assert.match(stderr, /fetch needs a list or URLs/)
  }))

test('without a list an open pipe is read, and after a second it is said what is waited for', () =>
  inFolder(async (cwd) => {
    const { child, ended, said } = start(['fetch'], { cwd, stdin: 'pipe' })
    await said('reading URLs from stdin… (Ctrl-D to end)')
    child.stdin?.end()
    const { code, stderr } = await ended
    assert.equal(code, 2, 'it was empty')
    assert.match(stderr, /the input names no URL/)
  }))

test('Ctrl-C ends the wait for standard input, also that of an output for the names of its columns', async () => {
  for (const output of [[], ['-o', 'out.csv']]) {
    await inFolder(async (cwd) => {
      const { child, ended, said } = start(['fetch', '-', ...output], { cwd, stdin: 'pipe' })
      await said('reading URLs from stdin…')
      child.kill('SIGINT')
      const { code } = await ended
      child.stdin?.destroy()
      assert.equal(code, 130)
    })
  }
})

test('columns of piped rows are columns of CSV as those of files are, whatever the rows are written in', async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/*': 'a page' } } } })
  t.after(() => origin.close())
  const rows = {
    csv: 'id,url,city\n1,http://a.test/1,Rio\n2,http://a.test/2,"São, Paulo"\n',
    tsv: 'id\turl\tcity\n1\thttp://a.test/1\tRio\n2\thttp://a.test/2\tSão, Paulo\n',
    ndjson: '{"id":1,"url":"http://a.test/1","city":"Rio"}\n{"id":2,"url":"http://a.test/2","city":"São, Paulo"}\n',
  }
  for (const [format, text] of Object.entries(rows)) {
    await inFolder(async (cwd) => {
      const { child, ended } = start(['fetch', '-', '-o', 'out.csv', ...fast(origin)], { cwd, stdin: 'pipe' })
      // In pieces, the first of which ends within a line.
      child.stdin?.write(text.slice(0, 5))
      child.stdin?.end(text.slice(5))
      const run = await ended
      assert.equal(run.code, 0, run.stderr)
      const [header = '', ...lines] = readFileSync(join(cwd, 'out.csv'), 'utf8').trimEnd().split('\r\n')
      assert.deepEqual(
        header.split(',').filter((name) => name.startsWith('input.')),
        ['input.line', 'input.id', 'input.city'],
        format,
      )
      assert.match(lines.join('\n'), /"São, Paulo"/)
    })
  }
})
