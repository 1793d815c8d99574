import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type } from 'arktype'
import fc from 'fast-check'
import * as v from 'valibot'
import { z } from 'zod'
import { defineExtractor } from '../../src/extract/define.ts'
import type { ItemOf } from '../../src/extract/define.ts'
import { itemJson, shownJson } from '../../src/extract/item-json.ts'
import { runExtractor } from '../../src/extract/run-extractor.ts'
import { columnsOf, itemColumns, validateItem } from '../../src/extract/schema.ts'
import { input } from './setup.ts'

const zodProduct = z.object({ title: z.string(), price: z.number().optional() })
const valibotProduct = v.object({ title: v.string(), price: v.optional(v.number()) })
const arkProduct = type({ title: 'string', 'price?': 'number' })

test('items of zod, valibot and arktype are typed by their schema and validated alike', async () => {
  const byZod = defineExtractor({ schema: zodProduct, extract: () => [{ title: 'a', price: 1 }, { title: 1 }] })
  const byValibot = defineExtractor({ schema: valibotProduct, extract: () => [{ title: 'a', price: 1 }, { title: 1 }] })
  const byArk = defineExtractor({ schema: arkProduct, extract: () => [{ title: 'a', price: 1 }, { title: 1 }] })
  const zodItem: ItemOf<typeof byZod> = { title: 'a' }
  const valibotItem: ItemOf<typeof byValibot> = { title: 'a', price: 1 }
  const arkItem: ItemOf<typeof byArk> = { title: 'a', price: 1 }
  // @ts-expect-error the schema says text
  zodItem.title = 1
  // @ts-expect-error the schema says text
  valibotItem.title = 1
  // @ts-expect-error the schema says number
  arkItem.price = 'x'
  for (const extractor of [byZod, byValibot, byArk]) {
    const { items, issues } = await runExtractor([extractor], input(''))
    assert.deepEqual(
      items.map(({ json }) => json),
      ['{"title":"a","price":1}'],
    )
    assert.deepEqual(
      issues.map(({ position, path, value }) => [position, path, value]),
      [[1, 'title', '1']],
    )
  }
})

test('key sees the output of the schema, and without a schema what extract yields', async () => {
  const typed = defineExtractor({
    schema: z.object({ id: z.number().transform((id) => `p${id}`) }),
    key: (item) => item.id.toUpperCase(),
    *extract() {
      yield { id: 5 }
    },
  })
  const plain = defineExtractor({
    *extract(page) {
      yield { name: page.title ?? 'none' }
    },
    key: (item) => item.name.trim(),
  })
  const item: ItemOf<typeof plain> = { name: 'x' }
  // @ts-expect-error extract yields a text
  item.name = 5
  const either: ItemOf<readonly [typeof typed, typeof plain]> = { name: 'x' }
  // @ts-expect-error neither has this field
  assert.equal(either.other, undefined)
  assert.equal((await runExtractor([typed], input(''))).items[0]?.key, 'P5')
  assert.equal((await runExtractor([plain], input(''))).items[0]?.key, 'none')
  const wrong = defineExtractor({
    extract: () => [{ id: 1 }],
    // @ts-expect-error a key is a text
    key: (it) => it.id,
  })
  assert.equal((await runExtractor([wrong], input(''))).issues.length, 1)
})

test('a schema may answer later, and its issues name dotted paths and short values', async () => {
  const schema = z.object({ a: z.array(z.object({ b: z.string().refine(async (b) => b.length < 3, 'too long') })) })
  assert.deepEqual(await validateItem(schema, { a: [{ b: 'x' }] }), { value: { a: [{ b: 'x' }] } })
  const { issues } = await validateItem(schema, { a: [{ b: 'x' }, { b: 'y'.repeat(500) }] })
  assert.deepEqual(issues, [{ path: 'a.1.b', message: 'too long', value: `"${'y'.repeat(199)}` }])
})

