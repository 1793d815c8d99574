/**
 * The table of who may import whom, and the other rules of the layout that a compiler does not know. A new arrow or a
 * new package here needs an ADR in docs/adr. Types count: an `import type` ties two files together as well.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../src', import.meta.url))

/** The files that say what a part is, without any implementation of it. */
const INTERFACES = [
  'extract/extraction.ts',
  'extract/extractor.ts',
  'fetch/fetcher.ts',
  'frontier/frontier.ts',
  'policy/policy.ts',
  'session/session.ts',
  'sink/sink.ts',
  'source/source.ts',
]

interface Layer {
  /** Folders of src, or single files of them, besides its own. */
  readonly may: readonly string[]
  /** Packages from the registry. */
  readonly packages?: readonly string[]
  /** Modules of Node; absent: all of them (but see DRIVERS). */
  readonly node?: readonly string[]
}

const PURE: readonly string[] = []
const BACKENDS = [
  'model',
  'url',
  'robots',
  'http',
  'policy',
  'frontier',
  'fetch',
  'session',
  'extract',
  'warc',
  'sink',
  'source',
  'queue',
  'engine',
]

const LAYERS: Readonly<Record<string, Layer>> = {
  model: { may: [], node: PURE },
  url: { may: ['model'], packages: ['tldts', 'xxhash-wasm'], node: PURE },
  robots: { may: ['model'], node: PURE },
  http: { may: ['model'], packages: ['html-encoding-sniffer', 'whatwg-mimetype'], node: PURE },
  policy: { may: ['model', 'url', 'robots', 'http'], node: PURE },
  frontier: { may: ['model', 'url'], packages: ['xxhash-wasm'] },
  fetch: { may: ['model', 'url', 'http'], packages: ['ipaddr.js', 'lru-cache', 'mmdb-lib', 'ws', 'xxhash-wasm'] },
  session: { may: ['model', 'url', 'http', 'fetch/fetcher.ts'], packages: ['htmlparser2', 'tough-cookie'] },
  extract: {
    may: ['model', 'url', 'http'],
    packages: ['@standard-schema/spec', 'css-what', 'entities', 'htmlparser2', 'json-p3', 'unpdf'],
  },
  warc: {
    may: ['model'],
    node: ['node:crypto', 'node:fs', 'node:fs/promises', 'node:path', 'node:stream/promises', 'node:zlib'],
  },
  sink: { may: ['model', 'warc'], packages: ['hyparquet-writer', 'ioredis', 'mongodb', 'mysql2', 'pg'] },
  source: {
    may: ['model', 'url', 'warc'],
    packages: ['csv-parse', 'eventsource-parser', 'htmlparser2', 'read-excel-file'],
  },
  queue: { may: ['model', 'frontier/sqlite/errors.ts', 'frontier/sqlite/logical-time.ts'] },
  engine: { may: ['model', 'url', 'robots', 'http', 'policy', ...INTERFACES], packages: ['lru-cache'] },
  job: { may: BACKENDS, packages: ['ipaddr.js', 'smol-toml'] },
  server: { may: ['model', 'job', 'locales'], packages: ['hono', '@hono/node-server', 'ws'] },
  dashboard: {
    may: ['model/event.ts', 'locales'],
    packages: ['preact', '@preact/signals', 'uplot'],
    node: PURE,
  },
  cli: { may: ['model', 'job', 'server', 'locales'], packages: ['commander', 'picocolors', 'string-width'] },
  locales: { may: [], node: PURE },
  testing: { may: ['model', ...INTERFACES], packages: ['fast-check'] },
  // The façade of the package.
  'index.ts': {
    may: [
      'job',
      'policy',
      'model',
      ...INTERFACES,
      'session/recipe.ts',
      'session/recipes.ts',
      'extract/article.ts',
      'extract/define.ts',
      'extract/feed/feed.ts',
      'extract/page.ts',
      'extract/pdf.ts',
      'extract/selection.ts',
      'extract/structured-data.ts',
      'extract/table.ts',
      'extract/xpath.ts',
      'engine/handler.ts',
    ],
    node: PURE,
  },
}

