/** `sluice init`: the templates as a person gets them, run end to end against the bundled shop. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startOrigin } from '../../src/testing/origin.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { shop } from '../../src/testing/origin/shop.ts'
import { shellWord } from '../../src/model/shell-word.ts'
import { BIN, inFolder, runCli } from '../cli/run-cli.ts'
import { MEMBER } from '../../src/testing/origin/login.ts'
import { readRecords, shopItems } from './web.ts'
import type { ShopItem } from './web.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SITE = 'http://shop.test/'
let origin: Origin
let quick: string[]
/** A site that has something for each of the other templates. */
let lab: Origin

before(async () => {
  origin = await startOrigin({ sites: { 'shop.test': { content: { kind: 'shop' } } } })
  lab = await startOrigin({
    sites: {
      'lab.test': {
        content: { kind: 'documents', waitMs: 50 },
        pages: { '/': '<title>Lab</title>', '/page': '<title>A page</title>', '/old.zip': 'never asked for' },
      },
    },
  })
  quick = ['--resolve', origin.resolveFlag, '--delay', '0', '--per-host', '8', '--progress', 'none']
})
after(async () => {
  await origin.close()
  await lab.close()
})

function readItems<Item>(path: string): Item[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Item)
}

/** What `npm install` would bring. */
function install(folder: string): void {
  mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
  symlinkSync(root, join(folder, 'node_modules', 'sluice'), 'dir')
  for (const name of ['zod', '@types/node']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'dir')
  }
}

/** Complaints of the compiler about the files of a project; those about the sources here are for the step `types`. */
function typeErrors(folder: string): string[] {
  const settings = { customConditions: ['sluice-source'], resolveJsonModule: true }
  const include = ['*.ts', join(root, 'src', '**', '*.d.ts')]
  writeFileSync(
    join(folder, 'tsconfig.test.json'),
    JSON.stringify({ extends: './tsconfig.json', compilerOptions: settings, include }),
  )
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { stdout, status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.test.json'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const errors = stdout.split('\n').filter((line) => /^[^\s.].*\berror TS/.test(line))
  assert.ok(status === 0 || stdout.includes('error TS'), stdout)
  return errors
}

test('init writes a crawl in one file that gives an item for each page, and check finds nothing wrong with it', async () => {
  await inFolder(async (cwd) => {
    const made = await runCli(['init', SITE], { cwd })
    assert.equal(made.code, 0, made.stderr)
    assert.equal(made.stdout, 'made crawl.ts\n')
    assert.match(made.stderr, /next: +npx sluice run crawl\.ts/)
    assert.ok(readFileSync(join(cwd, 'crawl.ts'), 'utf8').trimEnd().split('\n').length <= 20)
    const checked = await runCli(['check', 'crawl.ts'], { cwd })
    assert.equal(checked.code, 0, checked.stderr)
    const { code, stderr } = await runCli(['run', 'crawl.ts', ...quick], { cwd })
    assert.equal(code, 0, stderr)
    const items = readItems<{ url: string; title: string; heading: string }>(join(cwd, 'items.ndjson'))
    assert.deepEqual(
      items.map(({ url }) => new URL(url).pathname + new URL(url).search).toSorted(),
      shop().pages.toSorted(),
    )
    for (const { name, path } of shop().products) {
      assert.equal(items.find(({ url }) => url.endsWith(path))?.heading, name)
    }
  })
})

test('init writes a shop project whose items are right, checked on saved pages, and typed for the compiler', async () => {
  await inFolder(async (cwd) => {
    const args = ['init', SITE, 'shop', '--template', 'typed-shop', '--contact', 'https://lab.example/bot']
    const made = await runCli(args, { cwd })
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stderr, /next: +cd shop && npm install && npx sluice run shop\.ts/)
    assert.match(readFileSync(join(cwd, '.config', 'sluice', 'config.toml'), 'utf8'), /^contact = "https:\/\/lab/)
    const folder = join(cwd, 'shop')
    assert.ok(existsSync(join(folder, '.gitignore')) && existsSync(join(folder, 'package.json')))
    install(folder)
    // The contact is in the file of the user, which a fast pace needs elsewhere.
    const env = { XDG_CONFIG_HOME: join(cwd, '.config') }
    const { code, stderr } = await runCli(['run', 'shop.ts', ...quick], { cwd: folder, env })
    assert.equal(code, 0, stderr)
    const items = readItems<ShopItem>(join(folder, 'items.ndjson'))
    const byTitle = (a: ShopItem, b: ShopItem): number => (a.title < b.title ? -1 : 1)
    assert.deepEqual(items.toSorted(byTitle), shopItems().toSorted(byTitle))
    assert.match(stderr, new RegExp(`items +${items.length} stored\\n`))

    const page = `${SITE}${shop().products[0]?.path.slice(1)}`
    const saved = await runCli(['check', 'shop.ts', '--record', page, '--resolve', origin.resolveFlag], { cwd: folder })
    assert.equal(saved.code, 0, saved.stdout + saved.stderr)
    assert.ok(existsSync(join(folder, 'product.pages')))
    const checked = await runCli(['check', 'shop.ts'], { cwd: folder })
    assert.equal(checked.code, 0, checked.stderr)
    assert.match(checked.stdout, /product\.ts: 1 saved page gives the items expected/)

    const offers = spawnSync(process.execPath, ['cheapest.ts'], { cwd: folder, encoding: 'utf8' })
    const cheapest = shopItems()
      .filter(({ available }) => available)
      .toSorted((a, b) => a.price - b.price)[0]
    assert.equal(offers.stdout.split('\n')[0], `${cheapest?.price.toFixed(2)} USD  ${cheapest?.title}`)

    assert.deepEqual(typeErrors(folder), [])
    const path = join(folder, 'cheapest.ts')
    const text = readFileSync(path, 'utf8')
    writeFileSync(
      path,
      text.replace('price.toFixed(2)', 'prize.toFixed(2)').replace('{ title, price', '{ title, prize'),
    )
    assert.match(typeErrors(folder).join('\n'), /cheapest\.ts.*'prize' does not exist on type/)
  })
})

/** Runs a command with a terminal of its own, where a person has typed ahead. */
function onTerminal(args: readonly string[], typed: string, cwd: string): { status: number | null; output: string } {
  const command = [process.execPath, BIN, ...args].map(shellWord).join(' ')
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, XDG_CONFIG_HOME: join(cwd, '.config'), NO_COLOR: '1' }
  const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    ...{ cwd, env, input: typed, encoding: 'utf8', timeout: 60_000 },
  })
  return { status, output: stdout }
}

