import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { z } from 'zod'
import { defineExtractor, wantsPage } from '../../src/extract/define.ts'
import type { Extractor } from '../../src/extract/define.ts'
import { loadExtractor, runExtractor } from '../../src/extract/run-extractor.ts'
import { SluiceError } from '../../src/model/errors.ts'
import { input, modules } from './setup.ts'

const LIST =
  '<ul><li class=item><b class=t>One</b> <i class=p>1,50 €</i></li><li class=item><b class=t>Two</b></li></ul>'

test('items of a page are validated one by one and links are collected', async () => {
  const product = defineExtractor({
    match: '/c/*',
    schema: z.object({ title: z.string(), price: z.number() }),
    key: (item) => item.title,
    *extract(page) {
      for (const el of page.$$('.item')) yield { title: el.text('.t'), price: el.number('.p') }
      page.follow(page.links('a.next'), { label: 'list' })
    },
  })
  const body = `${LIST}<a class=next href="?page=2">next</a>`
  const extraction = await runExtractor([product], input(body))
  assert.deepEqual(extraction, {
    items: [{ json: '{"title":"One","price":1.5}', position: 0, key: 'One' }],
    links: [{ url: 'https://shop.example/c/1?page=2', label: 'list' }],
    issues: [{ position: 1, path: 'price', message: 'Invalid input: expected number, received undefined', value: '' }],
    failure: undefined,
    ms: 0,
    matched: true,
  })
})

test('extract may give items in every way JavaScript has for it', async () => {
  const item = { a: 1 }
  const ways: ((page: unknown) => unknown)[] = [
    () => item,
    () => [item],
    () => new Set([item]),
    () => Promise.resolve(item),
    () => Promise.resolve([item]),
    function* () {
      yield item
    },
    async function* () {
      yield item
    },
    function* () {
      yield Promise.resolve(item)
    },
  ]
  for (const extract of ways) {
    const { items } = await runExtractor([defineExtractor({ extract })], input(''))
    assert.deepEqual(items, [{ json: '{"a":1}', position: 0, key: undefined }], String(extract))
  }
  const none: (() => unknown)[] = [() => undefined, () => null, async () => {}, () => []]
  for (const extract of none) {
    const { items, failure } = await runExtractor([defineExtractor({ extract })], input(''))
    assert.deepEqual([items, failure], [[], undefined])
  }
})

test('positions run on over the extractors of a page and a failure drops all of it', async () => {
  const one = defineExtractor({ extract: () => [{ a: 1 }, 'text', { a: 2 }] as unknown[] })
  const two = defineExtractor({ extract: () => ({ b: 1 }) })
  const broken = defineExtractor({
    extract: (page) => {
      page.follow('/x')
      throw new Error('no')
    },
  })
  const good = await runExtractor([one, two], input(''))
  assert.deepEqual(
    good.items.map(({ position }) => position),
    [0, 2, 3],
  )
  assert.deepEqual(
    good.issues.map(({ position, message }) => [position, message]),
    [[1, 'an item is an object with named fields']],
  )
  const bad = await runExtractor([one, broken], input(''), () => 5)
  assert.equal(bad.failure?.code, 'EXTRACT_THREW')
  assert.deepEqual([bad.items, bad.links, bad.issues, bad.matched], [[], [], [], true])
})

test('match decides by URL, content type and label alone', () => {
  const wants = (match: Parameters<typeof defineExtractor>[0]['match'], type = 'text/html', label?: string): boolean =>
    wantsPage(
      [defineExtractor({ ...(match === undefined ? {} : { match }), extract: () => [] })],
      'https://a.example/c/1?q=2',
      type,
      label,
    )
  assert.ok(wants(undefined))
  assert.ok(wants('/c/*'))
  assert.ok(!wants('/d/*'))
  assert.ok(wants(['/d/*', '/c/**']))
  assert.ok(wants('a.example'))
  assert.ok(wants(/q=\d/))
  assert.ok(wants({ type: 'text/*' }))
  assert.ok(!wants({ type: 'application/json' }))
  assert.ok(wants({ type: ['application/json', 'application/ld+json'] }, 'application/json'))
  assert.ok(!wants({ label: 'list' }))
  assert.ok(wants({ label: ['list', 'more'] }, 'text/html', 'list'))
  assert.ok(!wants({ url: '/c/*', label: 'list' }, 'text/html', 'item'))
  assert.ok(wants({ url: '/c/*', type: 'text/html', label: 'item' }, 'text/html', 'item'))
  assert.ok(!wantsPage([], 'https://a.example/', 'text/html', undefined))
})

