/**
 * Writes docs/reference from the tables of the sources and the English catalogue: `node scripts/run.mjs reference`.
 * `test/docs.test.ts` fails where a file on disk differs from what this makes, so the reference cannot lag behind.
 * Nothing in docs/reference is written by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COMMANDS, optionsOf, ownFlagOf, sentenceOf } from '../src/cli/command-table.ts'
import type { CommandRow } from '../src/cli/command-table.ts'
import { EXITS } from '../src/cli/exit-codes.ts'
import english from '../src/locales/en.json' with { type: 'json' }
import { CODES, codeRow } from '../src/model/errors.ts'
import type { ErrorCode } from '../src/model/errors.ts'
import { envOf, flagOf, OPTION_NAMES, optionRow } from '../src/model/options.ts'
import type { OptionName } from '../src/model/options.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const messages: Readonly<Record<string, string>> = english
const MADE = '<!-- Made by scripts/gen-reference.ts from the tables of the sources. Do not edit. -->'

const DISPOSITIONS = {
  done: 'final at once; the answer is kept',
  retry: 'tried again while attempts are left, then final',
  drop: 'final at once; no answer is kept',
  halt: 'the job stops with its state intact',
  throw: 'nothing is fetched until the command or the configuration is mended',
  item: 'costs an item; the URL keeps its own outcome',
  discard: 'a late result of ours is thrown away; nothing is lost',
} as const

/** The whole reference: path below docs/reference → text. */
export function reference(): ReadonlyMap<string, string> {
  return new Map([
    ['README.md', overview()],
    ['commands.md', commands()],
    ['options.md', options()],
    ['errors.md', errors()],
    ['exit-codes.md', exitCodes()],
    ['events.md', events()],
    ['record.md', record()],
  ])
}

function overview(): string {
  return page('Reference', [
    'Everything here is made from the tables that the program itself runs on.',
    [
      '- [Commands](commands.md): what each takes, with the flags that are its own',
      '- [Options](options.md): flags, environment variables, keys of the library and of config files',
      '- [Page record](record.md): the fields of one outcome, in NDJSON, CSV, SQLite and `request.settled`',
      '- [Errors](errors.md): every code, what it means for a URL or a job, what to do',
      '- [Exit codes](exit-codes.md)',
      '- [Events](events.md): what `--json` prints and `job.events()` yields',
    ].join('\n'),
    '## Commands',
    table(
      ['command', 'what it does'],
      COMMANDS.map(({ name, takes }) => [`\`sluice ${`${name} ${takes}`.trim()}\``, sentence(`command.${name}`)]),
    ),
    'Durations are written `500ms`, `1s`, `2m`, `1h`, `1d` (a bare number is seconds; in the library, milliseconds); sizes ' +
      '`64MB`, `1.5GB` (powers of 1024); rates `5/s`, `300/m`.',
  ])
}

function commands(): string {
  const sections = COMMANDS.map((row) => {
    const { name, takes, flags } = row
    const own = flags.map((flag) => [
      `\`${`${ownFlagOf(flag.name)} ${flag.value ?? ''}`.trim()}\``,
      capital(sentence(`flag.${sentenceOf(flag)}`)),
    ])
    return [
      `## ${anchor(name)}\`sluice ${`${name} ${takes}`.trim()}\``,
      `${capital(sentence(`command.${name}`))}.`,
      ...(own.length === 0 ? [] : [table(['flag', 'meaning'], own)]),
      optionsTaken(row),
    ].join('\n\n')
  })
  return page('Commands', [
    'Flags that only one command knows are here; those that are options of a job, or of one request, are under ' +
      '[options](options.md). `sluice help COMMAND` prints the same.',
    'With `--json` a command that ends with an error prints one more line on standard output, whatever it prints otherwise: ' +
      '`{"v":1,"type":"error","code":…,"message":…,"hint":…,"exit":2}`. Sentences on standard error are the same as without.',
    ...sections,
  ])
}

function optionsTaken(row: CommandRow): string {
  if (typeof row.options === 'string') return `Options: all of \`${row.options}\`, see [options](options.md).`
  return `Options: ${optionsOf(row)
    .map((name) => `[\`${flagOf(name)}\`](options.md#${name})`)
    .join(' ')}`
}

function options(): string {
  const flags = OPTION_NAMES.filter((name) => !isLibraryOnly(name))
  const sections = flags.map((name) => {
    const row = optionRow(name)
    const facts = [['library, config file', row.flagOnly === true ? '-' : `\`${name}\``]]
    if (row.flagOnly !== true) facts.push(['environment', `\`${envOf(name)}\``])
    facts.push(['kind', kindOf(name)], ['default', defaultOf(name)])
    if (row.choices !== undefined) facts.push(['values', row.choices.map((choice) => `\`${choice}\``).join(' ')])
    if (row.bare !== undefined) facts.push(['without a value', `\`${row.bare}\``])
    const range = rangeOf(name)
    if (range !== '') facts.push(['range', range])
    facts.push(['commands', (row.commands ?? ['fetch', 'crawl', 'run']).map((word) => `\`${word}\``).join(' ')])
    return [
      `## ${anchor(name)}\`${usage(name)}\``,
      `${capital(sentence(`option.${name}`))}.`,
      table(['', ''], facts),
    ].join('\n\n')
  })
  const own = OPTION_NAMES.filter(isLibraryOnly)
  return page('Options', [
    'A value comes from the first of: flag, environment variable, config file, the stored job (`resume`), default. An unknown ' +
      'option is an error that names the nearest one. Options marked `-` are about one invocation and are not kept.',
    ...sections,
    '## Only in the library and in config files',
    table(
      ['key', 'kind', 'meaning'],
      own.map((name) => [`${anchor(name)}\`${name}\``, kindOf(name), LIBRARY_ONLY[name] ?? sentence(`option.${name}`)]),
    ),
  ])
}

