/**
 * What happens to a job whose store cannot be written or read: it stops with its code, loses nothing, says what to do, and
 * doing that ends it with every URL once.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startOrigin, type Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'

const LINES = 1_500

async function web(t: TestContext): Promise<Origin> {
  const origin = await startOrigin({
    sites: { '*': { pages: { '/p/*': { body: `<title>${'t'.repeat(300)}</title>` } } } },
  })
  t.after(() => origin.close())
  return origin
}

function urlOf(line: number): string {
  return `http://h${line % 10}.test/p/${line}/${'x'.repeat(200)}`
}

function writeList(cwd: string): void {
  writeFileSync(join(cwd, 'urls.txt'), Array.from({ length: LINES }, (_, i) => `${urlOf(i)}\n`).join(''))
}

/** Flags of a run in which every request is for a page. */
function run(origin: Origin): string[] {
  return [...fast(origin, 8), '--robots', 'ignore', '--reason', 'ours']
}

/** Each line once in the output, none doubled, none missing. */
function assertWhole(file: string): void {
  const urls = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { url: string }).url)
  assert.equal(urls.length, LINES)
  assert.equal(new Set(urls).size, LINES)
}

async function verified(cwd: string): Promise<void> {
  const { code, stdout, stderr } = await runCli(['verify', 'urls'], { cwd })
  assert.equal(code, 0, stdout + stderr)
}

/** `mount` of a small file system needs a superuser. */
function cannotMount(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'only a superuser of Linux may mount a file system'
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' })
    return false
  } catch {
    return 'this machine lets nobody mount a file system'
  }
}

test('a full disk stops the job with exit 6, and with space the same command ends it: nothing lost, nothing doubled', {
  skip: cannotMount(),
}, async (t) => {
  const origin = await web(t)
  await inFolder(async (folder) => {
    const cwd = join(folder, 'small')
    mkdirSync(cwd)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', cwd])
    try {
      writeList(cwd)
      const args = ['fetch', 'urls.txt', '-o', 'pages.ndjson', '--max-disk', '0', ...run(origin)]
      const full = await runCli(args, { cwd })
      assert.equal(full.code, 6, full.stderr)
      assert.match(full.stderr, /SINK_FULL/)
      assert.match(full.stderr, /run the same command again/)
      const asked = [...origin.ledger().arrivals()].length
      assert.ok(asked > 0 && asked < LINES, `${asked} requests: none whose result cannot be stored`)
      await verified(cwd)
      execFileSync('mount', ['-o', 'remount,size=64m', cwd])
      const again = await runCli(args, { cwd })
      assert.equal(again.code, 0, again.stderr)
      assertWhole(join(cwd, 'pages.ndjson'))
      await verified(cwd)
    } finally {
      execFileSync('umount', ['--lazy', cwd])
    }
  })
})

test('a disk that turns read-only stops the job, and once it can be written the same command ends it', {
  skip: cannotMount(),
}, async (t) => {
  const origin = await web(t)
  await inFolder(async (folder) => {
    const cwd = join(folder, 'small')
    mkdirSync(cwd)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', cwd])
    try {
      writeList(cwd)
      const args = ['fetch', 'urls.txt', '-o', 'pages.ndjson', ...run(origin)]
      assert.equal((await runCli([...args, '--limit', '500'], { cwd })).code, 4)
      execFileSync('mount', ['-o', 'remount,ro', cwd])
      const refused = await runCli(args, { cwd })
      assert.ok(refused.code === 8 || refused.code === 6, `${refused.code}: ${refused.stderr}`)
      assert.match(refused.stderr, /FRONTIER_UNREACHABLE|SINK_UNREACHABLE/)
      const asked = [...origin.ledger().arrivals()].length
      assert.equal(asked, 500, 'nothing is asked for that cannot be stored')
      execFileSync('mount', ['-o', 'remount,rw', cwd])
      const again = await runCli(args, { cwd })
      assert.equal(again.code, 0, again.stderr)
      assertWhole(join(cwd, 'pages.ndjson'))
    } finally {
      execFileSync('umount', ['--lazy', cwd])
    }
  })
})

test('files that may not grow stop the job with a code, and the same command without that limit ends it', {
  skip: process.platform === 'win32' ? 'ulimit is of Unix shells' : false,
}, async (t) => {
  const origin = await web(t)
  await inFolder(async (cwd) => {
    writeList(cwd)
    const args = ['fetch', 'urls.txt', '-o', 'pages.ndjson', ...run(origin)]
    for (const blocks of [400, 900]) {
      const limited = await runCli(args, { cwd, shell: `trap '' XFSZ; ulimit -f ${blocks}` })
      assert.ok(limited.code === 6 || limited.code === 8, `${limited.code}: ${limited.stderr}`)
      assert.match(limited.stderr, /SINK_FULL|FRONTIER_UNREACHABLE/)
      await verified(cwd)
    }
    const again = await runCli(args, { cwd })
    assert.equal(again.code, 0, again.stderr)
    assertWhole(join(cwd, 'pages.ndjson'))
  })
})

