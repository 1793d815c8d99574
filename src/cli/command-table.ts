/**
 * The commands, in the order of `--help`: what stands behind each name, which options of the one table it takes, its own
 * flags, and the file that runs it, loaded only when it is called. Sentences are in the catalogues: `command.<name>` and
 * `flag.<name>`.
 */
import { OPTION_NAMES, optionRow } from '../model/options.ts'
import type { OptionName } from '../model/options.ts'
import type { CommandModule } from './command.ts'
import type { CommandName, FlagSentence, OwnFlagName } from './command-names.ts'

/** A flag of one command that is no option of a job. */
export interface OwnFlag {
  readonly name: OwnFlagName
  /** What stands behind the flag; absent: a switch. */
  readonly value?: string
  /** Its sentence in the catalogues is `flag.<that>`. Default: its name. */
  readonly says?: FlagSentence
}

export interface CommandRow {
  readonly name: CommandName
  /** Positional arguments as shown in the usage line. */
  readonly takes: string
  /** Most positional arguments it accepts. */
  readonly most: number
  /** Whose job options it takes: those of a command of the table, or only the named ones. */
  readonly options: 'fetch' | 'crawl' | 'run' | readonly OptionName[]
  readonly flags: readonly OwnFlag[]
  load(): Promise<CommandModule>
}

const YES: OwnFlag = { name: 'yes' }

/** What matters to one request and to the extractors that its page goes through. */
const ONE_PAGE: readonly OptionName[] = [
  ...(['contact', 'extract', 'extractTimeout', 'workerMemory', 'robots', 'reason', 'timeout', 'maxSize'] as const),
  ...([
    'header',
    'userAgent',
    'proxy',
    'proxyOrder',
    'http2',
    'session',
    'cookies',
    'resolve',
    'dns',
    'private',
    'lang',
  ] as const),
]

