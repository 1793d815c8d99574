import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SluiceError } from '../../src/model/errors.ts'
import { compileTemplate } from '../../src/source/template.ts'
import type { TemplateKind } from '../../src/source/template.ts'

function fill(text: string, kind: TemplateKind, values: Record<string, string>): string {
  const problems: string[] = []
  const filled = compileTemplate(text, kind).fill((name) => values[name], problems)
  return problems.length === 0 ? filled : problems.join('; ')
}

test('values are escaped by where they stand', () => {
  const row = { a: 'a&b=c/ d"é', n: '12', zero: '007', xml: '<&>', nothing: '' }
  for (const [kind, text, expected] of [
    ['url', 'https://h/{a}?m={n}', 'https://h/a%26b%3Dc%2F%20d%22%C3%A9?m=12'],
    ['url', 'https://h/{+a}', 'https://h/a&b=c/%20d%22%C3%A9'],
    ['form', 'x={a}&y={zero}', 'x=a%26b%3Dc%2F+d%22%C3%A9&y=007'],
    ['json', '{"a":"-{a}-","n":{n},"z":{zero},"no":{nothing?}}', '{"a":"-a&b=c/ d\\"é-","n":12,"z":"007","no":null}'],
    ['xml', '<a>{xml}</a>', '<a>&lt;&amp;&gt;</a>'],
    ['header', 'Bearer {zero}', 'Bearer 007'],
    ['text', '{a} {nothing?}|', 'a&b=c/ d"é |'],
  ] as const) {
    assert.equal(fill(text, kind, row), expected, text)
  }
})

test('what cannot be filled in is told of, and the place stays as it is', () => {
  const problems: string[] = []
  const template = compileTemplate('https://h/{tel}/{nome}?q={q}', 'url')
  const values: Record<string, string> = { nome: '..', q: '..' }
  const text = template.fill((name) => values[name], problems)
  assert.deepEqual(problems, ['no value for {tel}', '{nome} is .., which no path can hold'])
  assert.equal(text, 'https://h/{tel}/{nome}?q=..')
  assert.equal(fill('{x}', 'header', { x: 'a\r\nEvil: 1' }), '{x} holds characters that no header may hold')
  assert.deepEqual(compileTemplate('{a}{b?}{a}', 'text').names, ['a', 'b'])
})

test('braces of JSON and of queries in it are no places', () => {
  const text = '{"a":{"b":"{nome}"},"query":"{ user(id: 1) { name } }","empty":{}}'
  assert.deepEqual(compileTemplate(text, 'json').names, ['nome'])
  assert.throws(
    () => compileTemplate('{"a":', 'json'),
    (error) => (error as SluiceError).code === 'OPTION_INVALID',
  )
  assert.throws(
    () => compileTemplate('{+a}', 'form'),
    (error) => (error as SluiceError).code === 'OPTION_INVALID',
  )
})

test('no value breaks out of its place', () => {
  const json = compileTemplate('{"a":"{v}","b":{v}}', 'json')
  const form = compileTemplate('a={v}&b=1', 'form')
  const url = compileTemplate('https://h/x?a={v}&b=1', 'url')
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), (value) => {
      const parsed = JSON.parse(json.fill(() => value, [])) as { a: string; b: unknown }
      assert.equal(parsed.a, value)
      assert.ok(
        parsed.b === value || JSON.stringify(parsed.b) === String(Number(value)) || parsed.b === JSON.parse(value),
      )
      for (const query of [form.fill(() => value, []), new URL(url.fill(() => value, [])).search.slice(1)]) {
        const params = new URLSearchParams(query)
        assert.deepEqual([...params.keys()], ['a', 'b'])
        assert.equal(params.get('a'), value.toWellFormed())
      }
    }),
    { seed: 10, numRuns: 300 },
  )
})
