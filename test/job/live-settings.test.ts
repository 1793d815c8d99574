/** Settings that change later: what is stored is what was meant, and patterns of hosts cover hosts. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { hostNamed } from '../../src/job/host-sheet.ts'
import { resolveOptions } from '../../src/job/options.ts'
import { createPacing } from '../../src/job/prepare.ts'
import { startOrigin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { fast } from '../integration/web.ts'

test('a setting of a stopped job is stored as a value, hosts in lower case', async (t) => {
  const origin = await startOrigin({ sites: { '*': { pages: { '/*': { body: 'page' } } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), 'http://a.test/1\n')
    await runCli(['fetch', 'urls.txt', ...fast(origin)], { cwd })
    for (const args of [['delay=6s'], ['A.test', 'delay=7s'], ['a.test', 'per-host=3']]) {
      const set = await runCli(['set', 'urls', ...args], { cwd })
      assert.equal(set.code, 0, set.stderr)
    }
    const why = await runCli(['why', 'a.test', '--job', 'urls'], { cwd })
    assert.match(why.stdout, /the job's delay is 6/)
    assert.doesNotMatch(why.stdout, /NaN/)
    const { options } = JSON.parse(readFileSync(join(cwd, 'urls.sluice', 'config.json'), 'utf8')) as {
      options: { delay: unknown; hosts: unknown }
    }
    assert.equal(options.delay, 6000)
    assert.deepEqual(options.hosts, { 'a.test': { delay: 7000, perHost: 3 } })
  })
})

test('a pattern that is set while the job runs covers its hosts at once', () => {
  const hosts = { 'Big.example': { delay: '6s' }, 'www.small.example': { block: true } }
  const pacing = createPacing(resolveOptions([{ origin: 'options', values: { delay: 10, perHost: 1, hosts } }]))
  assert.equal(pacing.hostSettings('big.example').delayMs, 6000)
  pacing.set('*.Small.example', { delay: 2000 })
  assert.equal(pacing.hostSettings('shop.small.example').delayMs, 2000)
  // An entry of its own stands, with what a change adds to it.
  assert.deepEqual(pacing.hostSettings('www.small.example'), { delayMs: 10, perHost: 1, isBlocked: true })
  pacing.set('shop.small.example', { perHost: 4 })
  assert.deepEqual(pacing.hostSettings('shop.small.example'), { delayMs: 2000, perHost: 4, isBlocked: false })
})

test('a host is what a person means by it', () => {
  for (const [text, host] of [
    ['a.test', 'a.test'],
    ['A.Test:8080', 'a.test'],
    ['http://user:pw@a.test:8080/x?y', 'a.test'],
    ['127.0.0.1:43169', '127.0.0.1'],
    ['*.A.test', '*.a.test'],
    ['bücher.example', 'xn--bcher-kva.example'],
  ] as const)
    assert.equal(hostNamed(text), host)
  for (const text of ['', 'a b', 'a.test/x', '*', 'http://', '*.a b'])
    assert.throws(() => hostNamed(text), { code: 'OPTION_INVALID' }, text)
})
