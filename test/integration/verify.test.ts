/** `sluice verify`: whole jobs are found whole; what was changed afterwards is found, wherever it is. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Verification } from '../../src/job/verify.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { sharedData, skipWithout } from '../shared-data.ts'
import { fast } from './web.ts'

interface Checked extends Verification {
  readonly code: number | null
}

async function verified(cwd: string, ...words: string[]): Promise<Checked> {
  const { code, stdout, stderr } = await runCli(['verify', ...words, '--json'], { cwd })
  assert.notEqual(stdout, '', stderr)
  return { code, ...(JSON.parse(stdout) as Verification) }
}

/** Changes one byte in the middle. */
function flip(path: string, at = Math.floor(statSync(path).size / 2)): () => void {
  const bytes = readFileSync(path)
  const broken = Buffer.from(bytes)
  broken[at] = (broken[at] ?? 0) ^ 0x20
  writeFileSync(path, broken)
  return () => writeFileSync(path, bytes)
}

test('a job is verified from its ledger to its last body, and every change afterwards is found', async (t) => {
  const origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  t.after(() => origin.close())
  await inFolder(async (cwd) => {
    const args = ['crawl', 'http://shop.test/', '-j', 'shop', '--store', '-o', 'data/', ...fast(origin)]
    assert.equal((await runCli(args, { cwd })).code, 0)
    assert.equal((await runCli([...args, '--if-changed'], { cwd })).code, 0)

    const whole = await verified(cwd, 'shop')
    assert.deepEqual([whole.code, whole.wrong, whole.problems], [0, 0, []])
    const { known = 0, left, done, requests = 0, settlements = 0 } = whole.ledger ?? {}
    assert.equal(left, 0)
    assert.equal(
      Object.values(done ?? {}).reduce((sum, count) => sum + count, 0),
      known,
    )
    assert.ok(requests >= known && settlements > known)
    assert.ok((whole.archive?.digests ?? 0) > 200 && (whole.archive?.lines ?? 0) > 100)
    assert.ok((whole.files ?? 0) > 50)
    const shown = await runCli(['verify', 'shop'], { cwd })
    assert.match(shown.stdout, /^ledger: \d+ URLs = ok \d+ \+ [^]*everything is as it was written\n$/)

    const shard = readdirSync(join(cwd, 'data', 'files')).find((name) => /^[0-9a-f]{2}$/.test(name)) as string
    const body = join(cwd, 'data', 'files', shard, readdirSync(join(cwd, 'data', 'files', shard))[0] as string)
    const mend = flip(body)
    const other = await verified(cwd, 'shop')
    assert.deepEqual([other.code, other.wrong], [1, 1])
    assert.match(other.problems[0] ?? '', /is not what was stored: http:\/\/shop\.test/)
    mend()
    copyFileSync(body, `${body}.aside`)
    rmSync(body)
    assert.match((await verified(cwd, 'data/')).problems[0] ?? '', /is missing/)
    copyFileSync(`${body}.aside`, body)

    const archive = join(cwd, 'shop.sluice', 'archive')
    const index = join(archive, 'pages.cdxj')
    const mendIndex = flip(index, readFileSync(index, 'latin1').indexOf('"offset":"') + 10)
    const lost = await verified(cwd, 'shop')
    assert.equal(lost.code, 1)
    assert.match(lost.problems.join('\n'), /index/)
    mendIndex()
    const mendArchive = flip(join(archive, 'pages.warc.gz'))
    assert.match((await verified(cwd, archive)).problems[0] ?? '', /pages\.warc\.gz, byte \d+: /)
    mendArchive()
    assert.equal((await verified(cwd, 'shop')).code, 0)

    const database = new DatabaseSync(join(cwd, 'shop.sluice', 'job.db'))
    database.exec(`UPDATE ledger SET record = replace(record, 'shop.test', 'shop.tezt') WHERE seq = 5`)
    database.exec(`UPDATE request SET url = url || 'x' WHERE id = 3`)
    database.close()
    const changed = await verified(cwd, 'shop')
    assert.deepEqual([changed.code, changed.wrong], [1, 2])
    assert.match(changed.problems.join('\n'), /row 3 of the requests is damaged[^]*row 5 of the ledger is damaged/)

    const again = new DatabaseSync(join(cwd, 'shop.sluice', 'job.db'))
    again.exec('DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)')
    again.close()
    assert.match((await verified(cwd, 'shop')).problems.join('\n'), /the counters have \d+ unchanged, the ledger \d+/)
  })
})

test('archives of others are verified by the digests they name', {
  skip: skipWithout('conformance/warc-samples'),
}, async () => {
  await inFolder(async (cwd) => {
    const sample = (name: string): string => join(sharedData('conformance/warc-samples') ?? '', name)
    const good = await verified(cwd, sample('pywb-iana.warc.gz'), sample('warcio-post-test.warc.gz'))
    assert.deepEqual([good.code, good.archive?.files, good.archive?.records], [0, 2, 349])
    // One digest of this file is wrong on purpose; the others are in base32 and base64.
    const bad = await verified(cwd, sample('warcio-example-digest.warc'))
    assert.deepEqual([bad.code, bad.wrong], [1, 1])
    assert.match(bad.problems[0] ?? '', /byte 0: the payload digest is not sha1:1112H3S6/)
    assert.ok(!existsSync(join(cwd, 'nothing.sluice')))
    const none = await runCli(['verify', 'nowhere.warc'], { cwd })
    assert.equal(none.code, 2)
  })
})
