/**
 * The command line: finds the command, loads only what that command needs, and turns what went wrong into sentences and
 * exit codes. It must not know what any command does.
 */
import { chooseLanguage } from '../locales/catalog.ts'
import { openCatalog } from '../locales/open-catalog.ts'
import { SluiceError } from '../model/errors.ts'
import { nearest } from '../model/options.ts'
import { COMMAND_NAMES, commandNamed } from './command-table.ts'
import type { Cli, Invocation } from './command.ts'
import { EXITS, exitOfError } from './exit-codes.ts'
import { openTerminal } from './terminal.ts'

/** Runs one command line (without node and script) and resolves with the exit code; never rejects. */
export async function main(argv: readonly string[]): Promise<number> {
  const { env } = process
  const catalog = await openCatalog(chooseLanguage(languageWishes(argv, env)))
  const terminal = openTerminal(env, process.stdout, process.stderr)
  const cli: Cli = { terminal, catalog, env, cwd: process.cwd(), jobFolder: undefined }
  process.stdout.on('error', ignoreClosedPipe)
  process.stderr.on('error', ignoreClosedPipe)
  process.on('uncaughtException', (error) => void leaveWithReport(cli, error, argv))
  try {
    return await dispatch(cli, argv)
  } catch (error) {
    if (!(error instanceof SluiceError)) {
      await reportInternal(cli, error, argv)
      return EXITS.internal.code
    }
    const { sayError, wantsJson } = await import('./say-error.ts')
    const exit = exitOfError(error, false)
    sayError(cli, error, exit, wantsJson(argv))
    return exit
  }
}

async function dispatch(cli: Cli, argv: readonly string[]): Promise<number> {
  // `--lang` may come before the command; it has been read already.
  const words = withoutLeadingLanguage(argv)
  const [name] = words
  if (name === undefined) {
    const { printHelp } = await import('./commands/help.ts')
    printHelp(cli, undefined, false, cli.terminal.say)
    return EXITS.usage.code
  }
  if (name === '--version' || name === '-V') {
    const { readVersion } = await import('./version.ts')
    cli.terminal.print(`${readVersion()}\n`)
    return EXITS.done.code
  }
  const row = commandNamed(name)
  const wantsHelp = helpAsked(words)
  if (wantsHelp && (row !== undefined || name.startsWith('-'))) {
    const { printHelp } = await import('./commands/help.ts')
    printHelp(cli, row, words.includes('all'), cli.terminal.print)
    return EXITS.done.code
  }
  if (row === undefined) throw await unknownCommand(name)
  const { parseInvocation } = await import('./flags.ts')
  const invocation = parseInvocation(row, words.slice(1))
  if (invocation.options.quiet !== true) await warnOfCredentials(cli, invocation)
  const command = await row.load()
  return command.run(cli, invocation)
}

async function warnOfCredentials({ terminal, catalog }: Cli, invocation: Invocation): Promise<void> {
  const { credentialsIn } = await import('./credentials.ts')
  for (const { flag, variable } of credentialsIn(invocation)) {
    terminal.say(`${terminal.paint('yellow', '!')} ${catalog.t('warn.credentials', { flags: flag, variable })}\n`)
  }
}

function helpAsked(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  const flags = end < 0 ? words : words.slice(0, end)
  return flags.includes('--help') || flags.includes('-h')
}

async function unknownCommand(name: string): Promise<SluiceError> {
  if (name.startsWith('-')) {
    return new SluiceError('OPTION_UNKNOWN', `there is no flag ${name} without a command`, {
      hint: `put a command before it: sluice fetch ${name} …`,
    })
  }
  const near = nearest(name, COMMAND_NAMES)
  return new SluiceError('OPTION_UNKNOWN', `there is no command ${name}`, {
    hint: (await looksLikeInput(name))
      ? `to fetch it: sluice fetch ${name}`
      : near === undefined
        ? 'sluice help lists the commands'
        : `did you mean sluice ${near}?`,
  })
}

async function looksLikeInput(word: string): Promise<boolean> {
  if (/^https?:\/\//i.test(word)) return true
  const { existsSync } = await import('node:fs')
  return existsSync(word)
}

function languageWishes(argv: readonly string[], env: NodeJS.ProcessEnv): (string | undefined)[] {
  const at = argv.findIndex((word) => word === '--lang' || word.startsWith('--lang='))
  const word = argv[at]
  const flag = word === undefined ? undefined : word === '--lang' ? argv[at + 1] : word.slice('--lang='.length)
  return [flag, env['SLUICE_LANG'], env['LC_ALL'], env['LC_MESSAGES'], env['LANG']]
}

function withoutLeadingLanguage(argv: readonly string[]): readonly string[] {
  if (argv[0] === '--lang') return argv.slice(2)
  return argv[0]?.startsWith('--lang=') === true ? argv.slice(1) : argv
}

/** A reader that goes away (`| head`) is no error; commands that run a job stop it. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error
}

async function leaveWithReport(cli: Cli, error: unknown, argv: readonly string[]): Promise<void> {
  try {
    await reportInternal(cli, error, argv)
  } finally {
    process.exit(EXITS.internal.code)
  }
}

async function reportInternal(cli: Cli, error: unknown, argv: readonly string[]): Promise<void> {
  const [{ reportText, writeReport }, { readVersion }, { errorLine, wantsJson }] = await Promise.all([
    import('./crash-report.ts'),
    import('./version.ts'),
    import('./say-error.ts'),
  ])
  const at = new Date().toISOString()
  const path = writeReport(reportText(error, argv, readVersion(), at), cli.jobFolder, at)
  const { terminal, catalog } = cli
  const message = error instanceof Error ? error.message : String(error)
  if (wantsJson(argv)) terminal.print(errorLine({ message, exit: EXITS.internal.code }))
  terminal.say(`${terminal.paint('red', 'error')} ${catalog.t('error.internal', { message })}\n`)
  if (path !== undefined) terminal.say(`  ${catalog.t('error.report', { path })}\n`)
}