test('a folder that may not be written is refused before any request', {
  skip: process.getuid?.() === 0 ? 'a superuser may write everywhere' : false,
}, async (t) => {
  const origin = await web(t)
  await inFolder(async (cwd) => {
    writeList(cwd)
    mkdirSync(join(cwd, 'urls.sluice'))
    chmodSync(join(cwd, 'urls.sluice'), 0o555)
    const { code, stderr } = await runCli(['fetch', 'urls.txt', ...run(origin)], { cwd })
    assert.equal(code, 8, stderr)
    assert.match(stderr, /FRONTIER_UNREACHABLE/)
    assert.equal([...origin.ledger().arrivals()].length, 0)
  })
})

test('a damaged job is refused by name, the command it names repairs it, and the run after that ends it', async (t) => {
  const origin = await web(t)
  await inFolder(async (cwd) => {
    writeList(cwd)
    const args = ['fetch', 'urls.txt', '-o', 'sqlite:out.sqlite', ...run(origin)]
    assert.equal((await runCli([...args, '--limit', '1000'], { cwd })).code, 4)
    const path = join(cwd, 'urls.sluice', 'job.db')
    const bytes = readFileSync(path)
    // Two pages in the middle, and the tree of the keys.
    for (const page of [40, Math.floor(bytes.length / 4096 / 2)]) bytes.fill(0x5a, page * 4096, page * 4096 + 4096)
    writeFileSync(path, bytes)
    const found = await runCli(['verify', 'urls'], { cwd })
    assert.equal(found.code, 1, found.stderr)
    assert.match(found.stdout, /sluice verify urls --repair/)
    const repaired = await runCli(['verify', 'urls', '--repair'], { cwd })
    assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr)
    assert.match(repaired.stdout, /repaired: /)
    assert.ok(readFileSync(join(cwd, 'urls.sluice', 'damaged-1', 'job.db')).equals(bytes))
    const again = await runCli(args, { cwd })
    assert.equal(again.code, 0, again.stderr)
    await verified(cwd)
    const listed = await runCli(
      ['query', 'urls', 'SELECT count(*) AS n, count(DISTINCT url) AS u FROM pages', '--format', 'ndjson'],
      { cwd },
    )
    assert.deepEqual(JSON.parse(listed.stdout), { n: LINES, u: LINES })
    const once = await runCli(['verify', 'urls', '--repair', '--json'], { cwd })
    assert.equal((JSON.parse(once.stdout) as { repair: unknown }).repair, null)
  })
})

test('a folder that was copied without its database is refused, never begun anew', async (t) => {
  const origin = await web(t)
  await inFolder(async (cwd) => {
    writeList(cwd)
    const args = ['fetch', 'urls.txt', ...run(origin)]
    assert.equal((await runCli([...args, '--limit', '50'], { cwd })).code, 4)
    const folder = join(cwd, 'urls.sluice')
    cpSync(folder, join(cwd, 'whole'), { recursive: true })
    rmSync(join(folder, 'job.db'))
    for (const command of [args, ['resume', 'urls']]) {
      const { code, stderr } = await runCli(command, { cwd })
      assert.equal(code, 8, stderr)
      assert.match(stderr, /FRONTIER_CORRUPT.*job\.db/)
      assert.match(stderr, /--repair|--fresh/)
    }
    assert.ok(!existsSync(join(folder, 'job.db')))
    assert.equal([...origin.ledger().arrivals()].length, 50)
    // Half of the database is damage like any other.
    const bytes = readFileSync(join(cwd, 'whole', 'job.db'))
    writeFileSync(join(folder, 'job.db'), bytes.subarray(0, Math.floor(bytes.length / 2)))
    const half = await runCli(['verify', 'urls'], { cwd })
    assert.notEqual(half.code, 0)
    assert.match(half.stdout + half.stderr, /--repair/)
    rmSync(folder, { recursive: true })
    cpSync(join(cwd, 'whole'), folder, { recursive: true })
    // A lock file that another process left holds nobody up.
    assert.ok(readdirSync(folder).includes('lock.db'))
    const again = await runCli(args, { cwd })
    assert.equal(again.code, 0, again.stderr)
  })
})
