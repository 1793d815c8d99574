import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openGeo } from '../../src/fetch/geo.ts'
import type { GeoFiles } from '../../src/fetch/geo.ts'
import { SluiceError } from '../../src/model/errors.ts'
import { fakeClock } from '../../src/testing/clock.ts'
import { mmdbOf } from './mmdb.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-geo-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const COUNTRY = { '127.0.0.0/8': { country: { iso_code: 'BR' } }, '10.0.0.0/8': { country_code: 'PT' } }
const NETWORK = { '127.0.0.1/32': { autonomous_system_number: 64512, autonomous_system_organization: 'Fixture' } }

test('an address has what the first file that knows it says of each fact', async (t) => {
  const folder = folderOf(t)
  const paths = ['country.mmdb', 'network.mmdb', 'other.mmdb'].map((name) => join(folder, name))
  writeFileSync(paths[0] as string, mmdbOf(COUNTRY))
  writeFileSync(paths[1] as string, mmdbOf(NETWORK))
  writeFileSync(paths[2] as string, mmdbOf({ '0.0.0.0/1': { country: { iso_code: 'XX' } } }))
  const geo = await openGeo({ paths, clock: fakeClock(), warn: assert.fail })
  assert.deepEqual(geo.lookup('127.0.0.1'), { country: 'BR', asn: 64512, organization: 'Fixture' })
  assert.deepEqual(geo.lookup('::ffff:127.0.0.2'), { country: 'BR' })
  assert.deepEqual(geo.lookup('10.1.2.3'), { country: 'PT' })
  assert.deepEqual(geo.lookup('11.1.2.3'), { country: 'XX' })
  assert.equal(geo.lookup('200.1.2.3'), undefined)
  assert.equal(geo.lookup('not an address'), undefined)
})

test('a file that is replaced is read again, and a broken one leaves the old one in force', async (t) => {
  const path = join(folderOf(t), 'country.mmdb')
  const put = (bytes: Buffer): void => {
    writeFileSync(`${path}.new`, bytes)
    renameSync(`${path}.new`, path)
  }
  put(mmdbOf(COUNTRY))
  const clock = fakeClock()
  const warnings: string[] = []
  const geo = await openGeo({ paths: [path], clock, warn: (message) => warnings.push(message) })
  const countryAfter = async (files: GeoFiles): Promise<string | undefined> => {
    clock.advance(1_000)
    // It is this look that starts the reading; `refresh` then waits for it.
    files.lookup('127.0.0.1')
    await files.refresh()
    return files.lookup('127.0.0.1')?.country
  }
  put(mmdbOf({ '127.0.0.0/8': { country: { iso_code: 'KR' } } }))
  assert.equal(geo.lookup('127.0.0.1')?.country, 'BR', 'nobody has looked yet')
  assert.equal(await countryAfter(geo), 'KR')
  for (const broken of [Buffer.from('half a file'), mmdbOf(COUNTRY).subarray(0, 100)]) {
    put(broken)
    assert.equal(await countryAfter(geo), 'KR')
    assert.equal(await countryAfter(geo), 'KR')
  }
  rmSync(path)
  assert.equal(await countryAfter(geo), 'KR')
  assert.equal(await countryAfter(geo), 'KR')
  assert.equal(warnings.length, 3, 'once for each version')
  assert.ok(warnings.every((message) => message.includes('the old one is kept')))
  put(mmdbOf(COUNTRY))
  assert.equal(await countryAfter(geo), 'BR')
})

test('a job does not start with a file that is no database', async (t) => {
  const path = join(folderOf(t), 'country.mmdb')
  const open = (): Promise<GeoFiles> => openGeo({ paths: [path], clock: fakeClock(), warn: assert.fail })
  await assert.rejects(open, (error) => (error as SluiceError).code === 'INPUT_UNREADABLE')
  writeFileSync(path, 'country,network\n')
  await assert.rejects(open, (error) => (error as SluiceError).code === 'INPUT_UNREADABLE')
})
