import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isHtml, isText, isXml, parseContentType } from '../../src/http/content-type.ts'
import { sharedData, skipWithout } from '../shared-data.ts'

test('a content type is its essence and charset in lower case', () => {
  assert.deepEqual(
    { ...parseContentType('Text/HTML; Charset="UTF-8"; x=y') },
    { essence: 'text/html', charset: 'utf-8' },
  )
  assert.deepEqual({ ...parseContentType('image/png') }, { essence: 'image/png' })
  for (const value of [undefined, '', 'html', '/', 'text/', '*/*'])
    assert.deepEqual({ ...parseContentType(value) }, { essence: '' })
})

test('content types stay right when the cache has turned over', () => {
  for (let i = 0; i < 2000; i++) assert.equal(parseContentType(`text/x${i}`).essence, `text/x${i}`)
  assert.equal(parseContentType('text/x0').essence, 'text/x0')
})

test('kinds of types are told apart', () => {
  assert.ok(isHtml('text/html') && isHtml('application/xhtml+xml') && !isHtml('text/plain'))
  assert.ok(isXml('text/xml') && isXml('application/rss+xml') && isXml('image/svg+xml') && !isXml('text/html'))
  for (const essence of [
    'text/csv',
    'application/json',
    'application/ld+json',
    'application/atom+xml',
    'application/javascript',
  ]) {
    assert.ok(isText(essence), essence)
  }
  for (const essence of ['image/png', 'application/pdf', '', 'application/octet-stream'])
    assert.ok(!isText(essence), essence)
})

interface HeaderCase {
  readonly input: readonly string[]
  readonly encoding: string | null
  readonly mimeType: string
}

test('several content types are combined as in the web platform tests', {
  skip: skipWithout('conformance/http-wpt/content-types.json'),
}, () => {
  const path = sharedData('conformance/http-wpt/content-types.json')!
  for (const { input, encoding, mimeType } of JSON.parse(readFileSync(path, 'utf8')) as HeaderCase[]) {
    const label = JSON.stringify(input)
    const type = parseContentType(input.join(', '))
    assert.equal(type.essence, mimeType.split(';')[0], label)
    const name = type.charset === undefined ? null : new TextDecoder(type.charset).encoding
    assert.equal(name, encoding?.toLowerCase() ?? null, label)
  }
})

interface MimeCase {
  readonly input: string
  readonly output: string | null
  readonly encoding?: string | null
}

test('single content types are parsed as in the web platform tests', {
  skip: skipWithout('conformance/mime-wpt'),
}, () => {
  for (const [file, count] of [
    ['mime-types.json', 74],
    ['generated-mime-types.json', 881],
  ] as const) {
    const path = sharedData(`conformance/mime-wpt/${file}`)!
    const all = JSON.parse(readFileSync(path, 'utf8')) as (MimeCase | string)[]
    const cases = all.filter((one) => typeof one !== 'string')
    assert.equal(cases.length, count, file)
    for (const one of cases)
      assert.equal(parseContentType(one.input).essence, one.output?.split(';')[0] ?? '', one.input)
  }
})
