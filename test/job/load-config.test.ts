import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/job/load-config.ts'

async function withFile(
  name: string,
  text: string,
  run: (folder: string, file: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
  try {
    writeFileSync(join(folder, name), text)
    await run(folder, join(folder, name))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const FORMS: [string, string][] = [
  ['sluice.config.ts', "const delay: string = '2s'\nexport default { seeds: ['http://a.test/'], delay }\n"],
  ['sluice.config.mjs', "export default { seeds: ['http://a.test/'], delay: '2s' }\n"],
  ['sluice.config.json', '{"$schema":"x","seeds":["http://a.test/"],"delay":"2s"}'],
  ['sluice.config.jsonc', '{\n // pace\n "seeds": ["http://a.test/"], /* two */ "delay": "2s",\n}'],
  ['sluice.config.toml', 'seeds = ["http://a.test/"]\ndelay = "2s"\n'],
]

for (const [name, text] of FORMS) {
  test(`${name} is found in the working directory and read`, async () => {
    await withFile(name, text, async (folder, file) => {
      const loaded = await loadConfig(undefined, folder)
      assert.equal(loaded.file, file)
      assert.deepEqual({ ...loaded.options }, { seeds: ['http://a.test/'], delay: '2s' })
    })
  })
}

test('no config file is no error, a named one that is missing is', async () => {
  await withFile('other.txt', '', async (folder) => {
    assert.deepEqual(await loadConfig(undefined, folder), { options: {}, file: undefined })
    await assert.rejects(loadConfig('gone.ts', folder), { code: 'INPUT_UNREADABLE' })
  })
})

test('a config that cannot be read names the file and the fix', async () => {
  await withFile('sluice.config.ts', 'enum A { B }\nexport default {}\n', async (folder, file) => {
    await assert.rejects(loadConfig(undefined, folder), (error: Error & { hint: string; code: string }) => {
      assert.equal(error.code, 'OPTION_INVALID')
      assert.ok(error.message.includes(file))
      assert.match(error.hint, /erased/)
      return true
    })
  })
  await withFile('sluice.config.json', '[1]', async (folder) => {
    await assert.rejects(loadConfig(undefined, folder), /not an options object/)
  })
})
