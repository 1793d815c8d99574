/** Every exit code that a run can end with (UX.md 3.7), by what leads to it. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { countOutcomes, fast, fetchedAgain, polite, readRecords, readSummary } from './web.ts'

async function web(): Promise<Origin> {
  return startOrigin({ sites: { '*': { pages: { '/p/*': { body: 'page' } } } } })
}

/** A list of so many pages of a.test. */
function writeList(cwd: string, count: number): void {
  writeFileSync(join(cwd, 'urls.txt'), Array.from({ length: count }, (_, n) => `http://a.test/p/${n}\n`).join(''))
}

function assertAllOnce(cwd: string, count: number): void {
  const records = readRecords(join(cwd, 'pages.ndjson'))
  assert.deepEqual(countOutcomes(records), { ok: count })
  assert.equal(new Set(records.map(({ url }) => url)).size, count)
}

test('a run that could not start as it was asked exits with 2 and asks nobody for anything', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, 3)
    for (const [args, message] of [
      [['fetch', 'urls.txt', ...fast(origin), '--dealy', '1s'], /OPTION_UNKNOWN[\s\S]*--delay/],
      [['fetch', 'urls.txt', ...fast(origin), '--timeout', 'soon'], /OPTION_INVALID/],
      [['fetch', 'missing.txt', ...fast(origin)], /INPUT_UNREADABLE/],
      [['fetch', 'urls.txt', ...fast(origin), '--contact', 'https://example.com/bot'], /OPTION_INVALID/],
      [['fetch', 'urls.txt', ...fast(origin), '--fail-if', 'failed >'], /OPTION_INVALID/],
      [['fetch', 'urls.txt', ...fast(origin), '--robots', 'ignore'], /OPTION_INVALID[\s\S]*--reason/],
      [['crawl', 'urls.txt', ...fast(origin)], /OPTION_INVALID/],
      [['resume'], /OPTION_INVALID/],
      [['fetsch', 'urls.txt'], /OPTION_UNKNOWN[\s\S]*fetch/],
    ] as const) {
      const { code, stderr, stdout } = await runCli(args, { cwd })
      assert.equal(code, 2, `${args.join(' ')}\n${stderr}`)
      assert.match(stderr, message)
      assert.equal(stdout, '')
    }
    assert.equal(origin.ledger().count, 0)
    assert.deepEqual(
      readdirSync(cwd).filter((name) => name.endsWith('.sluice')),
      [],
      'no job folder is left behind',
    )
  })
})

test('more than 1,000 URLs of other sites, or a fast pace there, need a contact before the first request', async () => {
  await inFolder(async (cwd) => {
    // A proxy that refuses: were anything asked for, nothing would leave this machine.
    const args = ['fetch', 'urls.txt', '--progress', 'none', '--proxy', 'http://127.0.0.1:9']
    writeFileSync(join(cwd, 'urls.txt'), Array.from({ length: 1_001 }, (_, n) => `http://a.test/${n}\n`).join(''))
    const many = await runCli(args, { cwd })
    assert.equal(many.code, 2, many.stderr)
    assert.match(many.stderr, /CONTACT_MISSING/)
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/\n')
    for (const flags of [
      ['--delay', '0'],
      ['--per-host', '2'],
    ]) {
      const quick = await runCli([...args, ...flags], { cwd })
      assert.equal(quick.code, 2, quick.stderr)
      assert.match(quick.stderr, /CONTACT_MISSING/)
    }
    assert.equal(existsSync(join(cwd, 'urls.sluice')), false)
  })
})

test('a list with a failed URL exits with 3, and --fail-if moves the line', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/p/1\nhttp://a.test/status/500\nhttp://a.test/status/404\n')
    const args = ['fetch', 'urls.txt', ...fast(origin), '--retries', '0']
    const byDefault = await runCli([...args, '-j', 'one'], { cwd })
    assert.equal(byDefault.code, 3)
    assert.match(byDefault.stderr, /exit 3: failed/)
    assert.equal((await runCli([...args, '-j', 'two', '--fail-if', 'failed > 1'], { cwd })).code, 0)
    assert.equal((await runCli([...args, '-j', 'three', '--fail-if', 'gone > 0'], { cwd })).code, 3)
    assert.deepEqual(readSummary(cwd, 'three').failed.length, 1)
    // The same command again asks for nothing, and the ledger still says 3.
    const before = origin.ledger().count
    assert.equal((await runCli([...args, '-j', 'one'], { cwd })).code, 3)
    assert.equal(origin.ledger().count, before)
  })
})

test('--limit stops with 4 after exactly so many URLs, and a larger one goes on from there', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, 40)
    const args = ['fetch', 'urls.txt', ...fast(origin, 4), '-o', 'pages.ndjson']
    const first = await runCli([...args, '--limit', '15'], { cwd })
    assert.equal(first.code, 4, first.stderr)
    assert.equal(readRecords(join(cwd, 'pages.ndjson')).length, 15)
    assert.equal(readSummary(cwd, 'urls').status, 'limit')
    assert.equal((await runCli([...args, '--limit', '15'], { cwd })).code, 4)
    assert.equal(readRecords(join(cwd, 'pages.ndjson')).length, 15)
    const rest = await runCli([...args, '--limit', '100'], { cwd })
    assert.equal(rest.code, 0, rest.stderr)
    assertAllOnce(cwd, 40)
    assert.equal(fetchedAgain(origin, 'a.test'), 0)
  })
})

