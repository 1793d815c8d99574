/** What commands say when they cannot do what was asked, and the commands that they name next: those must work as printed. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { shellWord } from '../../src/model/shell-word.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { countOutcomes, fast, readRecords } from './web.ts'

async function web(): Promise<Origin> {
  return startOrigin({ sites: { '*': { pages: { '/p/*': { body: 'page' } } } } })
}

interface ErrorLine {
  readonly v: number
  readonly type: string
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly exit: number
}

test('with --json every command that ends with an error says so in one line of the same shape, besides its sentences', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    for (const [args, code] of [
      [['fetch', 'missing.txt', '--json'], 'INPUT_UNREADABLE'],
      [['fetch', 'http://a.test/p/1', '--json=all', '--delay', 'soon'], 'OPTION_INVALID'],
      [['crawl', 'http://a.test/', '--json', '--dealy', '1s'], 'OPTION_UNKNOWN'],
      [['run', '--json'], 'INPUT_UNREADABLE'],
      [['status', '--json'], 'OPTION_INVALID'],
      [['why', '--json'], 'OPTION_INVALID'],
      [['inspect', 'http://a.test/', '--json', '--extract', 'missing.ts'], 'INPUT_UNREADABLE'],
      [['check', '--json'], 'INPUT_UNREADABLE'],
    ] as const) {
      const ended = await runCli(args, { cwd })
      assert.equal(ended.code, 2, args.join(' '))
      const { message, hint, ...line } = JSON.parse(ended.stdout) as ErrorLine
      assert.deepEqual(line, { v: 1, type: 'error', code, exit: 2 }, args.join(' '))
      assert.ok(message !== '' && hint !== '')
      assert.match(ended.stderr, new RegExp(`error ${code}: `))
    }
    // Where events were printed already, it is the last line.
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/p/1\n')
    const args = ['fetch', 'urls.txt', ...fast(origin, 1), '-o', 'pages.ndjson']
    assert.equal((await runCli(args, { cwd })).code, 0)
    writeFileSync(join(cwd, 'pages.ndjson'), 'mine\n')
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/p/1\nhttp://a.test/p/2\n')
    const changed = await runCli([...args, '--json'], { cwd })
    assert.equal(changed.code, 6, changed.stderr)
    const last = JSON.parse(changed.stdout.trimEnd().split('\n').at(-1) ?? '') as ErrorLine
    assert.deepEqual([last.type, last.code, last.exit], ['error', 'SINK_CHANGED', 6])
  })
})

test('a folder or a file that is no text is refused as a list, by name and before any request', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    mkdirSync(join(cwd, 'my lists'))
    writeFileSync(join(cwd, 'photo.txt'), Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'))
    writeFileSync(join(cwd, 'paper.txt'), '%PDF-1.4\n1 0 obj\n')
    for (const [list, message] of [
      ['my lists', /INPUT_UNREADABLE: "my lists" is a folder, not a list\n.*sluice fetch 'my lists\/urls\.txt'/],
      ['photo.txt', /INPUT_UNREADABLE: .*photo\.txt is no text: it cannot be a list of URLs\n.*CSV, NDJSON/],
      ['paper.txt', /INPUT_UNREADABLE: .*paper\.txt is no text/],
    ] as const) {
      for (const flags of [[], fast(origin)]) {
        const { code, stderr } = await runCli(['fetch', list, ...flags], { cwd })
        assert.equal(code, 2, stderr)
        assert.match(stderr, message)
      }
    }
    assert.equal(origin.ledger().count, 0)
  })
})

test('hints name a job in a folder with blanks so that a shell takes them as they are', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    mkdirSync(join(cwd, 'a'))
    const args = ['fetch', 'http://a.test/p/[1-5]', '-j', 'a/b c', ...fast(origin, 1), '--limit', '2']
    const { code, stderr } = await runCli(args, { cwd })
    assert.equal(code, 4, stderr)
    assert.match(stderr, /sluice resume 'a\/b c'/)
    assert.match(stderr, /sluice why URL --job 'a\/b c'/)
    assert.match(stderr, /summary a\/b c\.sluice\/summary\.json/)
    assert.match((await runCli(['status', 'a/b c'], { cwd })).stdout, /continue: +sluice resume 'a\/b c'/)
    const rest = await runCli(['resume', 'a/b c', '--limit', '10', '-o', 'pages.ndjson', '--progress', 'none'], { cwd })
    assert.equal(rest.code, 0, rest.stderr)
  })
  assert.equal(shellWord('https://a.test/x?a=1&b=2'), "'https://a.test/x?a=1&b=2'")
  assert.equal(shellWord("it's"), `'it'\\''s'`)
  assert.equal(shellWord('data/pages-1.ndjson'), 'data/pages-1.ndjson')
  assert.equal(shellWord(''), "''")
})

test('a job that was opened paused names the command that lets it go on, and that command does', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['fetch', 'http://a.test/p/[1-3]', '-j', 'later', ...fast(origin, 1), '-o', 'pages.ndjson', '--paused']
    const first = start(args, { cwd })
    await first.said('paused: nothing is fetched until  sluice resume later')
    // It says so before it runs: the owner can be spoken to a moment after.
    let resumed = await runCli(['status', 'later', '--json'], { cwd })
    while ((JSON.parse(resumed.stdout) as { status: string }).status !== 'paused') {
      resumed = await runCli(['status', 'later', '--json'], { cwd })
    }
    assert.equal(origin.ledger().count, 0)
    resumed = await runCli(['resume', 'later'], { cwd })
    assert.equal(resumed.code, 0, resumed.stderr)
    assert.match(resumed.stderr, /job later goes on in its own process/)
    const { code, stderr } = await first.ended
    assert.equal(code, 0, stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'pages.ndjson'))), { ok: 3 })
  })
})
