/** `--help`, made from the options table, the command table and the catalogue. */
import { cellsOf } from './width.ts'
import type { Catalog, MessageKey } from '../../locales/catalog.ts'
import { OPTION_NAMES, flagOf, optionRow } from '../../model/options.ts'
import type { OptionName } from '../../model/options.ts'
import { COMMANDS, optionsOf, ownFlagOf, sentenceOf } from '../command-table.ts'
import type { CommandRow } from '../command-table.ts'
import { padEnd, shortBytes, shortDuration } from './format.ts'

export interface HelpOptions {
  readonly catalog: Catalog
  readonly columns: number
  readonly version: string
  /** Every flag, not only those of the first screen. */
  readonly all: boolean
}

/** Without a command: the commands, and the flags of those that run a job. */
export function renderHelp(row: CommandRow | undefined, options: HelpOptions): string[] {
  return row === undefined ? overview(options) : commandHelp(row, options)
}

function overview(options: HelpOptions): string[] {
  const { catalog, columns, version, all } = options
  const { t } = catalog
  const commands = COMMANDS.map(({ name, takes }) => [`  ${name} ${takes}`, t(`command.${name}`)] as const)
  const flags = OPTION_NAMES.filter(
    (name) => optionRow(name).libraryOnly !== true && (all || optionRow(name).main === true),
  )
  return [
    `sluice ${version} - ${t('help.title')}`,
    '',
    `${t('help.usage')} sluice COMMAND [FLAGS]`,
    '',
    t('help.commands'),
    ...twoColumns(commands, columns),
    '',
    t('help.flags'),
    ...twoColumns(
      flags.map((name) => optionHelp(name, catalog)),
      columns,
    ),
    ...(all ? [] : ['', t('help.more', { command: 'sluice --help all' })]),
  ]
}

function commandHelp(row: CommandRow, { catalog, columns, all }: HelpOptions): string[] {
  const { t } = catalog
  const jobCommand = typeof row.options === 'string'
  const names = optionsOf(row).filter((name) => all || !jobCommand || optionRow(name).main === true)
  const flags = [
    ...row.flags.map(
      (flag) =>
        [
          `      ${ownFlagOf(flag.name)}${flag.value === undefined ? '' : ` ${flag.value}`}`,
          t(`flag.${sentenceOf(flag)}`),
        ] as const,
    ),
    ...names.map((name) => optionHelp(name, catalog)),
  ]
  return [
    `${t('help.usage')} sluice ${row.name} ${row.takes} [FLAGS]`,
    '',
    ...wrap(t(`command.${row.name}`), columns),
    '',
    t('help.flagsOf'),
    ...twoColumns(flags, columns),
    ...(all || !jobCommand ? [] : ['', t('help.more', { command: `sluice help ${row.name} all` })]),
  ]
}

function optionHelp(name: OptionName, { t }: Catalog): readonly [string, string] {
  const row = optionRow(name)
  const short = row.short === undefined ? '    ' : `-${row.short}, `
  const long = row.kind === 'boolean' && row.default === true ? `--no-${flagOf(name).slice(2)}` : flagOf(name)
  const value =
    row.kind === 'choice' && row.bare === undefined
      ? ` ${row.choices!.join('|')}`
      : (row.value ?? '') === ''
        ? ''
        : bareOrSpaced(row.value!)
  const standard = defaultText(name)
  const text = t(`option.${name}` as MessageKey)
  return [`  ${short}${long}${value}`, standard === undefined ? text : `${text} (${standard})`]
}

/** A value that may be left out is shown attached to its flag: `--json[=all]`. */
function bareOrSpaced(value: string): string {
  return value.startsWith('[') ? value : ` ${value}`
}

/** The default as a person would type it; nothing for switches. */
function defaultText(name: OptionName): string | undefined {
  const { kind, default: value } = optionRow(name)
  if (value === undefined || kind === 'boolean') return undefined
  if (kind === 'duration')
    return shortDuration(value as number)
      .replace('.0', '')
      .replace(' ', '')
  if (kind === 'size')
    return shortBytes(value as number)
      .replace('.0', '')
      .replace(' ', '')
  return Array.isArray(value) ? value.join(',') : String(value)
}

const WIDEST_LEFT = 30

/** Flag and sentence side by side; a sentence that is too long goes on below itself. */
function twoColumns(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const left = Math.min(WIDEST_LEFT, Math.max(...rows.map(([flag]) => cellsOf(flag)))) + 2
  const width = Math.max(20, columns - left - 1)
  return rows.flatMap(([flag, text]) => {
    const lines = wrap(text, width)
    const indent = ' '.repeat(left)
    if (cellsOf(flag) + 2 > left) return [flag, ...lines.map((line) => indent + line)]
    return lines.map((line, i) => (i === 0 ? padEnd(flag, left) : indent) + line)
  })
}

/** Breaks at blanks; where a language writes none, between characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((part) => pieces(part, width))) {
    const glue = line === '' || word.glued ? '' : ' '
    if (line !== '' && cellsOf(line + glue + word.text) > width) {
      lines.push(line)
      line = word.text
    } else line += glue + word.text
  }
  return [...lines, line]
}

function pieces(word: string, width: number): { text: string; glued: boolean }[] {
  const ideographs = /[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]/
  if (cellsOf(word) <= width && !ideographs.test(word)) return [{ text: word, glued: false }]
  return [
    ...word.matchAll(/[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]|[^\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+/g),
  ].map(([text], i) => ({
    text,
    glued: i > 0,
  }))
}