/** A driver is known to few files, so that it can be replaced and is loaded only where it is used. */
const DRIVERS: Readonly<Record<string, { readonly where: RegExp; readonly most: number }>> = {
  'tough-cookie': { where: /^session\/jar\.ts$/, most: 1 },
  'node:sqlite': { where: /^(frontier\/sqlite\/|queue\/|sink\/sqlite|fetch\/cache\/answer-store)/, most: Infinity },
  'mmdb-lib': { where: /^fetch\/geo\.ts$/, most: 1 },
  unpdf: { where: /^extract\/pdf\.ts$/, most: 1 },
  'read-excel-file/node': { where: /^source\/xlsx\.ts$/, most: 1 },
  hono: { where: /^server\//, most: Infinity },
  pg: { where: /^sink\/postgres\.ts$/, most: 1 },
  'mysql2/promise': { where: /^sink\/mysql\.ts$/, most: 1 },
  'hyparquet-writer': { where: /^sink\/parquet-table\.ts$/, most: 1 },
  mongodb: { where: /^sink\/mongodb\.ts$/, most: 1 },
  ioredis: { where: /^sink\/redis\.ts$/, most: 1 },
  ws: { where: /^(?:fetch\/web-socket|server\/serve\/sockets)\.ts$/, most: 2 },
  'eventsource-parser': { where: /^source\/stream\/sse\.ts$/, most: 1 },
}

/** Who may look at a clock or throw dice, and why. */
const CLOCKS: readonly { readonly where: RegExp; readonly why: string }[] = [
  { where: /^engine\/clock\.ts$/, why: 'it is the clock' },
  { where: /^cli\//, why: 'progress is for a person' },
  {
    where: /^extract\/worker\.ts$/,
    why: 'says how long an extractor took; nothing polite depends on it',
  },
  { where: /^dashboard\/words\.ts$/, why: 'says to a person how long ago something was' },
  { where: /^testing\//, why: 'a fake web has to measure' },
  {
    where: /^sink\/compressed-file\.ts$/,
    why: 'ends a compressed member about once a second; nothing polite depends on it',
  },
  {
    where: /^sink\/server-retry\.ts$/,
    why: 'bounds the wait for a server that is away, with pauses left to chance; nothing polite depends on it',
  },
  {
    where: /^server\/access\.ts$/,
    why: 'counts wrong keys a second; tests give their own; nothing polite depends on it',
  },
  { where: /^sink\/sqlite\.ts$/, why: 'bounds the wait for a lock of another program; nothing polite depends on it' },
]

/** Tables and generated files may be longer than 700 lines. */
const LONG_FILES: readonly string[] = ['extract/entities.ts']
const LONGEST = 700
const MEDIAN = 150

const VAGUE_NAMES = /^(utils?|helpers?|common|core|lib|misc|managers?)$/

interface Import {
  readonly from: string
  readonly target: string
  /** Loaded when it is needed: an arrow like any other, but no part of a circle (a table of commands loads each). */
  readonly isLazy: boolean
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.split(sep).join('/'))
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .toSorted()
const texts = new Map(files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]))
const imports = files.flatMap((from) => importsOf(from, texts.get(from) ?? ''))
/** Arrows between files of src. */
const arrows = imports
  .filter(({ target }) => target.startsWith('.'))
  .map(({ from, target, isLazy }) => ({
    from,
    isLazy,
    to: relative(SRC, join(SRC, dirname(from), target))
      .split(sep)
      .join('/'),
  }))

/** What a file imports, re-exports, loads lazily, or hands to a worker. The manifest and the templates are data, not code. */
function importsOf(from: string, text: string): Import[] {
  const code = text.replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  const targets = (patterns: readonly RegExp[], isLazy: boolean): Import[] =>
    patterns
      .flatMap((pattern) => [...code.matchAll(pattern)])
      .map((match) => ({ from, target: match[1] ?? '', isLazy }))
      .filter(({ target }) => !/\/(?:package\.json|templates\/)$/.test(target))
  const eager = [
    /^\s*import\s+[^'"`;()=]*?\bfrom\s*'([^']+)'/gm,
    /^\s*export\s+(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s*from\s*'([^']+)'/gm,
    /^\s*import\s*'([^']+)'/gm,
  ]
  const lazy = [/\bimport\(\s*'([^']+)'/g, /\bnew URL\(\s*'(\.[^']+)',\s*import\.meta\.url/g]
  return [...targets(eager, false), ...targets(lazy, true)]
}

/** Lines of a file that are no comments, numbered for the message. */
function* codeLines(file: string): Generator<{ readonly line: string; readonly at: string }> {
  let number = 0
  for (const line of (texts.get(file) ?? '').split('\n')) {
    number++
    if (!/^\s*(\/\/|\/?\*)/.test(line)) yield { line, at: `src/${file}:${number}` }
  }
}

function layerOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file
}

test('every folder of src has a row in the table of layers', () => {
  assert.ok(files.length > 50, 'the sources were not found')
  assert.deepEqual(
    [...new Set(files.map(layerOf))].filter((layer) => LAYERS[layer] === undefined),
    [],
  )
})

test('a folder imports only the folders and interface files its layer allows', () => {
  const wrong = arrows.filter(({ from, to }) => {
    const layer = layerOf(from)
    return (
      layerOf(to) !== layer && !LAYERS[layer]?.may.some((allowed) => allowed === to || to.startsWith(`${allowed}/`))
    )
  })
  assert.deepEqual(
    wrong.map(({ from, to }) => `${from} -> ${to}`),
    [],
  )
})

test('a folder imports only the packages and Node modules its layer names', () => {
  const wrong = imports.filter(({ from, target }) => {
    if (target.startsWith('.')) return false
    const layer = LAYERS[layerOf(from)]
    if (target.startsWith('node:')) return layer?.node !== undefined && !layer.node.includes(target)
    const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/')
    return !layer?.packages?.includes(name)
  })
  assert.deepEqual(
    wrong.map(({ from, target }) => `${from} -> ${target}`),
    [],
  )
})

test('each driver is imported only where it belongs', () => {
  for (const [driver, { where, most }] of Object.entries(DRIVERS)) {
    const users = [...new Set(imports.filter(({ target }) => target === driver).map(({ from }) => from))]
    assert.deepEqual(
      users.filter((file) => !where.test(file)),
      [],
      driver,
    )
    assert.ok(users.length <= most, `${driver} is imported by ${users.join(', ')}`)
  }
})

test('no files import each other in a circle, types included', () => {
  const next = Map.groupBy(
    arrows.filter(({ isLazy }) => !isLazy),
    ({ from }) => from,
  )
  const state = new Map<string, 'open' | 'closed'>()
  const path: string[] = []
  const circles: string[] = []
  const visit = (file: string): void => {
    if (state.get(file) === 'closed') return
    if (state.get(file) === 'open') {
      circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
      return
    }
    state.set(file, 'open')
    path.push(file)
    for (const { to } of next.get(file) ?? []) visit(to)
    path.pop()
    state.set(file, 'closed')
  }
  for (const file of files) visit(file)
  assert.deepEqual(circles, [])
})

test('no file or folder of src has a name that says nothing', () => {
  const vague = files.filter((file) => file.split('/').some((part) => VAGUE_NAMES.test(part.replace(/\.ts$/, ''))))
  assert.deepEqual(vague, [])
})

test('files stay short enough to be read', () => {
  const lengths = files.map((file) => ({ file, lines: (texts.get(file) ?? '').split('\n').length - 1 }))
  assert.deepEqual(
    lengths.filter(({ file, lines }) => lines > LONGEST && !LONG_FILES.includes(file)),
    [],
  )
  const sorted = lengths.map(({ lines }) => lines).toSorted((a, b) => a - b)
  const median = sorted[sorted.length >> 1] ?? 0
  assert.ok(median < MEDIAN, `the median file has ${median} lines`)
})

test('time and chance come from the injected clock and seed', () => {
  const wrong = files
    .filter((file) => !CLOCKS.some(({ where }) => where.test(file)))
    .flatMap((file) => [...codeLines(file)])
    .filter(({ line }) => /\b(Date\.now|Math\.random|performance\.now|process\.hrtime)\b|\bnew Date\(\)/.test(line))
  assert.deepEqual(
    wrong.map(({ at, line }) => `${at}: ${line.trim()}`),
    [],
  )
})

test('nothing in src is a default export, extractor modules excepted', () => {
  const wrong = files
    .flatMap((file) => [...codeLines(file)])
    .filter(({ line }) => /^export\s+default\b|\bas default\b/.test(line))
    .filter(({ line }) => !line.startsWith('export default defineExtractor('))
  assert.deepEqual(
    wrong.map(({ at }) => at),
    [],
  )
})

test('the façade only re-exports', () => {
  const rest = (texts.get('index.ts') ?? '')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^export\s+(?:type\s+)?\{[^}]*\}\s*from\s*'[^']+'$/gm, '')
  assert.equal(rest.trim(), '')
})