test('columns come from the schema where it offers JSON Schema', () => {
  const schema = z.object({
    title: z.string(),
    count: z.int(),
    price: z.number().nullable(),
    sold: z.boolean().optional(),
    kind: z.enum(['a', 'b']),
    tags: z.array(z.string()),
    either: z.union([z.string(), z.number()]),
    made: z.string().default('x'),
    any: z.unknown(),
  })
  assert.deepEqual(columnsOf(schema), [
    { name: 'title', type: 'text', required: true },
    { name: 'count', type: 'integer', required: true },
    { name: 'price', type: 'number', required: false },
    { name: 'sold', type: 'boolean', required: false },
    { name: 'kind', type: 'text', required: true },
    { name: 'tags', type: 'json', required: true },
    { name: 'either', type: 'json', required: true },
    { name: 'made', type: 'text', required: true },
    { name: 'any', type: 'json', required: false },
  ])
  assert.equal(columnsOf(undefined), undefined)
  assert.equal(columnsOf(valibotProduct), undefined)
  assert.equal(columnsOf(z.string()), undefined)
  assert.equal(columnsOf(z.object({ at: z.date() })), undefined)
})

test('columns of several extractors are the union of theirs in order', () => {
  const one = z.object({ id: z.string(), a: z.number() })
  const two = z.object({ b: z.string(), id: z.string(), a: z.string() })
  assert.deepEqual(itemColumns([{ schema: one }, { schema: two }]), [
    { name: 'id', type: 'text', required: true },
    { name: 'a', type: 'json', required: true },
    { name: 'b', type: 'text', required: false },
  ])
  assert.equal(itemColumns([{ schema: one }, {}]), undefined)
})

test('what JSON can hold is written as JSON.stringify writes it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const written = itemJson(value)
      assert.ok('json' in written)
      assert.equal(written.json, JSON.stringify(value))
    }),
  )
})

test('what JSON cannot hold is converted or named with its place', () => {
  const json = (value: unknown): string => {
    const written = itemJson(value)
    return 'json' in written ? written.json : `${written.problem.path}: ${written.problem.message}`
  }
  const circle: Record<string, unknown> = {}
  circle.a = [circle]
  const shared = { x: 1 }
  let deep: unknown = {}
  for (let i = 0; i < 10_000; i++) deep = { d: deep }
  assert.equal(
    json({ a: undefined, b: [undefined], c: 10n, d: new Date(0) }),
    '{"b":[null],"c":"10","d":"1970-01-01T00:00:00.000Z"}',
  )
  assert.equal(json({ u: new URL('https://a.example/') }), '{"u":"https://a.example/"}')
  assert.equal(json([shared, shared]), '[{"x":1},{"x":1}]')
  assert.equal(json(JSON.parse('{"__proto__":{"a":1}}')), '{"__proto__":{"a":1}}')
  assert.equal(json(circle), 'a.0: it holds itself')
  assert.equal(json({ a: new Map() }), 'a: a Map is no JSON value')
  assert.equal(json({ a: [1, new Set()] }), 'a.1: a Set is no JSON value')
  assert.equal(json({ a: () => 1 }), 'a: a function is no JSON value')
  assert.equal(json({ a: Promise.resolve(1) }), 'a: a Promise is no JSON value (await it)')
  assert.equal(json({ a: Number.NaN }), 'a: NaN is no JSON number')
  assert.equal(json({ a: new Date(Number.NaN) }), 'a: the date is invalid')
  assert.match(json(deep), /deeper than 200 levels$/)
  assert.equal(shownJson('x'.repeat(300)).length, 200)
  assert.equal(shownJson(new Map()), 'a Map')
})

test('an element that is yielded instead of its text is named as such', async () => {
  const extractor = defineExtractor({ extract: (page) => ({ title: page.$('b') }) })
  const { issues } = await runExtractor([extractor], input('<b>x</b>'))
  assert.deepEqual(issues, [
    { position: 0, path: 'title', message: 'an Element is no JSON value', value: 'an Element' },
  ])
})
