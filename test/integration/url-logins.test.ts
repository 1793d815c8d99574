/** Passwords go where they are for and nowhere else: no file that is handed on and no message holds one. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { rawServer, reply } from '../fetch/raw-server.ts'
import { fast } from './web.ts'

test('subject, WACZ manifest and JOB_MISMATCH hold no password of a start URL', async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/': { body: 'page' } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const crawl = (url: string): ReturnType<typeof runCli> =>
      runCli(['crawl', url, '-j', 'shop', '--store', ...fast(origin)], { cwd })
    const first = await crawl('http://me:s3cret@a.test/')
    assert.equal(first.code, 0, first.stderr)
    const { subject } = JSON.parse(readFileSync(join(cwd, 'shop.sluice', 'config.json'), 'utf8')) as { subject: string }
    assert.equal(subject, 'http://a.test/')
    const again = await crawl('http://me:changed@a.test/')
    assert.equal(again.code, 0, again.stderr)
    const other = await crawl('http://me:s3cret@b.test/')
    assert.match(other.stderr, /JOB_MISMATCH.*http:\/\/a\.test\/.*http:\/\/b\.test\//)
    assert.doesNotMatch(other.stdout + other.stderr, /s3cret/)
    const exported = await runCli(['export', 'shop', '--format', 'wacz'], { cwd })
    assert.equal(exported.code, 0, exported.stderr)
    assert.match(exported.stdout, /mainPageUrl": ?"http:\/\/a\.test\//)
    assert.doesNotMatch(exported.stdout, /s3cret/)
  })
})

test('two logins of one origin are refused by its name, equal ones and those of other origins are not', async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/*': { body: 'page' } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const lines = ['http://me:s3cret@a.test/1', 'http://me:s3cret@a.test/2', 'http://you:s3cret2@b.test/1']
    const fetched = (job: string, urls: readonly string[]): ReturnType<typeof runCli> => {
      writeFileSync(join(cwd, 'urls.txt'), urls.join('\n'))
      return runCli(['fetch', 'urls.txt', '-j', job, ...fast(origin)], { cwd })
    }
    const fine = await fetched('fine', lines)
    assert.equal(fine.code, 0, fine.stderr)
    const both = await fetched('both', [...lines, 'http://you:s3cret2@a.test/3'])
    assert.equal(both.code, 2, both.stderr)
    assert.match(both.stderr, /OPTION_INVALID: two different logins are given for http:\/\/a\.test/)
    assert.doesNotMatch(both.stdout + both.stderr, /s3cret/)
  })
})

test('logins of a proxy and headers are in credentials.json alone, a resume has them, and without them nothing is sent', async (t) => {
  const seen: string[] = []
  const proxy = await rawServer(t, ({ text, path }) => {
    seen.push(path)
    return /Proxy-Authorization: Basic bWU6Y2FuYXJ5\r\n/i.test(text) && /X-Key: canary\r\n/i.test(text)
      ? reply('page')
      : reply('', {}, '407 Login')
  })
  await inFolder(async (cwd) => {
    const given = ['--proxy', `http://me:canary@127.0.0.1:${proxy.port}`, '-H', 'X-Key: canary']
    const polite = ['--delay', '0', '--robots', 'ignore', '--reason', 'ours', '--contact', 'https://lab.example/bot']
    const urls = ['http://a.test/1', 'http://a.test/2', 'http://a.test/3']
    const out: string[] = []
    const run = async (...args: string[]): Promise<number> => {
      const { code, stdout, stderr } = await runCli(args, { cwd })
      out.push(stdout + stderr)
      return code ?? -1
    }
    assert.equal(await run('fetch', ...urls, '-j', 'x', ...polite, ...given, '--limit', '1'), 4, out.at(-1))
    assert.equal(await run('resume', 'x', '--limit', '2'), 4, out.at(-1))
    assert.equal(seen.length, 2)
    const folder = join(cwd, 'x.sluice')
    const secrets = readFileSync(join(folder, 'credentials.json'), 'utf8')
    rmSync(join(folder, 'credentials.json'))
    assert.equal(await run('resume', 'x', '--limit', '3'), 2)
    assert.match(out.at(-1) ?? '', /OPTION_INVALID.*--(proxy|header)/)
    assert.equal(seen.length, 2, 'nothing goes around the proxy or without the header')
    assert.equal(await run('resume', 'x', '--limit', '3', ...given), 0, out.at(-1))
    assert.deepEqual(seen, urls)
    assert.equal(readFileSync(join(folder, 'credentials.json'), 'utf8'), secrets)
    await run('status', 'x', '--json')
    await run('why', 'http://a.test/1', '--job', 'x')
    assert.doesNotMatch(out.join('\n'), /canary|bWU6Y2FuYXJ5/)
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name === 'credentials.json') continue
      const text = readFileSync(join(entry.parentPath, entry.name), 'latin1')
      assert.doesNotMatch(text, /canary|bWU6Y2FuYXJ5/, entry.name)
    }
  })
})

test('the password of a database is not in config.json, whether the database answers or not', async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/*': { body: 'page' } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['fetch', 'http://a.test/1', '-j', 'x', ...fast(origin), '-o', 'redis://me:canary@127.0.0.1:1/0']
    const { code, stdout, stderr } = await runCli(args, { cwd })
    assert.notEqual(code, 0)
    assert.doesNotMatch(stdout + stderr, /me:canary/)
    const config = readFileSync(join(cwd, 'x.sluice', 'config.json'), 'utf8')
    assert.match(config, /redis:\/\/\*\*\*@127\.0\.0\.1:1\/0/)
    assert.doesNotMatch(config, /me:canary/)
  })
})
