/**
 * Keeps the documents true: the reference equals what the tables make, the code blocks of README.md and docs/guide run or
 * at least compile, and command lines in them use flags that exist.
 *
 * A comment right before a fenced block says what is done with it:
 * - `<!-- run -->`: `sh` runs in an empty folder against a small local site, which the text calls `http://localhost:8080`;
 *   `npx sluice` is this clone; it must exit 0. `ts` is type-checked, then run the same way.
 * - `<!-- check -->`: `ts` is type-checked only (it speaks of hosts that are not here). Every `ts` block needs one of the two.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { reference } from '../scripts/gen-reference.ts'
import { COMMANDS, ownFlagOf } from '../src/cli/command-table.ts'
import { EXITS } from '../src/cli/exit-codes.ts'
import { CODES } from '../src/model/errors.ts'
import { flagOf, OPTION_NAMES, optionRow } from '../src/model/options.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
/** What the documents call the local site. */
const SITE = 'http://localhost:8080'
const PAGES: Readonly<Record<string, string>> = {
  '/': '<title>Start</title><a href="/a.html">a</a> <a href="/b.html">b</a>',
  '/a.html': '<title>Page a</title><a href="/">start</a>',
  '/b.html': '<title>Page b</title><a href="/a.html">a</a> <a href="/gone.html">gone</a>',
}

interface Block {
  readonly file: string
  readonly line: number
  readonly language: string
  readonly mark: 'run' | 'check' | undefined
  readonly text: string
}

const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs', 'guide'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/guide/${name}`),
]
const blocks = documents.flatMap((file) => blocksOf(file, readFileSync(join(root, file), 'utf8')))

let site: Server
let address = ''
let folder = ''

before(async () => {
  site = createServer((request, response) => {
    const body = PAGES[request.url ?? '']
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'text/html; charset=utf-8' }).end(body)
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  const bound = site.address()
  assert.ok(bound !== null && typeof bound === 'object')
  address = `http://127.0.0.1:${bound.port}`
  folder = await mkdtemp(join(tmpdir(), 'sluice-docs-'))
  await mkdir(join(folder, 'bin'))
  const shim = `#!/bin/sh\n[ "$1" = sluice ] && shift\nexec "${process.execPath}" "${join(root, 'bin', 'sluice.js')}" "$@"\n`
  for (const name of ['npx', 'sluice']) await writeFile(join(folder, 'bin', name), shim, { mode: 0o755 })
  await mkdir(join(folder, 'node_modules'))
  await symlink(root, join(folder, 'node_modules', 'sluice'), 'dir')
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n')
})

after(async () => {
  site.closeAllConnections()
  site.close()
  await rm(folder, { recursive: true, force: true })
})

test('the reference on disk is what the tables make', () => {
  for (const [name, text] of reference()) {
    const path = join(root, 'docs', 'reference', name)
    assert.ok(existsSync(path) && readFileSync(path, 'utf8') === text, `${name} is old: node scripts/run.mjs reference`)
  }
  const known = new Set(reference().keys())
  assert.deepEqual(
    readdirSync(join(root, 'docs', 'reference')).filter((name) => !known.has(name)),
    [],
  )
})

test('every option, error code and exit code has its place in the reference', () => {
  const texts = reference()
  const holds = (page: string, part: string): boolean => texts.get(page)?.includes(part) === true
  assert.deepEqual(
    OPTION_NAMES.filter((name) => !holds('options.md', `<a id="${name}"></a>`)),
    [],
  )
  assert.deepEqual(
    Object.keys(CODES).filter((code) => !holds('errors.md', `<a id="${code}"></a>`)),
    [],
  )
  assert.deepEqual(
    Object.values(EXITS).filter(({ code }) => !holds('exit-codes.md', `| ${code} |`)),
    [],
  )
})

test('every command and every flag of its own has its place in the reference', () => {
  const text = reference().get('commands.md') ?? ''
  for (const { name, flags } of COMMANDS) {
    const section = text.split(`## <a id="${name}"></a>`)[1]?.split('\n## ')[0]
    assert.ok(section !== undefined, name)
    for (const flag of flags) assert.ok(section.includes(`\`${ownFlagOf(flag.name)}`), `${name} ${flag.name}`)
  }
})

