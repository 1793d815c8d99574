/** A password in a start URL goes to its origin and nowhere else: no file that is handed on and no message holds it. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
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
