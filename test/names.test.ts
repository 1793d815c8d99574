/** Test names are sentences of behaviour and unique in the project, so that a failure is found by its name alone. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
/** The conformance suites hold tests too. */
const FOLDERS = ['test', 'src/testing']
/** `test('…'`, `it('…'`, `t.test('…'` and their `.skip` forms, in any quotes. */
const NAME = /(?<![\w$])(?:test|it)(?:\.\w+)?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1\s*,/g

const named = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path.split(sep).join('/')}`),
).flatMap((file) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(NAME)].map((match) => ({ file, name: match[2] ?? '' })),
)

test('no two tests of the project have the same name', () => {
  const doubled = [...Map.groupBy(named, ({ name }) => name.toLowerCase())]
    .filter(([, uses]) => uses.length > 1)
    .map(([name, uses]) => `${name}: ${uses.map(({ file }) => file).join(', ')}`)
  assert.ok(named.length > 50, 'the tests were not found')
  assert.deepEqual(doubled, [])
})

test('every test name is a sentence of more than two words', () => {
  assert.deepEqual(
    // A suite that puts its names together from its table is left to the first test.
    named.filter(({ name }) => !name.includes('${') && name.trim().split(/\s+/).length < 3),
    [],
  )
})
