import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { BIN, inFolder, runCli } from './run-cli.ts'

const version = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version

for (const args of [['--version'], ['-V'], ['--lang', 'ko', '--version']]) {
  test(`sluice ${args.join(' ')} prints the version and nothing else`, () =>
    inFolder(async (cwd) => {
      assert.deepEqual(await runCli(args, { cwd }), { code: 0, stdout: `${version}\n`, stderr: '' })
    }))
}

const helps = [
  ['--help'],
  ['help'],
  ['--help', 'all'],
  ['help', 'all'],
  ['fetch', '--help'],
  ['help', 'retry', 'all'],
  ['help', '--lang', 'zh-CN'],
]
for (const args of helps) {
  test(`sluice ${args.join(' ')} goes to stdout, without an escape byte, exit 0`, () =>
    inFolder(async (cwd) => {
      const { code, stdout, stderr } = await runCli(args, { cwd })
      assert.equal(code, 0)
      assert.equal(stderr, '')
      assert.match(stdout, /sluice/)
      assert.equal(stdout.includes('\u001b'), false)
      assert.equal(stdout.includes('--durability'), args.includes('all'))
    }))
}

test('sluice alone shows its help on stderr and exits 2', () =>
  inFolder(async (cwd) => {
    const { code, stdout, stderr } = await runCli([], { cwd })
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /usage: sluice COMMAND/)
  }))