test('command lines in the documents use commands and flags that exist', () => {
  const known = new Set(['--help', '--version', '--json'])
  for (const name of OPTION_NAMES) {
    known.add(flagOf(name))
    if (optionRow(name).kind === 'boolean') known.add(flagOf(name).replace('--', '--no-'))
  }
  for (const { flags } of COMMANDS) for (const { name } of flags) known.add(ownFlagOf(name))
  const commands = new Set<string>(COMMANDS.map(({ name }) => name))
  const wrong: string[] = []
  for (const { file, line, language, text } of blocks) {
    if (language !== 'sh' && language !== 'text') continue
    const lines = text.replaceAll('\\\n', ' ').replaceAll(/;|&&|\|/g, '\n')
    for (const [, words = ''] of lines.matchAll(/^[ $]*(?:npx )?sluice ([^#\n]+)/gm)) {
      const first = words.split(/\s/)[0] ?? ''
      if (!first.startsWith('-') && !commands.has(first)) wrong.push(`${file}:${line}: sluice ${first}`)
      for (const [flag] of words.matchAll(/(?<=\s|^)--[a-z][a-z-]*/g)) {
        if (!known.has(flag)) wrong.push(`${file}:${line}: ${flag}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

test('npm scripts that the documents name exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const texts = [...documents, 'CONTRIBUTING.md', 'ARCHITECTURE.md'].map((file) =>
    readFileSync(join(root, file), 'utf8'),
  )
  const named = texts.flatMap((text) => [...text.matchAll(/\bnpm run ([a-z:]+)/g)].map((match) => match[1] ?? ''))
  assert.deepEqual(
    named.filter((name) => scripts[name] === undefined),
    [],
  )
})

test('links between the documents lead to files that exist', () => {
  const broken: string[] = []
  for (const file of [...documents, 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'bench/README.md']) {
    const text = readFileSync(join(root, file), 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '')
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)) {
      if (!/^[a-z]+:/.test(target) && !existsSync(join(root, dirname(file), target))) broken.push(`${file}: ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})

test('TypeScript blocks of the documents compile against the public interface', async () => {
  const scripts = blocks.filter(({ language }) => language === 'ts')
  assert.deepEqual(
    scripts
      .filter(({ mark }) => mark === undefined)
      .map(({ file, line }) => `${file}:${line} needs <!-- run --> or <!-- check -->`),
    [],
  )
  if (scripts.length === 0) return
  for (const block of scripts) await writeFile(join(folder, nameOf(block)), `${block.text}\nexport {}\n`)
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noUnusedLocals: false,
        noUnusedParameters: false,
        typeRoots: [join(root, 'node_modules', '@types')],
        // As in a project that has installed what an example needs.
        paths: { zod: [join(root, 'node_modules', 'zod', 'index.d.ts')] },
      },
      include: ['*.ts', join(root, 'src', '**', '*.d.ts')],
    }),
  )
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { output } = await run(process.execPath, [compiler, '-p', folder], folder)
  // What is wrong in the sources themselves is said by the step `types`.
  assert.deepEqual(
    output.split('\n').filter((line) => /^[^\s.].*\berror TS/.test(line)),
    [],
  )
})

for (const block of blocks.filter(({ mark }) => mark === 'run')) {
  test(`the ${block.language} block at ${block.file}:${block.line} runs`, async () => {
    const place = await mkdtemp(join(folder, 'run-'))
    const text = block.text.replaceAll(SITE, address)
    await writeFile(join(place, 'urls.txt'), `${address}/\n${address}/a.html\n${address}/b.html\n`)
    const { code, output } =
      block.language === 'sh'
        ? await run('bash', ['-euo', 'pipefail', '-c', text], place)
        : await writeFile(join(place, 'block.ts'), text).then(() =>
            run(process.execPath, ['--conditions=sluice-source', 'block.ts'], place),
          )
    assert.equal(code, 0, output)
  })
}

/** Fenced blocks with the mark on the last line before them that is not empty. */
function blocksOf(file: string, text: string): Block[] {
  const found: Block[] = []
  let open: { line: number; language: string; mark: Block['mark']; text: string[] } | undefined
  let last = ''
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('```')) {
      if (open === undefined) {
        const mark = /^<!-- (run|check) -->$/.exec(last)?.[1] as Block['mark']
        open = { line: index + 1, language: line.slice(3).trim(), mark, text: [] }
      } else {
        found.push({ ...open, file, text: open.text.join('\n') })
        open = undefined
        last = ''
      }
    } else if (open !== undefined) {
      open.text.push(line)
    } else if (line.trim() !== '') {
      last = line.trim()
    }
  }
  assert.equal(open, undefined, `${file} ends inside a code block`)
  return found
}

function nameOf({ file, line }: Block): string {
  return `${file.replaceAll(/[^a-z]+/gi, '-')}-${line}.ts`
}

async function run(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` }
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