/** Options without a flag have no sentence in the catalogues. */
const LIBRARY_ONLY: Partial<Record<OptionName, string>> = {
  seeds: 'start pages of a crawl: texts or `URL` objects',
  lists: 'inputs of a fetch: files, URLs, ranges, `-`, iterables and async iterables',
  avoid: '`ADDRESS:PORT` that nothing connects to, whatever name leads there; `*:PORT` is that port of this machine',
  hosts: 'settings of single hosts by pattern: `delay`, `perHost`, `hostLimit`, `retries`, `robots`, `headers`',
  handlers: 'lifecycle hooks by name; `*` is for requests that no other is for',
  policy: 'the three decisions admit, pace, next; default `polite()`',
  keyOf: 'pure function of the URL: the politeness bucket it belongs to',
  groupsOf: 'pure function of the URL: further buckets that gate it',
  signal: '`AbortSignal`: stops the job, state saved',
  clock: 'the clock to run on; for tests',
}

function errors(): string {
  const codes = Object.keys(CODES) as ErrorCode[]
  const sections = codes.map((code) => {
    const { outcome, disposition, maxAttempts } = codeRow(code)
    const exit = codeRow(code).exit
    const facts = [
      ['outcome', outcome === null ? '-' : `\`${outcome}\``],
      ['what happens', `${disposition}: ${DISPOSITIONS[disposition]}`],
    ]
    if (maxAttempts !== undefined) facts.push(['attempts', `at most ${maxAttempts}`])
    if (exit !== undefined) facts.push(['exit code', `[${exit}](exit-codes.md)`])
    const hint = messages[`error.${code}.hint`]
    return [
      `## ${anchor(code)}\`${code}\``,
      sentence(`error.${code}`),
      ...(hint === undefined ? [] : [`What to do: ${hint}.`]),
      table(['', ''], facts),
    ].join('\n\n')
  })
  return page('Errors', [
    'Trouble with one URL is an outcome in its record and never ends the job; a bad option is thrown before anything is ' +
      'fetched; trouble with us halts the job with its state intact. Codes are stable and never translated. `sluice explain ' +
      'CODE` prints the same.',
    ...sections,
  ])
}

function exitCodes(): string {
  const codes = Object.keys(CODES) as ErrorCode[]
  return page('Exit codes', [
    'Worst first where several apply: a run that stopped early never exits 0. The same command continues whatever is resumable.',
    'Without `--fail-if` a run ends with 3 where: `fetch`: a listed URL `failed`, other than in an extractor or a hook; `crawl`: ' +
      'a start page `failed`, or nothing was `ok`. `gone` and `denied` pages do not fail a run unless you say so.',
    table(
      ['code', 'meaning', 'resumable', 'error codes that end so'],
      Object.values(EXITS).map(({ code, meaning, resumable }) => [
        String(code),
        meaning,
        resumable,
        codes
          .filter((name) => codeRow(name).exit === code)
          .map((name) => `[\`${name}\`](errors.md#${name})`)
          .join(' ') || '-',
      ]),
    ),
  ])
}

function events(): string {
  const text = source('model/event.ts')
  const durable = members(text, 'DurableEvents')
  const own = members(text, 'BusEvents')
  const rows = (list: readonly Member[]): string[][] =>
    list.map(({ name, type }) => [`${anchor(name)}\`${name}\``, eventFields(type)])
  return page('Events', [
    '`--json` prints one line for each settled URL (`request.settled`), `--json=all` every event; `job.events()` yields them. ' +
      'Fields of every line: `v` (version of this schema: 1), `type`, `t` (ISO 8601), `job`, and for durable events `id`.',
    '`id` of events and `seq` of records come from one counter: strictly increasing over the life of the job, without doubles. ' +
      'Durable events are committed with the settlement they belong to and can be read again: `--after ID`.',
    '## Durable',
    table(['type', 'fields'], [...rows(own.filter(({ name }) => name === 'request.settled')), ...rows(durable)]),
    '## While it runs',
    'Not stored; a slow reader loses some of them, never a durable one.',
    table(['type', 'fields'], rows(own.filter(({ name }) => name !== 'request.settled'))),
  ])
}