const usage: [string[], RegExp, Record<string, string>?][] = [
  [['ftch'], /OPTION_UNKNOWN.*no command ftch[\s\S]*did you mean sluice fetch\?/],
  [['https://a.example/'], /to fetch it: sluice fetch https:\/\/a\.example\//],
  [['--delay', '1s'], /no flag --delay without a command/],
  [['help', 'fetsh'], /did you mean sluice help fetch/],
  [['fetch', '--perhost', '2', 'x'], /OPTION_UNKNOWN.*no flag --perhost[\s\S]*did you mean --per-host\?/],
  [['fetch', '--no-robots', 'x'], /did you mean --robots\?/],
  [['fetch', '--depth', '2', 'x'], /no flag --depth[\s\S]*belongs to: crawl, run/],
  [['fetch', '-z', 'x'], /no flag -z/],
  [['fetch', '--delay', 'soon', 'x'], /OPTION_INVALID.*--delay: "soon" is not a duration/],
  [['fetch', 'x', '--delay'], /--delay needs a value/],
  [['fetch', '--robots', 'maybe', 'x'], /--robots.*one of obey, record, ignore/],
  [['fetch', '--per-host', '0', 'x'], /--per-host.*at least 1/],
  [['resume', 'a', 'b'], /"b" is too much/],
  [['explain', 'ROBOTS_DENIE'], /did you mean sluice explain ROBOTS_DENIED/],
  [['fetch', 'missing.txt'], /INPUT_UNREADABLE.*missing\.txt/],
  [['fetch', 'x'], /there is no setting SLUICE_DELA[\s\S]*did you mean SLUICE_DELAY/, { SLUICE_DELA: '1s' }],
  [['fetch', 'x'], /--delay: "soon".*\(SLUICE_DELAY\)/, { SLUICE_DELAY: 'soon' }],
  [['fetch', '--fail-if', 'faild > 1%', 'x'], /did you mean failed/],
  [['status'], /there is no job in this directory/],
  [['run'], /no sluice\.config\.ts/],
  [['why'], /why needs a URL or a host/],
]

for (const [args, message, env = {}] of usage) {
  const name = [...Object.entries(env).map(([key, value]) => `${key}=${value}`), 'sluice', ...args].join(' ')
  test(`"${name}" is refused with the next step, exit 2, nothing on stdout`, () =>
    inFolder(async (cwd) => {
      const { code, stdout, stderr } = await runCli(args, { cwd, env })
      assert.match(stderr, message)
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.equal(stderr.includes('\u001b'), false)
    }))
}

test('an unknown key of a config file is refused with the nearest one and the file', () =>
  inFolder(async (cwd) => {
    writeFileSync(join(cwd, 'sluice.config.json'), JSON.stringify({ seeds: ['http://127.0.0.1:9/'], perhost: 2 }))
    const { code, stderr } = await runCli(['run'], { cwd })
    assert.equal(code, 2)
    assert.match(stderr, /no option perhost \(sluice\.config\.json\)[\s\S]*did you mean perHost/)
  }))

test('an error speaks the language of the environment, its code does not', () =>
  inFolder(async (cwd) => {
    const { stderr } = await runCli(['ftch'], { cwd, env: { LC_ALL: 'pt_BR.UTF-8' } })
    assert.match(stderr, /^error OPTION_UNKNOWN: Não existe/)
  }))

test('explain tells what a code means and what happens to the URL', () =>
  inFolder(async (cwd) => {
    const { code, stdout } = await runCli(['explain', 'dns_not_found'], { cwd })
    assert.equal(code, 0)
    assert.match(
      stdout,
      /^DNS_NOT_FOUND: The host name does not exist\.\n.*\n.*ends as failed\.\n  At most 2 attempts\.\n/,
    )
  }))

test('FORCE_COLOR colours errors, NO_COLOR wins over it', () =>
  inFolder(async (cwd) => {
    assert.match((await runCli(['ftch'], { cwd, env: { FORCE_COLOR: '1' } })).stderr, /\u001b\[31m/)
    assert.doesNotMatch((await runCli(['ftch'], { cwd, env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).stderr, /\u001b/)
  }))

test('the launcher is parsed by a Node that knows no module syntax', () => {
  // The function constructor parses sloppy scripts, as an old Node does; what came after ES5 is looked for by name.
  const text = readFileSync(BIN, 'utf8').replace(/^#!.*/, '')
  assert.doesNotThrow(() => new Function('require', 'module', '__dirname', '__filename', text))
  assert.doesNotMatch(
    text,
    /=>|\b(const|let|class|async|await)\s|`[^`\n]*\$\{|\bimport\s*\(|^\s*import\s|^\s*export\s|\?\?|\?\./m,
  )
})

test('an old Node outside a clone gets a clear message, not a syntax error', () =>
  inFolder(async (cwd) => {
    const fake = join(cwd, 'old.cjs')
    // Pretends to be Node 18 before the launcher looks, in a folder that holds no sources.
    writeFileSync(fake, "Object.defineProperty(process.versions, 'node', { value: '18.20.0' })\n")
    writeFileSync(join(cwd, 'package.json'), JSON.stringify({ version: '9.9.9' }))
    const bin = join(cwd, 'bin', 'sluice.cjs')
    const { mkdirSync } = await import('node:fs')
    mkdirSync(join(cwd, 'bin'))
    writeFileSync(bin, readFileSync(BIN))
    const old = spawnSync(process.execPath, ['--require', fake, bin, 'fetch', 'x'], { encoding: 'utf8' })
    assert.equal(old.status, 2)
    assert.match(old.stderr, /^Sluice needs Node\.js 22\.19 or newer/)
    const asked = spawnSync(process.execPath, ['--require', fake, bin, '--version'], { encoding: 'utf8' })
    assert.equal(asked.stdout, '9.9.9\n')
  }))

test('a job file may import the package wherever it lies, without installing it', () =>
  inFolder(async (cwd) => {
    writeFileSync(
      join(cwd, 'job.mjs'),
      "import { defineConfig } from 'sluice'\nexport default defineConfig({ seeds: ['http://127.0.0.1:9/'], perhost: 2 })\n",
    )
    const { stderr } = await runCli(['run', 'job.mjs'], { cwd })
    assert.match(stderr, /no option perhost \(job\.mjs\)/)
  }))

test('a clone starts from dist only while dist is what its sources are', () =>
  inFolder((root) => {
    const { isBuilt, writeMark } = createRequire(import.meta.url)('../../bin/built.js') as {
      isBuilt(root: string): boolean
      writeMark(root: string): void
    }
    for (const folder of ['dist', 'scripts', 'src/cli']) mkdirSync(join(root, folder), { recursive: true })
    for (const file of ['package.json', 'scripts/build.mjs', 'src/index.ts', 'src/cli/main.ts'])
      writeFileSync(join(root, file), 'a')
    assert.equal(isBuilt(root), false, 'never built')
    writeMark(root)
    assert.equal(isBuilt(root), true)
    const changes: [string, () => void][] = [
      ['a source was edited', () => writeFileSync(join(root, 'src/cli/main.ts'), 'edited')],
      ['a source has a new time', () => utimesSync(join(root, 'src/index.ts'), 2e9, 2e9)],
      ['a source was added', () => writeFileSync(join(root, 'src/cli/more.ts'), '')],
      ['a source was removed', () => rmSync(join(root, 'src/cli/more.ts'))],
      ['the package changed', () => writeFileSync(join(root, 'package.json'), 'ab')],
    ]
    for (const [what, change] of changes) {
      writeMark(root)
      change()
      assert.equal(isBuilt(root), false, what)
    }
    return Promise.resolve()
  }))
