/** Secrets of options lie in credentials.json and nowhere else, and come back with the job. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { newStored, readStored, writeStored } from '../../src/job/folder.ts'
import type { StoredJob } from '../../src/job/folder.ts'
import { isMasked, masked } from '../../src/job/masks.ts'
import { originLogins } from '../../src/job/origin-logins.ts'

const OPTIONS = {
  delay: 0,
  proxy: 'me:canary@proxy.test:3128',
  out: ['pages.ndjson', 'postgres://me:canary@db.test/x?ssl=1', 'mysql://db.test/x?user=me&password=canary&a=b'],
  header: ['Authorization: Bearer canary', 'X-Key:canary'],
  param: ['token=canary'],
  data: 'user=me&password=canary',
  hosts: { 'big.test': { delay: '6s', proxy: 'http://me:canary@other.test/' } },
  seeds: ['https://me:canary@a.test/', 'https://b.test/@me'],
  contact: 'mailto:me@b.test',
}

function jobIn(t: TestContext, options: Readonly<Record<string, unknown>> = OPTIONS): [string, StoredJob] {
  const folder = join(mkdtempSync(join(tmpdir(), 'sluice-secrets-')), 'x.sluice')
  mkdirSync(folder)
  t.after(() => rmSync(join(folder, '..'), { recursive: true }))
  const init = {
    kind: 'fetch' as const,
    name: 'x',
    subject: 'urls.txt',
    cwd: '/x',
    createdAt: '2026-01-01T00:00:00.000Z',
  }
  return [folder, newStored({ ...init, options })]
}

function textOf(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8')
}

test('config.json says what was given without its secrets, and the job has them all', (t) => {
  const [folder, stored] = jobIn(t)
  writeStored(folder, stored)
  assert.doesNotMatch(textOf(folder, 'config.json'), /canary/)
  assert.deepEqual((JSON.parse(textOf(folder, 'config.json')) as StoredJob).options, {
    delay: 0,
    proxy: '***@proxy.test:3128',
    out: ['pages.ndjson', 'postgres://***@db.test/x?ssl=1', 'mysql://db.test/x?user=me&password=***&a=b'],
    header: ['Authorization: ***', 'X-Key: ***'],
    param: ['token=***'],
    data: '***',
    hosts: { 'big.test': { delay: '6s', proxy: 'http://***@other.test/' } },
    seeds: ['https://***@a.test/', 'https://b.test/@me'],
    contact: 'mailto:me@b.test',
  })
  assert.equal(statSync(join(folder, 'credentials.json')).mode & 0o777, 0o600)
  assert.deepEqual(readStored(folder), stored)
})

test('the folder of an older version is read, and its secrets are moved with the first write', (t) => {
  const [folder, stored] = jobIn(t)
  writeFileSync(join(folder, 'config.json'), JSON.stringify(stored))
  writeFileSync(join(folder, 'credentials.json'), JSON.stringify({ 'https://a.test': 'Basic bWU6Y2FuYXJ5' }))
  assert.deepEqual(readStored(folder), stored)
  writeStored(folder, readStored(folder) as StoredJob)
  assert.doesNotMatch(textOf(folder, 'config.json'), /canary/)
  assert.deepEqual(readStored(folder), stored)
  assert.equal(originLogins(folder).of('https://a.test'), 'Basic bWU6Y2FuYXJ5')
  originLogins(folder).take('https://you:x@b.test/')
  assert.deepEqual(readStored(folder), stored, 'a login that is learnt later leaves the options alone')
  assert.equal(originLogins(folder).of('https://b.test'), 'Basic eW91Ong=')
})

test('a value that was changed in config.json by hand holds, and a secret that is not needed any more goes', (t) => {
  const [folder, stored] = jobIn(t)
  writeStored(folder, stored)
  const config = JSON.parse(textOf(folder, 'config.json')) as { options: Record<string, unknown> }
  config.options['proxy'] = 'http://new.test:1'
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  assert.equal(readStored(folder)?.options['proxy'], 'http://new.test:1')
  assert.deepEqual(readStored(folder)?.options['header'], OPTIONS.header)
  writeStored(folder, { ...stored, options: { delay: 0 } })
  assert.doesNotMatch(textOf(folder, 'credentials.json'), /canary/)
})

test('a job without secrets has no file for them', (t) => {
  const [folder, stored] = jobIn(t, { delay: 0, data: '@body.txt' })
  writeStored(folder, stored)
  assert.throws(() => statSync(join(folder, 'credentials.json')), { code: 'ENOENT' })
})

test('a credentials.json that is none is refused by name', (t) => {
  const [folder, stored] = jobIn(t)
  writeStored(folder, stored)
  writeFileSync(join(folder, 'credentials.json'), '{"logins":')
  assert.throws(() => readStored(folder), { code: 'FORMAT_UNSUPPORTED', message: /credentials\.json/ })
})

test('a masked value is known from one that says all', () => {
  for (const [name, value] of Object.entries(OPTIONS)) {
    const hasSecret = JSON.stringify(value).includes('canary')
    assert.equal(isMasked(name, value), false, name)
    assert.equal(isMasked(name, masked(name, value)), hasSecret, name)
  }
})