test('a page that no extractor wants is not run', async () => {
  const never = defineExtractor({
    match: '/d/*',
    extract: () => {
      throw new Error('was run')
    },
  })
  const { matched, failure } = await runExtractor([never], input(''))
  assert.deepEqual([matched, failure], [false, undefined])
})

test('a definition that cannot be used is refused with its reason', () => {
  const refused = (definition: unknown, code: string, message: RegExp): void => {
    assert.throws(
      () => defineExtractor(definition as { extract: () => [] }),
      (error) => error instanceof SluiceError && error.code === code && message.test(`${error.message} ${error.hint}`),
    )
  }
  refused({}, 'OPTION_INVALID', /extract is not a function/)
  refused({ extract: () => [], mach: '/' }, 'OPTION_UNKNOWN', /did you mean match/)
  refused({ extract: () => [], match: [] }, 'OPTION_INVALID', /empty list/)
  refused({ extract: () => [], match: '' }, 'OPTION_INVALID', /empty/)
  refused({ extract: () => [], match: 5 }, 'OPTION_INVALID', /neither a pattern nor an object/)
  refused({ extract: () => [], match: { tipe: 'x' } }, 'OPTION_UNKNOWN', /did you mean type/)
  refused({ extract: () => [], schema: {} }, 'OPTION_INVALID', /Standard Schema/)
  refused({ extract: () => [], key: 'id' }, 'OPTION_INVALID', /key is not a function/)
})

test('an item without a usable key is an issue, not a failure', async () => {
  const extractor = defineExtractor({ extract: () => [{ id: 'a' }, { id: '' }], key: (item) => item.id })
  const { items, issues, failure } = await runExtractor([extractor], input(''))
  assert.deepEqual([items.map(({ key }) => key), issues.length, failure], [['a'], 1, undefined])
})

test('running an extractor never rejects, whatever is thrown or given', async () => {
  const hostile = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
    fc.constantFrom(
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('trap')
          },
        },
      ),
      Object.create(null) as unknown,
      {
        get a() {
          throw new Error('getter')
        },
      },
      {
        toJSON: () => {
          throw new Error('toJSON')
        },
      },
      Object.defineProperty(new Error('x'), 'message', {
        get: () => {
          throw new Error('message')
        },
      }),
      Symbol('s'),
      { [Symbol.iterator]: 5 },
    ),
  )
  await fc.assert(
    fc.asyncProperty(hostile, fc.constantFrom('throw', 'reject', 'return', 'yield', 'schema'), async (value, way) => {
      const extract = function* (): Generator<unknown> {
        if (way === 'throw') throw value
        yield way === 'reject' ? Promise.reject(value) : value
      }
      const extractor = {
        ...defineExtractor({ extract: way === 'return' ? () => value : extract }),
        ...(way === 'schema'
          ? {
              schema: {
                '~standard': {
                  version: 1,
                  vendor: 'x',
                  validate: () => {
                    throw value
                  },
                },
              },
            }
          : {}),
      } as Extractor
      const { items, failure, matched } = await runExtractor([extractor], input(''))
      assert.ok(matched)
      if (failure !== undefined) assert.deepEqual([failure.code, items.length], ['EXTRACT_THREW', 0])
      for (const { json } of items) assert.equal(typeof JSON.parse(json), 'object')
    }),
  )
})

test('a module is loaded by path or URL, as one extractor, a list or plain objects', async (t) => {
  const write = modules(t)
  const define = JSON.stringify(new URL('../../src/extract/define.ts', import.meta.url).href)
  const one = write(
    'one.ts',
    `import { defineExtractor } from ${define}\nexport default defineExtractor({ extract: (): object[] => [{ a: 1 }] })`,
  )
  const plain = write(
    'plain.mjs',
    'export default [{ match: "/c/*", extract: () => ({ a: 1 }) }, { match: "/d/*", extract: () => [] }]',
  )
  assert.equal((await loadExtractor(one)).length, 1)
  const loaded = await loadExtractor(pathToFileURL(plain).href)
  assert.deepEqual(
    loaded.map(({ wants }) => wants('https://a.example/c/1', 'text/html', undefined)),
    [true, false],
  )
  assert.equal((await runExtractor(loaded, input(''))).items.length, 1)
})