export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'fetch',
    takes: 'LIST…',
    most: Infinity,
    options: 'fetch',
    flags: [],
    load: () => import('./commands/fetch.ts'),
  },
  {
    name: 'crawl',
    takes: 'URL…',
    most: Infinity,
    options: 'crawl',
    flags: [],
    load: () => import('./commands/crawl.ts'),
  },
  {
    name: 'tail',
    takes: 'FILE|URL',
    most: 1,
    options: [
      ...[
        'out',
        'as',
        'parse',
        'last',
        'serve',
        'serveTcp',
        'view',
        'cursor',
        'stall',
        'job',
        'contact',
        'delay',
        'limit',
        'maxTime',
      ],
      ...[
        'timeout',
        'retries',
        'maxSize',
        'failIf',
        'robots',
        'reason',
        'header',
        'userAgent',
        'proxy',
        'http2',
        'proxyOrder',
        'resolve',
        'dns',
      ],
      ...['private', 'durability', 'unsafeLock', 'fresh', 'json', 'after', 'progress', 'quiet', 'verbose', 'lang'],
    ] as readonly OptionName[],
    flags: [],
    load: () => import('./commands/tail.ts'),
  },
  { name: 'run', takes: '[FILE]', most: 1, options: 'run', flags: [], load: () => import('./commands/run.ts') },
  { name: 'resume', takes: '[JOB]', most: 1, options: 'run', flags: [], load: () => import('./commands/resume.ts') },
  {
    name: 'stop',
    takes: '[JOB]',
    most: 1,
    options: ['job', 'lang'],
    flags: [],
    load: () => import('./commands/stop.ts'),
  },
  {
    name: 'pause',
    takes: '[JOB]',
    most: 1,
    options: ['job', 'lang'],
    flags: [],
    load: () => import('./commands/pause.ts'),
  },
  {
    name: 'set',
    takes: '[JOB] [HOST] NAME=VALUE…',
    most: Infinity,
    options: ['job', 'lang'],
    flags: [],
    load: () => import('./commands/set.ts'),
  },
  {
    name: 'block',
    takes: '[JOB] HOST…',
    most: Infinity,
    options: ['job', 'lang'],
    flags: [],
    load: () => import('./commands/block.ts'),
  },
  {
    name: 'add',
    takes: '[JOB] URL…|-',
    most: Infinity,
    options: ['job', 'lang'],
    flags: [{ name: 'dryRun' }],
    load: () => import('./commands/add.ts'),
  },
  {
    name: 'report',
    takes: '[JOB]',
    most: 1,
    options: ['job', 'out', 'lang'],
    flags: [],
    load: () => import('./commands/report.ts'),
  },
  {
    name: 'ui',
    takes: '[JOB]',
    most: 1,
    options: ['job', 'lang'],
    flags: [{ name: 'port', value: 'N' }, { name: 'readOnly' }],
    load: () => import('./commands/ui.ts'),
  },
  {
    name: 'serve',
    takes: '',
    most: 0,
    options: [
      ...(['contact', 'out', 'private', 'delay', 'maxDisk', 'userAgent', 'proxy', 'resolve', 'dns'] as const),
      ...(['geo', 'durability', 'unsafeLock', 'lang'] as const),
    ],
    flags: [
      { name: 'dir', value: 'FOLDER' },
      { name: 'port', value: 'N', says: 'servePort' },
      { name: 'host', value: 'ADDR', says: 'serveHost' },
      { name: 'auth', value: 'FILE' },
      { name: 'allowHost', value: 'NAME,…' },
      { name: 'readOnly' },
      { name: 'jobs', value: 'N' },
      { name: 'extractors', value: 'FOLDER' },
      { name: 'mcp' },
      { name: 'geoQuota', value: 'N' },
    ],
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'status',
    takes: '[JOB]',
    most: 1,
    options: ['job', 'lang'],
    flags: [{ name: 'asJson' }],
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'why',
    takes: 'URL|HOST',
    most: 1,
    options: ['job', 'lang'],
    flags: [{ name: 'asJson' }],
    load: () => import('./commands/why.ts'),
  },
  {
    name: 'retry',
    takes: '[JOB]',
    most: 1,
    options: 'run',
    flags: [
      { name: 'outcome', value: 'WORD' },
      { name: 'status', value: '5xx' },
      { name: 'host', value: 'HOST' },
      { name: 'code', value: 'CODE' },
      { name: 'since', value: 'TIME' },
      { name: 'dryRun' },
      YES,
    ],
    load: () => import('./commands/retry.ts'),
  },
  {
    name: 'inspect',
    takes: 'URL',
    most: 1,
    options: ONE_PAGE,
    flags: [{ name: 'asJson' }],
    load: () => import('./commands/inspect.ts'),
  },
  {
    name: 'extract',
    takes: '[JOB|ARCHIVE…]',
    most: Infinity,
    options: ['out', 'workers', 'extractTimeout', 'workerMemory', 'lang'],
    flags: [{ name: 'with', value: 'FILE' }, { name: 'accept' }],
    load: () => import('./commands/extract.ts'),
  },
  {
    name: 'check',
    takes: '[FILE]',
    most: 1,
    options: ONE_PAGE,
    flags: [
      { name: 'record', value: 'URL' },
      { name: 'label', value: 'NAME' },
      { name: 'depth', value: 'N' },
      { name: 'input', value: 'JSON' },
      { name: 'accept' },
      { name: 'asJson' },
    ],
    load: () => import('./commands/check.ts'),
  },
  {
    name: 'init',
    takes: '[URL] [FOLDER]',
    most: 2,
    options: ['contact', 'lang'],
    flags: [{ name: 'template', value: 'one-file|typed-shop|polite-list|pdf-bulk|login-session' }, YES],
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'export',
    takes: '[JOB]',
    most: 1,
    options: ['job', 'out', 'lang'],
    flags: [
      { name: 'failed' },
      { name: 'items' },
      { name: 'urls' },
      { name: 'format', value: 'WORD' },
      { name: 'outcome', value: 'WORD' },
      { name: 'status', value: '5xx' },
      { name: 'host', value: 'HOST' },
      { name: 'code', value: 'CODE' },
      { name: 'since', value: 'TIME' },
      { name: 'escapeFormulas' },
    ],
    load: () => import('./commands/export.ts'),
  },
  {
    name: 'diff',
    takes: '[JOB[@RUN]] [JOB[@RUN]]',
    most: 2,
    options: ['lang'],
    flags: [
      { name: 'format', value: 'WORD' },
      { name: 'by', value: 'FIELD' },
    ],
    load: () => import('./commands/diff.ts'),
  },
  {
    name: 'verify',
    takes: '[JOB|ARCHIVE|FOLDER…]',
    most: Infinity,
    options: ['lang'],
    flags: [{ name: 'asJson' }, { name: 'repair' }],
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'query',
    takes: '[JOB|URL] SQL',
    most: 2,
    options: ['job', 'lang'],
    flags: [{ name: 'format', value: 'WORD' }, { name: 'ledger' }, { name: 'escapeFormulas' }],
    load: () => import('./commands/query.ts'),
  },
  {
    name: 'explain',
    takes: 'CODE',
    most: 1,
    options: ['lang'],
    flags: [],
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'help',
    takes: '[COMMAND|all]',
    most: 2,
    options: ['lang'],
    flags: [],
    load: () => import('./commands/help.ts'),
  },
]

export const COMMAND_NAMES: readonly CommandName[] = COMMANDS.map(({ name }) => name)

export function commandNamed(name: string): CommandRow | undefined {
  return COMMANDS.find((row) => row.name === name)
}

/** Key of the sentence of a flag, behind `flag.`. */
export function sentenceOf({ name, says = name }: OwnFlag): FlagSentence {
  return says
}

/** Options of the one table that this command takes as flags. */
export function optionsOf(row: CommandRow): OptionName[] {
  if (typeof row.options !== 'string') return [...row.options]
  const like = row.options
  return OPTION_NAMES.filter((name) => {
    const { libraryOnly, commands } = optionRow(name)
    return libraryOnly !== true && (commands === undefined || commands.includes(like))
  })
}

/** `dryRun` → `--dry-run`; `asJson` is `--json` of the commands that print one object. */
export function ownFlagOf(name: OwnFlagName): string {
  return name === 'asJson' ? '--json' : `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`
}
