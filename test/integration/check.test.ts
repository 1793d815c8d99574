/** `sluice check`: a config key by key, extractors on pages saved beside them, and the one request that saves a page. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { shop } from '../../src/testing/origin/shop.ts'
import { inFolder, runCli } from '../cli/run-cli.ts'
import type { Ended } from '../cli/run-cli.ts'

const [FIRST = '', SECOND = ''] = shop().products.map(({ path }) => `http://shop.test${path}`)
const EXTRACTOR = `import { defineExtractor } from 'sluice'

const schema = { '~standard': { version: 1 as const, vendor: 'own', validate: (item: any) => item.price > 0
  ? { value: item } : { issues: [{ message: 'must be positive', path: ['price'] }] } } }

export default defineExtractor({
  match: ['/product/*', { label: 'list' }],
  schema,
  key: (item: any) => item.title,
  *extract(page) {
    if (page.label === 'list') return page.follow(page.links('ul a'), { label: 'product' })
    yield { title: page.$('h1')?.text(), price: page.$('.price')?.number() }
  },
})
`

let origin: Origin

before(async () => {
  origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  origin.handle('shop.test', '/go', () => ({ status: 302, headers: { Location: new URL(SECOND).pathname }, body: '' }))
})
after(() => origin.close())

function check(cwd: string, ...args: string[]): Promise<Ended> {
  return runCli(['check', ...args], { cwd })
}

function record(cwd: string, url: string, ...args: string[]): Promise<Ended> {
  const flags = ['--record', url, '--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot']
  return runCli(['check', ...args, ...flags], { cwd, env: { SLUICE_DELAY: '0' } })
}

/** A folder with an extractor and two pages saved beside it. */
async function withPages(
  work: (cwd: string, change: (from: string, to: string) => void) => Promise<void>,
): Promise<void> {
  await inFolder(async (cwd) => {
    const path = join(cwd, 'product.ts')
    writeFileSync(path, EXTRACTOR)
    for (const url of [FIRST, SECOND]) assert.equal((await record(cwd, url, 'product.ts')).code, 0)
    const requests = origin.ledger().count
    await work(cwd, (from, to) => {
      const text = readFileSync(path, 'utf8')
      assert.ok(text.includes(from), from)
      writeFileSync(path, text.replace(from, to))
    })
    assert.equal(origin.ledger().count, requests, 'a check asks nobody')
  })
}

test('check --record saves the answer and the items beside the extractor, and check passes on them without a request', async () => {
  await withPages(async (cwd) => {
    const [one, two] = shop().products.map(({ path }) => path.slice(1).replaceAll('/', '-'))
    assert.deepEqual(readdirSync(join(cwd, 'product.pages')).toSorted(), [
      '.gitattributes',
      ...[one, two].flatMap((name) => [`${name}.http`, `${name}.items.json`]),
    ])
    const answer = readFileSync(join(cwd, 'product.pages', `${one}.http`), 'utf8')
    assert.match(answer, /^HTTP\/1\.1 200 OK\n(?:[A-Z][\w-]+: [^\n]+\n)*\n<!doctype html>/)
    assert.deepEqual(JSON.parse(readFileSync(join(cwd, 'product.pages', `${one}.items.json`), 'utf8')), {
      v: 1,
      url: FIRST,
      items: [{ title: shop().products[0]?.name, price: Number(shop().products[0]?.price) }],
      keys: [shop().products[0]?.name],
    })
    const passed = await check(cwd, 'product.ts')
    assert.equal(passed.code, 0, passed.stderr)
    assert.match(passed.stdout, /^product\.ts: 2 saved pages give the items expected \(items: 2, requests: 0\)\n$/)
    assert.deepEqual(await check(cwd, 'product.ts', '--json'), await check(cwd, '--extract', 'product.ts', '--json'))
  })
})