test('a module that cannot be loaded is told with its file, its place and what to do', async (t) => {
  const write = modules(t)
  const refused = async (path: string, code: string, message: RegExp): Promise<void> => {
    await assert.rejects(loadExtractor(path), (error) => {
      assert.ok(error instanceof SluiceError, String(error))
      assert.equal(error.code, code)
      assert.match(`${error.message}\n${error.hint}`, message)
      return true
    })
  }
  await refused('./no-such-extractor.ts', 'INPUT_UNREADABLE', /no extractor "\.\/no-such-extractor\.ts"/)
  await refused(write('none.mjs', 'export const a = 1'), 'OPTION_INVALID', /default export is not an extractor/)
  await refused(write('empty.mjs', 'export default []'), 'OPTION_INVALID', /default export is not an extractor/)
  await refused(
    write('field.mjs', 'export default { extract() {}, mach: 1 }'),
    'OPTION_UNKNOWN',
    /field\.mjs.*\n.*did you mean match/,
  )
  await refused(
    write('syntax.mjs', 'const a = 1\nconst b = = 2\n'),
    'OPTION_INVALID',
    /syntax\.mjs:2:\d+\n.*\n> 2 \| const b = = 2\n {4}\| {11}\^/s,
  )
  await refused(write('syntax.ts', 'const a: number = 1\nconst b: = 2\n'), 'OPTION_INVALID', /syntax\.ts:2:10\n/)
  await refused(write('enum.ts', 'enum A { B }\nexport default { extract: () => A.B }'), 'OPTION_INVALID', /no enum/)
  await refused(write('missing.mjs', "import 'no-such-package'"), 'OPTION_INVALID', /no-such-package/)
  await refused(write('self.mjs', "import 'sluice'"), 'OPTION_INVALID', /export a plain object/)
  await refused(
    write('throws.ts', 'const a: string = "x"\nthrow new TypeError(`no ${a}`)'),
    'OPTION_INVALID',
    /no x\n.*throws\.ts:2:7\n/,
  )
})

test('a failure shows the line of the extractor that threw, in the positions of its TypeScript', async (t) => {
  const text = [
    'interface Row { readonly a: string }',
    'const rows: Row[] = []',
    'export default {',
    '  *extract(page: any): Generator<Row> {',
    '    const first: Row = rows[0] as Row',
    '    yield { a: first.a }',
    '  },',
    '}',
  ]
  const extractors = await loadExtractor(modules(t)('frame.ts', text.join('\n')))
  const { failure } = await runExtractor(extractors, input(''))
  assert.match(failure?.message ?? '', /^TypeError: Cannot read properties of undefined/)
  const lines = failure?.frame?.split('\n') ?? []
  assert.match(lines[0] ?? '', /frame\.ts:6:22$/)
  assert.deepEqual(lines.slice(1, 7), [
    '  4 |   *extract(page: any): Generator<Row> {',
    '  5 |     const first: Row = rows[0] as Row',
    '> 6 |     yield { a: first.a }',
    '    |                      ^',
    '  7 |   },',
    '  8 | }',
  ])
  assert.match(lines[7] ?? '', /^ {2}called at .*run-extractor\.test\.ts:\d+:\d+$/)
  assert.ok(!lines.some((line) => line.includes('node:') || line.includes('test_runner')))
})

test('a selector that is none is told at the place in the extractor that wrote it', async (t) => {
  const path = modules(t)('selector.mjs', 'export default { extract(page) {\n  return page.$$("a[").length\n} }')
  const { failure } = await runExtractor(await loadExtractor(path), input('<a>'))
  assert.match(failure?.message ?? '', /"a\[" is not a valid selector/)
  assert.match(failure?.frame ?? '', /selector\.mjs:2:15\n/)
})