const hasTerminals = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true

/** A project from a template, made and run by `sluice run` as it says; what is on standard error. */
async function runTemplate(
  cwd: string,
  template: string,
  env: Readonly<Record<string, string>> = {},
): Promise<(file: string) => Promise<string>> {
  const args = ['init', 'http://lab.test/', '.', '--template', template, '--contact', 'https://lab.example/bot']
  const made = await runCli(args, { cwd })
  assert.equal(made.code, 0, made.stderr)
  // The contact is in the file of the user.
  const mine = { ...env, XDG_CONFIG_HOME: join(cwd, '.config') }
  return async (file) => {
    const checked = await runCli(['check', file], { cwd, env: mine })
    assert.equal(checked.code, 0, checked.stdout + checked.stderr)
    const { code, stderr } = await runCli(['run', file, '--resolve', lab.resolveFlag, '--progress', 'none'], {
      cwd,
      env,
    })
    assert.equal(code, 0, stderr)
    return stderr
  }
}

test('polite-list fetches a list by its own rules on top of the polite ones, and tells of each page', async () => {
  await inFolder(async (cwd) => {
    const run = await runTemplate(cwd, 'polite-list')
    writeFileSync(join(cwd, 'urls.txt'), ['', 'page', 'old.zip'].map((path) => `http://lab.test/${path}\n`).join(''))
    const stderr = await run('list.ts')
    assert.match(stderr, /^ok http:\/\/lab\.test\/page$/m)
    const records = readRecords(join(cwd, 'pages.ndjson'))
    assert.deepEqual(records.map(({ url, outcome }) => `${outcome} ${url}`).toSorted(), [
      'ok http://lab.test/',
      'ok http://lab.test/page',
      'skipped http://lab.test/old.zip',
    ])
    assert.deepEqual(lab.ledger('lab.test').violations(1_000), [])
  })
})

