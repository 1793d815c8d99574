import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { COMMANDS, sentenceOf } from '../../src/cli/command-table.ts'
import { LANGUAGES, chooseLanguage, createCatalog, splitDuration } from '../../src/locales/catalog.ts'
import type { Language } from '../../src/locales/catalog.ts'
import { openCatalog } from '../../src/locales/open-catalog.ts'
import { CODES } from '../../src/model/errors.ts'
import { OPTION_NAMES, optionRow } from '../../src/model/options.ts'

const source = fileURLToPath(new URL('../../src/', import.meta.url))

function messages(language: Language): Record<string, string> {
  return JSON.parse(readFileSync(join(source, 'locales', `${language}.json`), 'utf8')) as Record<string, string>
}

const english = messages('en')
const base = (key: string): string => key.replace(/\.(one|other)$/, '')
const bases = (all: Record<string, string>): string[] => [...new Set(Object.keys(all).map(base))].toSorted()
const placeholders = (text: string): string[] =>
  [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string))].toSorted()

for (const language of LANGUAGES) {
  test(`the catalogue ${language} has every sentence, and none of its own`, () => {
    assert.deepEqual(bases(messages(language)), bases(english))
  })

  test(`the catalogue ${language} has the plurals its language needs`, () => {
    const all = messages(language)
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories
    for (const key of Object.keys(english).filter((name) => name.endsWith('.other'))) {
      assert.ok(all[key] !== undefined, key)
      if (categories.includes('one')) assert.ok(all[`${base(key)}.one`] !== undefined, `${base(key)}.one`)
    }
  })

  test(`figures in ${language} are written as Intl writes them`, () => {
    const catalog = createCatalog(language, {}, {})
    const numbers = new Intl.NumberFormat(language)
    for (const value of [
      0,
      7,
      999,
      1000,
      1234,
      9999,
      10_000,
      123_456,
      1_234_567,
      2 ** 53 - 1,
      2 ** 60,
      0.5,
      -0,
      -12_345,
    ])
      assert.equal(catalog.number(value), numbers.format(value))
    for (const digits of [0, 1, 2]) {
      const style = { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits } as const
      const percents = new Intl.NumberFormat(language, style)
      for (const share of [0, 0.001, 0.07, 0.412, 0.999, 1])
        assert.equal(catalog.percent(share, digits), percents.format(share))
    }
  })

  test(`the sentences of ${language} use the same placeholders as the English ones`, () => {
    const all = messages(language)
    for (const [key, text] of Object.entries(all)) {
      const original = english[key] ?? english[`${base(key)}.other`]
      assert.deepEqual(placeholders(text), placeholders(original as string), key)
    }
  })

  test(`no sentence of ${language} is empty or breaks the line`, () => {
    for (const [key, text] of Object.entries(messages(language))) assert.match(text, /^\S.*\S$|^\S$/, key)
  })
}

test('sentences of the other languages are translated, not copied', () => {
  // Labels such as `dns` or `total` are the same word; whole sentences never are.
  for (const language of LANGUAGES.filter((name) => name !== 'en')) {
    const copied = Object.entries(messages(language)).filter(
      ([key, text]) => text === english[key] && text.split(' ').length > 3,
    )
    // A hint that is nothing but a command is the same everywhere.
    assert.deepEqual(
      copied.filter(([, text]) => !text.startsWith('sluice ')),
      [],
      language,
    )
  }
})

/** Keys that a table asks for: each row must have one, and no key may be left without a row. */
function keysOfTables(): string[] {
  return [
    ...OPTION_NAMES.filter((name) => optionRow(name).libraryOnly !== true).map((name) => `option.${name}`),
    ...Object.keys(CODES).flatMap((code) => [`error.${code}`, `error.${code}.hint`]),
    ...new Set(Object.values(CODES).map(({ disposition }) => `explain.${disposition}`)),
    ...COMMANDS.map(({ name }) => `command.${name}`),
    ...new Set(COMMANDS.flatMap(({ flags }) => flags.map((flag) => `flag.${sentenceOf(flag)}`))),
  ]
}

test('every option, error code, command and flag has its sentence', () => {
  const known = new Set(bases(english))
  assert.deepEqual(
    keysOfTables().filter((key) => !known.has(key)),
    [],
  )
})

test('every sentence is used by a table or by the code', () => {
  const code = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.startsWith('locales'))
    .map((name) => readFileSync(join(source, name), 'utf8'))
    .join('\n')
  const used = new Set(keysOfTables())
  // Built from a word at run time: t(`phase.${phase}`).
  const families = new Set([...code.matchAll(/t\(\s*`([a-z]+)\.\$\{/g)].map(([, family]) => family as string))
  const unused = bases(english).filter((key) => {
    const family = key.split('.')[0] as string
    return (
      !used.has(key) &&
      !code.includes(`'${key}'`) &&
      !(families.has(family) && !['option', 'error', 'command', 'flag', 'explain'].includes(family))
    )
  })
  assert.deepEqual(unused, [])
})

test('a missing key falls back to English, and to itself where English lacks it too', () => {
  const catalog = createCatalog('ko', {}, { 'end.time': 'time' })
  assert.equal(catalog.t('end.time'), 'time')
  assert.equal(catalog.t('end.next'), 'end.next')
})

test('numbers and plurals follow the language', async () => {
  const catalogs = await Promise.all(LANGUAGES.map((language) => openCatalog(language)))
  const [en, pt, , zh] = catalogs as [
    (typeof catalogs)[0],
    (typeof catalogs)[0],
    (typeof catalogs)[0],
    (typeof catalogs)[0],
  ]
  assert.equal(en!.t('live.connections', { count: 1 }), '1 connection')
  assert.equal(en!.t('live.connections', { count: 1402 }), '1,402 connections')
  assert.equal(pt!.t('live.connections', { count: 1402 }), '1.402 conexões')
  assert.equal(zh!.t('live.connections', { count: 1 }), '1 个连接')
  assert.equal(en!.percent(0.412), '41.2%')
})

test('durations in words name two units at most', async () => {
  const en = await openCatalog('en')
  assert.equal(en.duration(6_720_000), '1 hour 52 minutes')
  assert.equal(en.duration(59_400), '59 seconds')
  assert.equal(en.duration(3_600_000), '1 hour')
  assert.equal((await openCatalog('es')).duration(6_720_000), '1 hora 52 minutos')
  assert.deepEqual(splitDuration(0), [{ amount: 0, unit: 'second' }])
})

test('the language is the first wish that is set; one we do not speak means English', () => {
  assert.equal(chooseLanguage([undefined, '', 'pt_BR.UTF-8', 'ko']), 'pt-BR')
  assert.equal(chooseLanguage(['pt']), 'pt-BR')
  assert.equal(chooseLanguage(['zh_TW.UTF-8']), 'zh-CN')
  assert.equal(chooseLanguage(['es_MX@euro']), 'es')
  assert.equal(chooseLanguage(['C', 'ko']), 'en')
  assert.equal(chooseLanguage(['C.UTF-8']), 'en')
  assert.equal(chooseLanguage([]), 'en')
})