test('check shows field by field what an extractor gives otherwise, and --accept makes that the expectation', async () => {
  await withPages(async (cwd, change) => {
    change('.number()', '.text()')
    change('item.price > 0', 'true')
    const shown = await check(cwd, 'product.ts')
    assert.equal(shown.code, 3)
    assert.match(shown.stdout, /^product\.ts: 2 of 2 saved pages do not give the items expected/)
    assert.match(shown.stdout, /product\.pages\/product-1-[\w-]+\.http +http:\/\/shop\.test\/product\/1-/)
    const { price } = shop().products[0] as { price: string }
    assert.ok(shown.stdout.includes(`price  ${Number(price)} -> "$${price}"`), shown.stdout)
    assert.ok(!/title +/.test(shown.stdout), 'what is the same is not listed')
    assert.match(shown.stdout, /if these items are right: +sluice check product\.ts --accept/)
    const { passed, extractors } = JSON.parse((await check(cwd, 'product.ts', '--json')).stdout) as {
      passed: boolean
      extractors: { pages: { state: string; diff: { fields: { name: string; changed: number }[] } }[] }[]
    }
    assert.equal(passed, false)
    assert.deepEqual(
      extractors[0]?.pages.map(({ state, diff }) => [state, diff.fields.map(({ name, changed }) => [name, changed])]),
      [
        ['differs', [['price', 1]]],
        ['differs', [['price', 1]]],
      ],
    )
    const accepted = await check(cwd, 'product.ts', '--accept')
    assert.equal(accepted.code, 0, accepted.stdout)
    assert.match(accepted.stdout, /2 pages: their items are what is expected from now on/)
    assert.equal((await check(cwd, 'product.ts')).code, 0)
  })
})

test('check names the field that a schema refuses and the line that throws, and --accept takes neither', async () => {
  await withPages(async (cwd, change) => {
    change("'.price'", "'.prize'")
    const refused = await check(cwd, 'product.ts', '--accept')
    assert.equal(refused.code, 3)
    assert.match(refused.stdout, /rejected: price: must be positive/)
    assert.match(refused.stdout, /look closely: +sluice inspect http:\S+ --extract product\.ts/)
    change("page.$('h1')?.text()", 'page.nothing.text()')
    const thrown = await check(cwd, 'product.ts', '--accept')
    assert.equal(thrown.code, 3)
    assert.match(thrown.stdout, /EXTRACT_THREW: TypeError[^]*product\.ts:12:33\n[^]*> 12 \|[^]*\^/)
    assert.equal(thrown.stdout.split('> 12 |').length, 2, 'the same place is shown once')
    change('page.nothing.text()', "page.$('h1')?.text()")
    change("'.prize'", "'.price'")
    assert.equal((await check(cwd, 'product.ts')).code, 0, 'what was expected is kept')
    change("page.$('h1')?.text()", "page.$('h1'?.text()")
    const broken = await check(cwd, 'product.ts')
    assert.equal(broken.code, 2)
    assert.match(broken.stderr, /OPTION_INVALID: .*SyntaxError[^]*product\.ts:12:[^]*> 12 \|/)
  })
})