function record(): string {
  return page('Page record', [
    'One for every settlement, the same in NDJSON, CSV, SQLite, the ledger and `request.settled`. Fields that do not apply are ' +
      'absent, never null.',
    table(
      ['field', 'type', 'always', 'meaning'],
      members(source('model/record.ts'), 'PageRecord').map(({ name, type, isOptional, doc }) => [
        `${anchor(name)}\`${name}\``,
        `\`${type}\``,
        isOptional ? '' : 'yes',
        doc.replace(/\.$/, ''),
      ]),
    ),
  ])
}

interface Member {
  readonly name: string
  readonly type: string
  readonly isOptional: boolean
  readonly doc: string
}

/** Members of an interface as written in its source, one a line: types leave no table behind at run time. */
function members(text: string, interfaceName: string): Member[] {
  const body = new RegExp(`interface ${interfaceName}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(text)?.[1]
  if (body === undefined) throw new Error(`interface ${interfaceName} was not found`)
  const found: Member[] = []
  let doc = ''
  for (const line of body.split('\n')) {
    const comment = /^ {2}\/\*\* (.*) \*\/$/.exec(line)
    if (comment !== null) doc = comment[1] ?? ''
    const member = /^ {2}(?:readonly )?'?([\w.]+)'?(\??): (.+)$/.exec(line)
    if (member === null) continue
    found.push({ name: member[1] ?? '', isOptional: member[2] === '?', type: plainType(member[3] ?? ''), doc })
    doc = ''
  }
  if (found.length === 0) throw new Error(`interface ${interfaceName} has no members`)
  return found
}

function plainType(type: string): string {
  return type
    .replaceAll('readonly ', '')
    .replace(/^Readonly<(.*)>$/, '$1')
    .replace('ErrorCode', 'code')
    .replace('OutcomeWord', 'outcome')
}

function eventFields(type: string): string {
  if (type === 'PageRecord') return 'those of the [page record](record.md)'
  if (type === 'ItemRejected') {
    return members(source('model/event.ts'), type)
      .map((member) => `\`${member.name}: ${member.type}\``)
      .join(' ')
  }
  if (type.startsWith('Record<')) return 'counts and rates of the moment'
  return type
    .replace(/^\{ (.*) \}$/, '$1')
    .split('; ')
    .map((field) => `\`${field}\``)
    .join(' ')
}

function source(path: string): string {
  return readFileSync(join(root, 'src', path), 'utf8')
}

/** `-c, --concurrency N`; a switch that is on by default is given as its opposite. */
function usage(name: OptionName): string {
  const row = optionRow(name)
  const flag = flagOf(name)
  if (row.kind === 'boolean') return row.default === true ? flag.replace('--', '--no-') : short(name) + flag
  if (row.bare !== undefined) return short(name) + flag + (row.value ?? '')
  return `${short(name)}${flag} ${row.value ?? 'VALUE'}`
}

function short(name: OptionName): string {
  const letter = optionRow(name).short
  return letter === undefined ? '' : `-${letter}, `
}

function kindOf(name: OptionName): string {
  const { kind } = optionRow(name)
  return (
    { strings: 'text, repeatable', string: 'text', boolean: 'switch', choice: 'word', any: 'value' }[kind as string] ??
    kind
  )
}

function defaultOf(name: OptionName): string {
  const row = optionRow(name)
  const value: unknown = row.default
  if (value === undefined) return 'none'
  if (Array.isArray(value)) return value.map((item) => `\`${String(item)}\``).join(' ')
  if (row.kind === 'boolean') return `\`${String(value)}\``
  if (typeof value === 'number') return `\`${amount(value, row.kind)}\``
  return `\`${String(value)}\``
}

function rangeOf(name: OptionName): string {
  const { min, max, kind } = optionRow(name)
  if (min !== undefined && max !== undefined) return `${amount(min, kind)} to ${amount(max, kind)}`
  if (min !== undefined && min > 0) return `from ${amount(min, kind)}`
  return max === undefined ? '' : `up to ${amount(max, kind)}`
}

function amount(value: number, kind: string): string {
  if (kind === 'duration') return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`
  if (kind === 'size') return value % 2 ** 20 === 0 && value > 0 ? `${value / 2 ** 20}MB` : String(value)
  return String(value)
}

function isLibraryOnly(name: OptionName): boolean {
  return optionRow(name).libraryOnly === true
}

function sentence(key: string): string {
  const text = messages[key]
  if (text === undefined) throw new Error(`src/locales/en.json has no ${key}`)
  return text
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Links name codes and options as they are written, not as a renderer makes an id of a heading. */
function anchor(id: string): string {
  return `<a id="${id}"></a>`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll(/(?<!\\)\|/g, '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function page(title: string, parts: readonly string[]): string {
  return `${[MADE, `# ${title}`, ...parts].join('\n\n')}\n`
}

if (import.meta.main) {
  for (const [name, text] of reference()) writeFileSync(join(root, 'docs', 'reference', name), text)
}
