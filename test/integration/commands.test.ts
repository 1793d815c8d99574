/** The commands around a run: status, why, retry, resume, stop, run; and what a changed command does to its job. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli, start } from '../cli/run-cli.ts'
import { countOutcomes, fast, polite, readRecords } from './web.ts'

interface Line {
  readonly v: number
  readonly id?: number
  readonly type: string
  readonly job: string
  readonly url?: string
  readonly outcome?: string
}

async function web(): Promise<Origin> {
  return startOrigin({ sites: { '*': { pages: { '/p/*': { body: 'page' } } } } })
}

function writeList(cwd: string, ...urls: string[]): void {
  writeFileSync(join(cwd, 'urls.txt'), urls.map((url) => `${url}\n`).join(''))
}

function pages(count: number, host = 'a.test'): string[] {
  return Array.from({ length: count }, (_, n) => `http://${host}/p/${n}`)
}

function linesOf(stdout: string): Line[] {
  return stdout === ''
    ? []
    : stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
}

test('status tells of a live job by its owner and of a stopped one by its folder, and both add up', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, ...pages(200))
    const { child, ended } = start(['fetch', 'urls.txt', ...polite(origin), '--delay', '50ms'], { cwd })
    await origin.until(5)
    const live = JSON.parse((await runCli(['status', '--json'], { cwd })).stdout)
    assert.equal(live.live, true)
    assert.equal(live.status, 'running')
    assert.equal(live.owner.pid, child.pid)
    assert.equal(live.known, live.doneTotal + live.left.total)
    const text = await runCli(['status', 'urls'], { cwd })
    assert.match(text.stdout, new RegExp(`urls \\(fetch\\).*running.*pid ${child.pid}`))

    const stop = await runCli(['stop'], { cwd })
    assert.equal(stop.code, 0, stop.stderr)
    assert.equal((await ended).code, 130)
    const stopped = JSON.parse((await runCli(['status', '--json'], { cwd })).stdout)
    assert.equal(stopped.live, false)
    assert.equal(stopped.status, 'interrupted')
    assert.equal(stopped.known, 200)
    assert.equal(stopped.known, stopped.doneTotal + stopped.left.total)
    assert.match((await runCli(['status'], { cwd })).stdout, /sluice resume urls/)
    const again = await runCli(['stop', 'urls'], { cwd })
    assert.equal(again.code, 0)
    assert.match(again.stderr, /not running/)
  })
})

test('why has an answer for every way a URL can stand', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  origin.site('a.test', {
    robots: 'User-agent: *\nDisallow: /closed/\n',
    pages: {
      '/': '<a href=/closed/x>x</a><a href=/p/1>1</a><a href=/a.zip>z</a><a href=/status/500>5</a><a href=/go>g</a>',
    },
  })
  origin.handle('a.test', '/go', () => ({ status: 302, headers: { Location: '/p/1' }, body: '' }))
  await inFolder(async (cwd) => {
    const crawl = ['crawl', 'http://a.test/', ...fast(origin, 1), '--exclude', '**.zip', '--retries', '0']
    assert.equal((await runCli(crawl, { cwd })).code, 0)
    for (const [url, ...patterns] of [
      ['http://a.test/', /^ok/, /answer +200/],
      ['http://a.test/p/1', /^ok/, /found +on http:\/\/a\.test\/ \(a\), depth 1/],
      ['http://a.test/closed/x', /^skipped: ROBOTS_DENIED/, /DENIED by line 2: .*Disallow: \/closed\//i],
      ['http://a.test/a.zip', /^skipped: SCOPE_DENIED/, /exclude: \*\*\.zip/],
      ['http://a.test/status/500', /^failed: HTTP_STATUS/, /500 Internal Server Error/],
      ['http://a.test/go', /^skipped: DUPLICATE/, /redirects +http:\/\/a\.test\/go -> http:\/\/a\.test\/p\/1/],
      ['http://a.test/never', /^unknown/, /no page that was fetched links to it/],
      ['a.test', /^ready/, /left +0 queued/],
      ['b.test', /^unknown/, /no URL of this host is known/],
    ] as const) {
      const { code, stdout, stderr } = await runCli(['why', url], { cwd })
      assert.equal(code, 0, stderr)
      for (const pattern of patterns) assert.match(stdout, pattern, url)
    }
    const json = JSON.parse((await runCli(['why', 'http://a.test/closed/x', '--json'], { cwd })).stdout)
    assert.equal(json.code, 'ROBOTS_DENIED')
    assert.equal((await runCli(['why'], { cwd })).code, 2)
  })
})

test('why tells what a listed URL waits for, and which line it was', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, '# a comment', 'http://a.test/p/1', 'http://a.test/p/2', 'no url', 'http://a.test/p/1#again')
    const first = await runCli(['fetch', 'urls.txt', ...fast(origin, 1), '--limit', '1'], { cwd })
    assert.equal(first.code, 4, first.stderr)
    const done = await runCli(['why', 'http://a.test/p/1'], { cwd })
    assert.match(done.stdout, /found +in the input .*urls\.txt, line 2/)
    const waiting = await runCli(['why', 'http://a.test/p/2'], { cwd })
    assert.match(waiting.stdout, /^queued/)
    assert.match(waiting.stdout, /line 3/)
    assert.match(waiting.stdout, /waiting +for its host a\.test: 1 queued there/)
  })
})

test('retry asks again for exactly what it names, says how many first, and the rest stays', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  let broken = true
  for (const path of ['/x', '/y']) {
    origin.handle('a.test', path, () => (broken ? { status: 500, body: 'no' } : { body: 'yes' }))
  }
  origin.handle('b.test', '/z', () => (broken ? { status: 503, body: 'no' } : { body: 'yes' }))
  await inFolder(async (cwd) => {
    writeList(cwd, ...pages(5), 'http://a.test/x', 'http://a.test/y', 'http://b.test/z', 'http://a.test/status/404')
    const first = await runCli(['fetch', 'urls.txt', ...fast(origin, 2), '--retries', '0', '-o', 'pages.ndjson'], {
      cwd,
    })
    assert.equal(first.code, 3, first.stderr)
    origin.clearLedger()
    const dry = await runCli(['retry', '--status', '5xx', '--dry-run'], { cwd })
    assert.equal(dry.code, 0)
    assert.match(dry.stderr, /\b3\b/)
    assert.equal(origin.ledger().count, 0)

    broken = false
    const byHost = await runCli(['retry', 'urls', '--host', 'b.test', '--outcome', 'failed'], { cwd })
    assert.match(byHost.stderr, /\b1\b.*outcome failed, host b\.test/)
    assert.equal(byHost.code, 3, 'the two of a.test are failed still')
    assert.deepEqual(
      [...origin.ledger().paths().keys()].filter((path) => !path.endsWith('robots.txt')),
      ['b.test/z'],
    )

    origin.clearLedger()
    const rest = await runCli(['retry', '--outcome', 'failed'], { cwd })
    assert.equal(rest.code, 0, rest.stderr)
    const asked = [...origin.ledger().paths().keys()].filter((path) => !path.endsWith('robots.txt'))
    assert.deepEqual(asked.sort(), ['a.test/x', 'a.test/y'])
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.equal(records.length, 9 + 3)
    const latest = new Map(records.map((record) => [record.url, record.outcome]))
    assert.deepEqual([...latest.values()].filter((outcome) => outcome === 'ok').length, 8)
    const nothing = await runCli(['retry', '--outcome', 'failed'], { cwd })
    assert.equal(nothing.code, 0)
    assert.match(nothing.stderr, /\b0\b/)
    assert.equal((await runCli(['retry', '--outcome', 'broken'], { cwd })).code, 2)
  })
})

test('resume works from another directory and needs none of the flags again', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const work = join(cwd, 'work')
    const other = join(cwd, 'other')
    mkdirSync(work)
    mkdirSync(other)
    writeList(work, ...pages(20))
    const first = await runCli(['fetch', 'urls.txt', ...fast(origin, 2), '-o', 'pages.ndjson', '--limit', '5'], {
      cwd: work,
    })
    assert.equal(first.code, 4, first.stderr)
    const { code, stderr } = await runCli(['resume', '../work/urls.sluice', '--limit', '1000', '--progress', 'none'], {
      cwd: other,
    })
    assert.equal(code, 0, stderr)
    assert.match(stderr, /5 done, 15 left/)
    assert.deepEqual(countOutcomes(readRecords(join(work, 'pages.ndjson'))), { ok: 20 })
    // HOME is this directory in these tests, and Node keeps its compile cache there.
    assert.deepEqual(
      readdirSync(other).filter((name) => !name.startsWith('.')),
      [],
    )
  })
})

test('run takes the project file, another file that is named, and flags above both', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, ...pages(6))
    const common = `resolve: '${origin.resolveFlag}', contact: 'https://lab.example/bot', delay: 0, perHost: 2`
    writeFileSync(
      join(cwd, 'sluice.config.ts'),
      `const lists: string[] = ['urls.txt']\nexport default { lists, out: 'pages.ndjson', ${common} }\n`,
    )
    const project = await runCli(['run', '--progress', 'none'], { cwd })
    assert.equal(project.code, 0, project.stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'pages.ndjson'))), { ok: 6 })

    writeFileSync(
      join(cwd, 'job.ts'),
      `export default { kind: 'crawl' as const, seeds: ['http://b.test/links/4'], scope: 'host', out: 'found.ndjson', ${common} }\n`,
    )
    const named = await runCli(['run', 'job.ts', '--progress', 'none', '--depth', '0'], { cwd })
    assert.equal(named.code, 0, named.stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'found.ndjson'))), { ok: 1, skipped: 4 })

    writeFileSync(join(cwd, 'bad.json'), '{ "seeds": ["http://b.test/"], "perhost": 3 }')
    const bad = await runCli(['run', 'bad.json'], { cwd })
    assert.equal(bad.code, 2)
    assert.match(bad.stderr, /OPTION_UNKNOWN[\s\S]*bad\.json[\s\S]*perHost/)
    assert.equal((await runCli(['run', 'missing.ts'], { cwd })).code, 2)
  })
})

test('--fresh keeps the old job under a number and starts a new one', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, ...pages(4))
    const args = ['fetch', 'urls.txt', ...fast(origin, 2)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    assert.equal((await runCli([...args, '--fresh'], { cwd })).code, 0)
    assert.equal((await runCli([...args, '--fresh'], { cwd })).code, 0)
    for (const name of ['urls', 'urls.1', 'urls.2']) assert.ok(existsSync(join(cwd, `${name}.sluice`, 'job.db')), name)
    assert.equal(origin.ledger().paths().get('a.test/p/0'), 3)
    const old = JSON.parse((await runCli(['status', 'urls.1', '--json'], { cwd })).stdout)
    assert.equal(old.doneTotal, 4)
  })
})

test('--fresh keeps what the old job appended to beside the new output, and mixes nothing', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, ...pages(4))
    writeFileSync(join(cwd, 'mine.csv'), 'not,of,a,job\n')
    const args = [
      'fetch',
      'urls.txt',
      ...fast(origin, 2),
      '-o',
      'pages.parquet',
      '-o',
      'pages.ndjson.gz',
      '-o',
      'pages.csv',
      '-o',
      'bodies/',
    ]
    for (const again of [[], ['--fresh'], ['--fresh']]) {
      const ended = await runCli([...args, ...again], { cwd })
      assert.equal(ended.code, 0, ended.stderr)
    }
    for (const number of ['', '.1', '.2']) {
      const lines = gunzipSync(readFileSync(join(cwd, `pages${number}.ndjson.gz`))).toString()
      assert.equal(lines.trimEnd().split('\n').length, 4)
      const rows = gunzipSync(readFileSync(join(cwd, `pages${number}.parquet.ndjson.gz`))).toString()
      assert.equal(rows.trimEnd().split('\n').length, 4)
      assert.ok(existsSync(join(cwd, `pages${number}.parquet`)))
      assert.equal(
        readFileSync(join(cwd, `pages${number}.csv`), 'utf8')
          .trimEnd()
          .split('\n').length,
        5,
      )
      assert.equal(readRecords(join(cwd, 'bodies', `pages${number}.ndjson`)).length, 4)
    }
    // An output that the old job did not write to is not its own.
    const other = await runCli([...args.slice(0, -8), '--fresh', '-o', 'mine.csv'], { cwd })
    assert.equal(other.code, 2, other.stderr)
    assert.equal(readFileSync(join(cwd, 'mine.csv'), 'utf8'), 'not,of,a,job\n')
  })
})

test('a job of the same name is not mixed with another input or another command', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, ...pages(2))
    writeFileSync(join(cwd, 'more.txt'), 'http://a.test/p/9\n')
    assert.equal((await runCli(['fetch', 'urls.txt', ...fast(origin, 2)], { cwd })).code, 0)
    const before = origin.ledger().count
    for (const args of [
      ['fetch', 'more.txt', '-j', 'urls'],
      ['crawl', 'http://a.test/', '-j', 'urls'],
    ]) {
      const { code, stderr } = await runCli([...args, ...fast(origin, 2)], { cwd })
      assert.equal(code, 2, stderr)
      assert.match(stderr, /JOB_MISMATCH/)
      assert.match(stderr, /--job/)
      assert.match(stderr, /--fresh/)
    }
    assert.equal(origin.ledger().count, before)
    assert.equal((await runCli(['fetch', 'urls.txt', 'more.txt', ...fast(origin, 2)], { cwd })).code, 0)
    assert.equal(origin.ledger().paths().get('a.test/p/9'), 1, 'an input more is added')
  })
})

test('a narrower scope refuses what was queued under the wider one', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  const links = ['/p/a', '/p/b', '/q/a', '/q/b'].map((path) => `<a href=${path}>l</a>`).join('')
  origin.site('a.test', { pages: { '/': links, '/q/*': { body: 'q' } } })
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://a.test/', ...fast(origin, 1), '-o', 'pages.ndjson']
    assert.equal((await runCli([...args, '--limit', '1'], { cwd })).code, 4)
    const { code, stderr } = await runCli([...args, '--limit', '100', '--exclude', '/q/**'], { cwd })
    assert.equal(code, 0, stderr)
    const byUrl = new Map(readRecords(join(cwd, 'pages.ndjson')).map((record) => [record.url, record]))
    for (const path of ['/q/a', '/q/b']) {
      assert.equal(byUrl.get(`http://a.test${path}`)?.code, 'SCOPE_DENIED')
      assert.equal(origin.ledger('a.test').paths().has(path), false)
    }
    assert.equal(byUrl.get('http://a.test/p/b')?.outcome, 'ok')
    assert.match(stderr, /exclude/, 'the change is said')
  })
})

test('a finished job whose list has grown fetches the new lines alone', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, ...pages(5))
    const args = ['fetch', 'urls.txt', ...fast(origin, 2), '-o', 'pages.ndjson']
    assert.equal((await runCli(args, { cwd })).code, 0)
    origin.clearLedger()
    appendFileSync(join(cwd, 'urls.txt'), 'http://b.test/p/1\nhttp://a.test/p/0\nhttp://b.test/status/500\n')
    const { code, stderr } = await runCli([...args, '--retries', '0'], { cwd })
    assert.equal(code, 3, stderr)
    const asked = [...origin.ledger().paths().keys()].filter((path) => !path.endsWith('robots.txt'))
    assert.deepEqual(asked.sort(), ['b.test/p/1', 'b.test/status/500'])
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.deepEqual(countOutcomes(records), { ok: 6, skipped: 1, failed: 1 })
    assert.deepEqual(
      records
        .filter(({ run }) => run === 2)
        .map(({ input }) => input?.['line'])
        .sort(),
      [6, 7, 8],
    )
  })
})

test('columns of a CSV list come back in the record of their line', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'urls.csv'),
      'reg,address,"a, name"\n1,http://a.test/p/1,"x ""y"""\n2,http://a.test/status/404,\n3,no url,z\n',
    )
    const args = ['fetch', 'urls.csv', '--url-column', 'address', ...fast(origin, 2), '-o', 'pages.ndjson']
    const { code, stderr } = await runCli([...args, '-o', 'pages.csv'], { cwd })
    assert.equal(code, 0, stderr)
    const inputs = readRecords(join(cwd, 'pages.ndjson')).map(({ input }) => input)
    inputs.sort((a, b) => Number(a?.['line']) - Number(b?.['line']))
    assert.deepEqual(
      inputs.map((input) => [input?.['line'], input?.['reg'], input?.['a, name']]),
      [
        [2, '1', 'x "y"'],
        [3, '2', ''],
        [4, '3', 'z'],
      ],
    )
  })
})

test('URLs come from standard input for "-", and ranges from the command line', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const piped = start(['fetch', '-', ...fast(origin, 2), '-o', 'piped.ndjson'], { cwd, stdin: 'pipe' })
    piped.child.stdin?.end('http://a.test/p/1\n\nhttp://a.test/p/2\n')
    const { code, stderr } = await piped.ended
    assert.equal(code, 0, stderr)
    assert.deepEqual(countOutcomes(readRecords(join(cwd, 'piped.ndjson'))), { ok: 2 })

    const range = await runCli(['fetch', 'http://b.test/p/[1-5:2].{pdf,txt}', ...fast(origin, 2)], { cwd })
    assert.equal(range.code, 0, range.stderr)
    const asked = [...origin.ledger('b.test').paths().keys()].filter((path) => path !== '/robots.txt')
    assert.deepEqual(asked.sort(), ['/p/1.pdf', '/p/1.txt', '/p/3.pdf', '/p/3.txt', '/p/5.pdf', '/p/5.txt'])
    const literal = await runCli(['fetch', 'http://c.test/p/[1-5]', '--no-glob', ...fast(origin, 2)], { cwd })
    assert.equal(literal.code, 0, literal.stderr)
    assert.equal(origin.ledger('c.test').count, 2)
  })
})

test('an open pipe that nobody writes to is not waited for when URLs are given', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const { child, ended } = start(['fetch', 'http://a.test/p/1', ...fast(origin, 1)], { cwd, stdin: 'pipe' })
    const { code, stderr } = await ended
    child.stdin?.destroy()
    assert.equal(code, 0, stderr)
  })
})

test('--json prints the events of a run with rising numbers, and --after those that were missed', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeList(cwd, ...pages(6), 'no url', 'http://a.test/p/0')
    const args = ['fetch', 'urls.txt', ...fast(origin, 2)]
    const first = await runCli([...args, '--json'], { cwd })
    assert.equal(first.code, 0, first.stderr)
    const lines = linesOf(first.stdout)
    for (const line of lines) {
      assert.equal(line.v, 1)
      assert.equal(line.job, 'urls')
    }
    assert.equal(lines[0]?.type, 'job.started')
    assert.equal(lines.at(-1)?.type, 'job.finished')
    const settled = lines.filter(({ type }) => type === 'request.settled')
    assert.equal(settled.length, 8)
    const ids = lines.map(({ id }) => id as number)
    assert.deepEqual(
      ids,
      [...new Set(ids)].sort((a, b) => a - b),
    )

    const middle = settled[3]?.id as number
    const missed = await runCli([...args, '--json', '--after', String(middle)], { cwd })
    assert.equal(missed.code, 0, missed.stderr)
    const again = linesOf(missed.stdout)
    assert.deepEqual(
      again.filter(({ type }) => type === 'request.settled').map(({ id }) => id),
      settled.slice(4).map(({ id }) => id),
    )
    assert.ok(again.every(({ id }) => (id as number) > middle))
  })
})

test('what is redirected holds no escape character, in any form of progress and even in a terminal that has colours', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    origin.site('b.test', { robots: 'User-agent: *\nDisallow: /\u001b[31mred\n' })
    const refused = 'http://b.test/%1B[31mred'
    writeList(cwd, ...pages(3), 'http://a.test/status/500', 'http://a.test/p/?\u001b[31m', 'no \u001b[2J URL', refused)
    const env = { TERM: 'xterm-256color', COLORTERM: 'truecolor' }
    const flags = ['--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot', '--delay', '0']
    for (const progress of ['auto', 'lines', 'plain', 'json']) {
      const { stdout, stderr } = await runCli(
        ['fetch', 'urls.txt', ...flags, '-v', '--retries', '0', '--progress', progress, '-j', progress, '-o', '-'],
        { cwd, env },
      )
      assert.notEqual(stdout, '')
      assert.equal(stdout.includes('\u001b'), false, `stdout, ${progress}`)
      assert.equal(stderr.includes('\u001b'), false, `stderr, ${progress}`)
    }
    for (const args of [
      ['status'],
      ['why', 'http://a.test/p/0'],
      ['why', refused],
      ['why', '\u001b[31m'],
      ['fetch', '\u001b[31m'],
      ['--help'],
    ]) {
      const { stdout, stderr } = await runCli(args, { cwd, env })
      assert.equal((stdout + stderr).includes('\u001b'), false, args.join(' '))
    }
  })
})

test('what is said of a job stays right after it was stopped, emptied or queued again', async () => {
  const origin = await startOrigin({ sites: { 'a.test': { pages: { '/': 'x' } } } })
  await inFolder(async (cwd) => {
    const args = [
      'fetch',
      'http://a.test/',
      'http://a.test/status/500',
      ...fast(origin),
      '--retries',
      '0',
      '--job',
      'j',
    ]
    const first = await runCli(args, { cwd })
    assert.match(first.stderr, /why failed +1 500 \(1 host\)/)
    assert.doesNotMatch(first.stderr, /politeness/)
    const status = JSON.parse((await runCli(['status', 'j', '--json'], { cwd })).stdout) as Record<string, unknown>
    assert.deepEqual([status['total'], status['hosts'], status['warnings']], [2, 1, []])
    const host = await runCli(['why', 'a.test', '--job', 'j'], { cwd })
    assert.match(host.stdout, /interval +0 ms; the job's delay is 0 ms/)
    const again = await runCli(['retry', 'j', '--yes', '--delay', '10ms'], { cwd })
    assert.match(again.stderr, /continuing job j: 1 done, 1 left\n config +delay 0 -> 10ms, from now on\n/)
    assert.doesNotMatch(again.stderr, /config +job|Ctrl-C/)
    assert.match((await runCli([...args, '--delay', '10ms'], { cwd })).stderr, /why failed +1 500 \(1 host\)/)
  })
  await origin.close()
})

test('an input without any URL is bad input, a file as well as a pipe, the first time and every time', async () => {
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'empty.txt'), '')
    writeFileSync(join(cwd, 'comments.txt'), '# nothing yet\n\n')
    for (const list of ['empty.txt', 'comments.txt', 'empty.txt']) {
      const { code, stderr } = await runCli(['fetch', list, '--progress', 'none'], { cwd })
      assert.equal(code, 2, list)
      assert.match(stderr, /the input names no URL: nothing was fetched/)
    }
    const piped = start(['fetch', '-', '--progress', 'none'], { cwd, stdin: 'pipe' })
    piped.child.stdin?.end()
    const { code, stderr } = await piped.ended
    assert.equal(code, 2, stderr)
    assert.match(stderr, /the input names no URL: nothing was fetched/)
    const summary = JSON.parse(readFileSync(join(cwd, 'stdin.sluice', 'summary.json'), 'utf8')) as { exitCode: number }
    assert.equal(summary.exitCode, 2)
  })
})

test('facets that nothing can match are refused: classes, codes and times that do not exist', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    assert.equal((await runCli(['fetch', 'http://a.test/p/1', '-j', 's', ...fast(origin)], { cwd })).code, 0)
    for (const [flag, value, told] of [
      ['--status', '9xx', /--status: 9xx is neither a status nor a class[^]*5xx/],
      ['--status', '099', /--status: 099/],
      ['--code', 'TIMOUT_BODY', /--code: TIMOUT_BODY is no code[^]*did you mean TIMEOUT_BODY/],
      ['--code', 'timeout-*', /--code: timeout-\* is no code/],
      ['--since', '2999-01-01', /--since: 2999-01-01 is in the future/],
    ] as const) {
      for (const command of ['retry', 'export']) {
        const { code, stderr } = await runCli([command, 's', flag, value], { cwd })
        assert.equal(code, 2, `${command} ${flag} ${value}`)
        assert.match(stderr, told)
      }
    }
    for (const facet of [
      ['--status', '5xx'],
      ['--code', 'TIMEOUT_*'],
      ['--code', 'HTTP_STATUS'],
      ['--since', '2h'],
    ]) {
      assert.equal((await runCli(['retry', 's', ...facet], { cwd })).code, 0, facet.join(' '))
    }
  })
})

test('options are looked at before anything says that the job is another one', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const fetch = (url: string, ...flags: string[]): ReturnType<typeof runCli> =>
      runCli(['fetch', url, ...fast(origin), ...flags], { cwd })
    assert.equal((await fetch('http://a.test/p/1')).code, 0)
    for (const [flags, told] of [
      [['-o', 'x.xlsx'], /OPTION_INVALID: --out x\.xlsx/],
      [['--gate', 'planet'], /OPTION_INVALID: --gate: "planet"/],
      [['--include', '/(/'], /OPTION_INVALID/],
      [
        ['--if-due', '--revisit', '10m'],
        /OPTION_INVALID: --revisit is shorter than --revisit-min \(1h\)[^]*--revisit-min 10m/,
      ],
      [['--header', 'no colon'], /OPTION_INVALID/],
    ] as const) {
      const { code, stderr } = await fetch('http://a.test/p/2', ...flags)
      assert.equal(code, 2, stderr)
      assert.match(stderr, told)
      assert.doesNotMatch(stderr, /JOB_MISMATCH/)
    }
    assert.match((await fetch('http://a.test/p/2')).stderr, /JOB_MISMATCH[^]*--job/)
  })
})

test('why says that the job of a host is paused', async (t) => {
  const origin = await web()
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const live = start(['fetch', 'http://a.test/p/1', '-j', 's', '--paused', ...fast(origin)], { cwd })
    await live.said('paused')
    const host = await runCli(['why', 'a.test', '--job', 's'], { cwd })
    assert.match(host.stdout, /^paused[^]*job +paused: nothing starts until it is resumed \(sluice resume s\)/)
    const url = await runCli(['why', 'http://a.test/p/1', '--job', 's'], { cwd })
    assert.match(url.stdout, /waiting +for the job, which is paused/)
    live.child.kill('SIGINT')
    assert.equal((await live.ended).code, 130)
  })
})