test('--max-time stops with 4 and the same command without it ends the list', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, 60)
    const args = ['fetch', 'urls.txt', ...polite(origin), '--per-host', '4', '-o', 'pages.ndjson']
    const first = await runCli([...args, '--delay', '50ms', '--max-time', '300ms'], { cwd })
    assert.equal(first.code, 4, first.stderr)
    const rest = await runCli([...args, '--delay', '0'], { cwd })
    assert.equal(rest.code, 0, rest.stderr)
    assertAllOnce(cwd, 60)
  })
})

test('an output that was edited between two runs stops the second with 6 and is left as it is', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, 10)
    const args = ['fetch', 'urls.txt', ...fast(origin, 2), '-o', 'pages.ndjson']
    assert.equal((await runCli([...args, '--limit', '4'], { cwd })).code, 4)
    const path = join(cwd, 'pages.ndjson')
    const edited = readFileSync(path, 'utf8').slice(20)
    writeFileSync(path, edited)
    const { code, stderr } = await runCli(args, { cwd })
    assert.equal(code, 6, stderr)
    assert.match(stderr, /SINK_CHANGED/)
    assert.equal(readFileSync(path, 'utf8'), edited)
  })
})

test('a second process on a live job exits with 7 and names the first by its pid', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, 500)
    const args = ['fetch', 'urls.txt', ...polite(origin), '--delay', '50ms']
    const first = start(args, { cwd })
    await origin.until(3)
    const second = await runCli(args, { cwd })
    assert.equal(second.code, 7, second.stderr)
    assert.match(second.stderr, /FRONTIER_LOCKED/)
    // The test's own child may be the launcher's child: the pid is the one that the status names.
    const status = JSON.parse((await runCli(['status', '--json'], { cwd })).stdout) as { owner: { pid: number } }
    assert.match(second.stderr, new RegExp(`\\b${status.owner.pid}\\b`))
    assert.equal(status.owner.pid, first.child.pid)
    first.child.kill('SIGTERM')
    assert.equal((await first.ended).code, 143)
  })
})

test('a store that is no store any more exits with 8 and is not touched', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, 10)
    const args = ['fetch', 'urls.txt', ...fast(origin, 2)]
    assert.equal((await runCli([...args, '--limit', '4'], { cwd })).code, 4)
    const path = join(cwd, 'urls.sluice', 'job.db')
    const garbage = Buffer.alloc(64 * 1024, 'this is no database ')
    writeFileSync(path, garbage)
    for (const command of [args, ['resume', 'urls'], ['status', 'urls'], ['retry', 'urls']]) {
      const { code, stderr } = await runCli(command, { cwd })
      assert.equal(code, 8, `${command[0]}: ${stderr}`)
      assert.match(stderr, /FRONTIER_CORRUPT|FORMAT_UNSUPPORTED/)
    }
    assert.ok(readFileSync(path).equals(garbage))
    appendFileSync(join(cwd, 'urls.txt'), 'http://a.test/p/10\n')
    assert.equal((await runCli([...args, '--fresh'], { cwd })).code, 0)
    assert.ok(readFileSync(join(cwd, 'urls.1.sluice', 'job.db')).equals(garbage))
  })
})

test('Ctrl-C lets requests in flight end, exits with 130, and the same command goes on', async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/p/*': { body: 'page', delayMs: 100 } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, 60)
    const args = ['fetch', 'urls.txt', ...fast(origin, 4), '-o', 'pages.ndjson']
    const first = start(args, { cwd })
    await origin.until(12)
    first.child.kill('SIGINT')
    const { code, stderr } = await first.ended
    assert.equal(code, 130, stderr)
    assert.match(stderr, /nothing new starts/)
    assert.equal(readSummary(cwd, 'urls').status, 'interrupted')
    const saved = readRecords(join(cwd, 'pages.ndjson')).length
    assert.ok(saved > 0 && saved < 60, `${saved} saved`)
    assert.equal(saved + 1, origin.ledger().count, 'what was asked for has been kept')
    const rest = await runCli(args, { cwd })
    assert.equal(rest.code, 0, rest.stderr)
    assertAllOnce(cwd, 60)
    assert.equal(fetchedAgain(origin, 'a.test'), 0)
  })
})

test('Ctrl-C twice does not wait for answers, and what was in flight comes again', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  origin.fault('a.test', { kind: 'hang', every: 1, times: 4, path: '/p/' })
  await inFolder(async (cwd) => {
    writeList(cwd, 30)
    const args = ['fetch', 'urls.txt', ...fast(origin, 4), '-o', 'pages.ndjson']
    const first = start(args, { cwd })
    await origin.until(5)
    first.child.kill('SIGINT')
    await first.said('nothing new starts')
    // Two signals within 100 ms are one key press: a hurried person presses until something is said.
    const pressing = setInterval(() => first.child.kill('SIGINT'), 250)
    await first.said('goes back into the queue').finally(() => clearInterval(pressing))
    const { code, stderr } = await first.ended
    assert.equal(code, 130, stderr)
    assert.equal(readSummary(cwd, 'urls').left.total, 30)
    const rest = await runCli(args, { cwd })
    assert.equal(rest.code, 0, rest.stderr)
    assertAllOnce(cwd, 30)
    assert.equal(fetchedAgain(origin, 'a.test'), 4)
  })
})

test('SIGTERM saves the state, exits with 143, and the same command goes on', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, 40)
    const args = ['fetch', 'urls.txt', ...polite(origin), '-o', 'pages.ndjson']
    const first = start([...args, '--delay', '50ms'], { cwd })
    await origin.until(8)
    first.child.kill('SIGTERM')
    const { code, stderr } = await first.ended
    assert.equal(code, 143, stderr)
    const rest = await runCli([...args, '--delay', '0'], { cwd })
    assert.equal(rest.code, 0, rest.stderr)
    assertAllOnce(cwd, 40)
    assert.equal(fetchedAgain(origin, 'a.test'), 0)
  })
})
