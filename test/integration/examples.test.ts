/** The folders of examples/, run as their README lines say, against the bundled shop. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import { countOutcomes, readRecords } from './web.ts'

const examples = fileURLToPath(new URL('../../examples', import.meta.url))
const QUICK = ['--delay', '5ms', '--progress', 'none']
let origin: Origin

before(async () => {
  origin = await startOrigin({ sites: { '*': { content: { kind: 'shop' } } } })
})
after(() => origin.close())

test('every example folder says in its README how to run it', () => {
  const folders = readdirSync(examples)
  assert.deepEqual(folders.toSorted(), [
    'crawl-to-sqlite',
    'fetch-all-typescript',
    'list-to-folder',
    'own-policy',
    'seeds',
    'typed-shop',
  ])
  for (const folder of folders) assert.ok(existsSync(join(examples, folder, 'README.md')), folder)
})

test('every proof that the seed lab names is a test', () => {
  const text = readFileSync(join(examples, 'seeds', 'PROOF.md'), 'utf8')
  const proofs = [...text.matchAll(/`([a-z]+\/[\w-]+\.test\.ts)` (.+?)(?= · | \|$)/gm)]
  assert.ok(proofs.length > 60)
  for (const [, file, name] of proofs) {
    const source = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8')
    const begin = source.replaceAll(/\btest\(\s+/g, 'test(')
    const isThere = ["'", '`', '"'].some((quote) => begin.includes(`test(${quote}${name}`))
    assert.ok(isThere, `${file} has no test ${name}…`)
  }
})

test('the example list-to-folder leaves a record for each line and the bodies', async () => {
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'urls.txt'), `${origin.directUrl('/')}\n${origin.directUrl('/about')}\n`)
    const { code, stderr } = await runCli(['run', join(examples, 'list-to-folder', 'sluice.config.ts'), ...QUICK], {
      cwd,
    })
    assert.equal(code, 0, stderr)
    const records = readRecords(join(cwd, 'data', 'pages.ndjson'))
    assert.deepEqual(countOutcomes(records), { ok: 2 })
    for (const { file } of records) assert.ok(existsSync(join(cwd, 'data', file ?? 'missing')))
  })
})

test('the example crawl-to-sqlite names the dead links of the shop and where they are', async () => {
  await inFolder(async (cwd) => {
    const { code, stderr } = await runCli(['crawl', origin.directUrl('/'), '-o', 'pages.sqlite', ...QUICK], { cwd })
    assert.equal(code, 0, stderr)
    const lines = await script('crawl-to-sqlite/dead-links.ts', ['pages.sqlite'], cwd)
    assert.equal(lines.length, 3)
    for (const line of lines) assert.match(line, /\/product\/sold-out-\w+ is dead, linked on http:.*\/c\/\w+$/)
  })
})

test('the example fetch-all-typescript prints an outcome for each argument', async () => {
  await inFolder(async (cwd) => {
    const lines = await script('fetch-all-typescript/main.ts', [origin.directUrl('/cart'), 'nonsense'], cwd)
    assert.deepEqual(lines.toSorted(), [
      `${origin.directUrl('/cart')}: skipped ROBOTS_DENIED`,
      'nonsense: skipped URL_INVALID',
    ])
  })
})

test('the example own-policy fetches no product page', async () => {
  await inFolder(async (cwd) => {
    origin.clearLedger()
    const lines = await script('own-policy/main.ts', [origin.directUrl('/'), '5ms'], cwd)
    assert.match(lines.join('\n'), /^\d+ fetched, \d+ skipped$/)
    assert.deepEqual(
      [...origin.ledger().paths().keys()].filter((path) => path.includes('/product/')),
      [],
    )
    assert.ok(readRecords(join(cwd, 'pages.ndjson')).some(({ code }) => code === 'SCOPE_DENIED'))
  })
})

/** Runs a script of an example on the sources; its lines on standard output. */
async function script(path: string, args: readonly string[], cwd: string): Promise<string[]> {
  const flags = ['--conditions=sluice-source', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, join(examples, path), ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, complaints)
  return output.trimEnd().split('\n')
}