test('a page under a label is saved with the links it follows, and one that a redirect led to with both URLs', async () => {
  await inFolder(async (cwd) => {
    const path = join(cwd, 'product.ts')
    writeFileSync(path, EXTRACTOR)
    const unwanted = await record(cwd, 'http://shop.test/c/pans', 'product.ts')
    assert.equal(unwanted.code, 3)
    assert.match(unwanted.stdout, /no extractor wants it/)
    const list = ['product.ts', '--label', 'list']
    const saved = await record(cwd, 'http://shop.test/c/pans', ...list)
    assert.equal(saved.code, 0, saved.stdout + saved.stderr)
    const expected = JSON.parse(readFileSync(join(cwd, 'product.pages', 'c-pans.items.json'), 'utf8')) as {
      label: string
      items: unknown[]
      follows: Record<string, string[]>
    }
    assert.deepEqual([expected.label, expected.items, expected.follows['product']?.length], ['list', [], 6])
    assert.equal((await record(cwd, 'http://shop.test/go', ...list)).code, 0)
    const led = JSON.parse(readFileSync(join(cwd, 'product.pages', 'go.items.json'), 'utf8')) as Record<string, unknown>
    assert.deepEqual([led['url'], led['final']], ['http://shop.test/go', SECOND])

    writeFileSync(path, EXTRACTOR.replace("page.links('ul a')", "page.links('nav a')"))
    const shown = await check(cwd, 'product.ts')
    assert.equal(shown.code, 3)
    assert.match(shown.stdout, /follows \+ product http:\/\/shop\.test\/about/)
    assert.match(shown.stdout, /follows - product http:\/\/shop\.test\/product\//)
    writeFileSync(path, EXTRACTOR.replace("{ label: 'list' }", "'/nowhere'"))
    const unmatched = await check(cwd, 'product.ts', '--accept')
    assert.equal(unmatched.code, 3)
    assert.match(unmatched.stdout, /match does not want this page any more/)
  })
})

test('a page saved again replaces itself and shows what has changed; one that ended otherwise is not saved', async () => {
  await inFolder(async (cwd) => {
    let price = '$12.50'
    origin.handle('own.test', '/product/%C3%A9', () => ({
      headers: { 'Content-Type': 'text/html; charset=latin1', 'Set-Cookie': 'session=secret' },
      body: Buffer.from(`<h1>caf\u00e9</h1>\r\n<p class=price>${price}</p>`, 'latin1'),
    }))
    writeFileSync(join(cwd, 'product.ts'), EXTRACTOR)
    const url = 'http://own.test/product/é?a=1'
    assert.equal((await record(cwd, url, 'product.ts')).code, 0)
    const pages = join(cwd, 'product.pages')
    const names = readdirSync(pages).toSorted()
    const name = names.find((file) => file.endsWith('.http')) ?? ''
    assert.equal(name, 'product-c3-a9-a-1.http')
    const bytes = readFileSync(join(pages, name))
    assert.ok(bytes.includes('<h1>caf\u00e9</h1>\r\n', 'latin1'), 'bytes are those of the answer')
    assert.ok(!bytes.includes('secret'), 'cookies are left out')
    assert.equal((await check(cwd, 'product.ts')).code, 0)
    price = '$13.50'
    const again = await record(cwd, url, 'product.ts')
    assert.equal(again.code, 0)
    assert.match(again.stdout, /price +12\.5 -> 13\.5/)
    assert.deepEqual(readdirSync(pages).toSorted(), names)
    const denied = await record(cwd, 'http://shop.test/cart', 'product.ts')
    assert.equal(denied.code, 3)
    assert.match(denied.stdout, /was not saved: skipped: ROBOTS_DENIED[^]*sluice inspect http:\/\/shop\.test\/cart/)
    writeFileSync(join(cwd, 'product.ts'), EXTRACTOR.replace('yield {', 'yield { at: process.hrtime.bigint(),'))
    assert.match((await record(cwd, url, 'product.ts')).stdout, /at: differs from run to run/)
  })
})

test('depth and input columns are saved with a page and given to the extractor again, also when the page is saved anew', async () => {
  await inFolder(async (cwd) => {
    const fields = 'const { sku, amount } = page.input ?? {}; yield { sku, amount, depth: page.depth, price: 1,'
    writeFileSync(join(cwd, 'product.ts'), EXTRACTOR.replace('yield {', fields))
    const told = ['--depth', '3', '--input', '{"sku":"A 7","amount":2}']
    for (const flags of [told, []]) {
      assert.equal((await record(cwd, FIRST, 'product.ts', ...flags)).code, 0)
      const name = `${new URL(FIRST).pathname.slice(1).replaceAll('/', '-')}.items.json`
      const saved = JSON.parse(readFileSync(join(cwd, 'product.pages', name), 'utf8')) as Record<string, unknown>
      assert.deepEqual([saved['depth'], saved['input']], [3, { sku: 'A 7', amount: 2 }])
      const [item] = saved['items'] as Record<string, unknown>[]
      assert.deepEqual([item?.['sku'], item?.['amount'], item?.['depth']], ['A 7', 2, 3])
      assert.equal((await check(cwd, 'product.ts')).code, 0, 'the extractor is given the same again')
      writeFileSync(join(cwd, 'product.pages', name), JSON.stringify({ ...saved, depth: 4 }))
      const other = await check(cwd, 'product.ts')
      assert.match(other.stdout, /depth +3 -> 4/)
      for (const wrong of [{ depth: -1 }, { input: ['A 7'] }, { input: { sku: null } }]) {
        writeFileSync(join(cwd, 'product.pages', name), JSON.stringify({ ...saved, ...wrong }))
        assert.match((await check(cwd, 'product.ts')).stderr, /INPUT_UNREADABLE: [^]*"(depth|input)" is not/)
      }
      writeFileSync(join(cwd, 'product.pages', name), JSON.stringify(saved))
    }
    for (const flags of [
      ['--depth', 'two'],
      ['--input', 'sku=A'],
      ['--input', '[]'],
    ]) {
      const wrong = await record(cwd, FIRST, 'product.ts', ...flags)
      assert.equal(wrong.code, 2)
      assert.match(wrong.stderr, /OPTION_INVALID: --(depth|input)/)
    }
  })
})

test('check says which keys of a config are wrong, all of them with their lines, and asks for nothing', async () => {
  await inFolder(async (cwd) => {
    const requests = origin.ledger().count
    const path = join(cwd, 'sluice.config.ts')
    const config = (...lines: string[]): void => writeFileSync(path, `export default {\n${lines.join('\n')}\n}\n`)
    assert.equal((await check(cwd)).code, 2)
    config("  seeds: 'http://shop.test/',", '  perhost: 3,', "  delay: 'soon',")
    const keys = await check(cwd)
    assert.equal(keys.code, 2)
    assert.match(
      keys.stderr,
      /OPTION_UNKNOWN: there is no option perhost \(sluice\.config\.ts:3\)\n +what to do: did you mean perHost\?/,
    )
    assert.match(keys.stderr, /OPTION_INVALID: --delay: "soon".*\(sluice\.config\.ts:4\)/)
    assert.equal((await record(cwd, FIRST)).code, 2)
    config("  seeds: 'http://shop.test/',", "  contact: 'nobody',", "  out: 'items.doc',", "  failIf: 'failed >',")
    const { passed, config: seen } = JSON.parse((await check(cwd, '--json')).stdout) as {
      passed: boolean
      config: { file: string; options: number; problems: { code: string; message: string; hint: string }[] }
    }
    assert.deepEqual([passed, seen.file, seen.options], [false, 'sluice.config.ts', 4])
    assert.deepEqual(seen.problems.map(({ code, message }) => [code, /:(\d)\)$/.exec(message)?.[1]]).toSorted(), [
      ['OPTION_INVALID', '3'],
      ['OPTION_INVALID', '4'],
      ['OPTION_INVALID', '5'],
    ])
    config("  lists: ['missing.txt'],")
    assert.match((await check(cwd)).stderr, /INPUT_UNREADABLE: there is no file "missing\.txt"/)
    config("  seeds: 'https://somebody.org/',", '  delay: 0,')
    assert.match((await check(cwd)).stderr, /CONTACT_MISSING/)
    config("  seeds: 'https://somebody.org/',", "  extract: 'nothing.ts',")
    assert.match((await check(cwd)).stderr, /INPUT_UNREADABLE: there is no extractor/)
    config("  seeds: 'https://somebody.org/',")
    const sound = await check(cwd)
    assert.deepEqual([sound.code, sound.stdout], [0, 'sluice.config.ts: 1 option, valid\n'])
    assert.equal(origin.ledger().count, requests)
  })
})