test('pdf-bulk keeps whole files four at a time, asks for none again, and gives the text of their pages', async () => {
  await inFolder(async (cwd) => {
    const run = await runTemplate(cwd, 'pdf-bulk')
    lab.clearLedger()
    await run('pdfs.ts')
    const names = readdirSync(join(cwd, 'files')).filter((name) => name.endsWith('.pdf'))
    assert.equal(names.length, 8)
    assert.equal(lab.ledger('lab.test').maxConcurrent(), 4)
    await run('pdfs.ts')
    assert.equal(lab.ledger('lab.test').statuses().get(304), 8)
    await run('text.ts')
    assert.ok(readItems<{ text: string }>(join(cwd, 'text.ndjson')).length >= 8)
  })
})

test('login-session logs in once and keeps the pages of a member', async () => {
  await inFolder(async (cwd) => {
    const run = await runTemplate(cwd, 'login-session', { SITE_PASSWORD: MEMBER.password })
    lab.clearLedger()
    await run('pages.ts')
    assert.equal(readItems(join(cwd, 'items.ndjson')).length, 5)
    const logins = [...lab.ledger('lab.test').arrivals()].filter(({ method }) => method === 'POST')
    assert.equal(logins.length, 1)
  })
})

test('init asks a person what is missing, once, and shows the command that asks nothing', {
  skip: hasTerminals ? false : 'script (util-linux) makes the terminal',
}, async () => {
  await inFolder(async (cwd) => {
    const asked = onTerminal(['init'], 'https://somebody.test/\ntyped-shop\nhttps://lab.example/bot\n', cwd)
    assert.equal(asked.status, 0, asked.output)
    assert.match(asked.output, /start page: /)
    assert.match(
      asked.output,
      /the same without questions: +sluice init https:\/\/somebody\.test\/ --template typed-shop --contact https:\/\/lab\.example\/bot/,
    )
    assert.ok(existsSync(join(cwd, 'somebody.test', 'product.ts')))
    assert.match(readFileSync(join(cwd, '.config', 'sluice', 'config.toml'), 'utf8'), /^contact = /)
    const usual = onTerminal(['init', 'https://somebody.test/'], '\n', cwd)
    assert.equal(usual.status, 0, usual.output)
    assert.ok(existsSync(join(cwd, 'crawl.ts')))
    assert.ok(!usual.output.includes('site owners reach you'), 'the contact is known by now')
    const left = onTerminal(['init'], '\u0004', cwd)
    assert.equal(left.status, 2, left.output)
    assert.match(left.output, /OPTION_INVALID: init needs the start page/)
  })
})

test('init writes over no file, and says what it needs instead of waiting for it', async () => {
  await inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'crawl.ts'), 'mine')
    for (const [args, message] of [
      [['init', SITE], /OPTION_INVALID: crawl\.ts is there already[^]*sluice init URL FOLDER/],
      [['init'], /OPTION_INVALID: init needs the start page/],
      [['init', 'shop.test'], /OPTION_INVALID: "shop\.test" is not a URL[^]*https:\/\/shop\.test/],
      [['init', SITE, 'x', '--template', 'typed-shp'], /OPTION_INVALID[^]*did you mean typed-shop\?/],
      [['init', SITE, 'x', '--contact', 'nobody'], /OPTION_INVALID: --contact/],
    ] as const) {
      const { code, stderr } = await runCli(args, { cwd })
      assert.equal(code, 2, stderr)
      assert.match(stderr, message)
    }
    assert.equal(readFileSync(join(cwd, 'crawl.ts'), 'utf8'), 'mine')
    assert.deepEqual(
      readdirSync(cwd).filter((name) => !name.startsWith('.')),
      ['crawl.ts'],
    )
  })
})

test('the templates ask for the version of the package that they come with', () => {
  const versionOf = (path: string): { version: string; dependencies: Record<string, string>; files: string[] } =>
    JSON.parse(readFileSync(join(root, path), 'utf8')) as ReturnType<typeof versionOf>
  const { version, files } = versionOf('package.json')
  assert.equal(versionOf('templates/typed-shop/_package.json').dependencies['sluice'], `^${version}`)
  assert.ok(files.includes('templates'), 'they are published')
})