test('an extractor without saved pages passes when it loads, and a damaged page is refused by name', async () => {
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'product.ts'), EXTRACTOR)
    const none = await check(cwd, 'product.ts')
    assert.equal(none.code, 0)
    assert.match(
      none.stdout,
      /product\.ts: loads; no pages are saved beside it yet\nsave a page: +sluice check product\.ts --record URL/,
    )
    assert.equal((await record(cwd, FIRST, 'product.ts')).code, 0)
    const items = readdirSync(join(cwd, 'product.pages')).find((file) => file.endsWith('.items.json')) ?? ''
    for (const text of ['<<<<<<< ours', '{"v":2}', `{"v":1,"url":"${FIRST}","items":{}}`]) {
      writeFileSync(join(cwd, 'product.pages', items), text)
      const { code, stderr } = await check(cwd, 'product.ts')
      assert.equal(code, 2)
      assert.match(stderr, /INPUT_UNREADABLE: cannot read .*\.items\.json: [^]*--record URL/)
    }
  })
})

test('extractors written into a one-file job have their pages beside that file', async () => {
  await inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'shop.ts'),
      `import { defineConfig, defineExtractor } from 'sluice'

export default defineConfig({
  seeds: 'http://shop.test/',
  extract: defineExtractor({
    match: '/product/*',
    extract: (page) => [{ title: page.$('h1')?.text() }],
  }),
})
`,
    )
    assert.equal((await record(cwd, FIRST, 'shop.ts')).code, 0)
    const closely = ['inspect', FIRST, '--extract', 'shop.ts', '--resolve', origin.resolveFlag]
    assert.match((await runCli(closely, { cwd })).stdout, /items +1\n/)
    assert.ok(existsSync(join(cwd, 'shop.pages')))
    const { code, stdout, stderr } = await check(cwd, 'shop.ts')
    assert.equal(code, 0, stderr)
    assert.equal(
      stdout,
      'shop.ts: 2 options, all valid\nshop.ts: 1 saved page gives the items expected (items: 1, requests: 0)\n',
    )
  })
})
