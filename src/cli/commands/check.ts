/**
 * `sluice check [FILE]`: the config and its extractors without the web: every key, every module, every saved page. Only
 * `--record URL` makes a request.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import {
  checkExtractors,
  countOptions,
  extractorFiles,
  isExtractorFile,
  isRow,
  jobProblems,
  keyProblems,
  lineOfKey,
  recordPage,
  replaceOptions,
} from '../../job/index.ts'
import type { ExtractorCheck, ExtractorFile, JobKind, Recording, ResolvedOptions, Told } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import { OPTION_NAMES } from '../../model/options.ts'
import type { OptionName } from '../../model/options.ts'
import { shellWord } from '../../model/shell-word.ts'
import { commandNamed, optionsOf } from '../command-table.ts'
import type { Cli, Invocation } from '../command.ts'
import { EXITS } from '../exit-codes.ts'
import { gatherOptions, readProject } from '../gather.ts'
import type { Project } from '../gather.ts'
import { keepHeapSmall } from '../heap.ts'
import { renderChecks, renderConfig, renderRecording } from '../render/check.ts'
import { renderError } from '../render/error.ts'

export async function run(cli: Cli, invocation: Invocation): Promise<number> {
  keepHeapSmall()
  const [file] = invocation.positionals
  const isExtractor = file !== undefined && (await isExtractorFile(file, cli.cwd))
  const project = await readProject(cli, isExtractor ? undefined : file)
  const problems = await problemsOf(cli, invocation, project)
  const report: Report = { config: configOf(project), problems, extractors: [], recording: undefined }
  if (problems.length > 0) return conclude(cli, invocation, report)
  const options = await optionsFor(cli, invocation, project, isExtractor ? [file] : undefined)
  const files = extractorFiles(options, project.file, cli.cwd)
  if (files.length === 0 && project.file === undefined) throw nothingToCheck()
  const { record } = invocation.flags
  if (typeof record !== 'string') {
    const extractors = await checkExtractors(options, files, cli.cwd, invocation.flags.accept === true)
    return conclude(cli, invocation, { ...report, extractors })
  }
  return conclude(cli, invocation, {
    ...report,
    recording: await recordedPage(cli, invocation, options, files, record),
  })
}

interface Report {
  /** undefined: there is none, and none is needed for an extractor. */
  readonly config: { readonly file: string; readonly options: number } | undefined
  readonly problems: readonly SluiceError[]
  readonly extractors: readonly ExtractorCheck[]
  readonly recording: Recording | undefined
}

async function recordedPage(
  { cwd }: Cli,
  { flags }: Invocation,
  options: ResolvedOptions,
  files: readonly ExtractorFile[],
  url: string,
): Promise<Recording> {
  if (files.length === 0) throw nothingToCheck()
  return recordPage(replaceOptions(options, { seeds: [url] }), files, cwd, toldOf(flags))
}

function toldOf({ label, depth, input }: Invocation['flags']): Told {
  return {
    ...(typeof label === 'string' ? { label } : {}),
    ...(typeof depth === 'string' ? { depth: depthOf(depth) } : {}),
    ...(typeof input === 'string' ? { input: rowOf(input) } : {}),
  }
}

function depthOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new SluiceError('OPTION_INVALID', `--depth: ${JSON.stringify(text)} is not a whole number`, {
    hint: '--depth 2: the page is two links away from a start page',
  })
}

function rowOf(text: string): NonNullable<Told['input']> {
  try {
    const row: unknown = JSON.parse(text)
    if (isRow(row)) return row
  } catch {
    // Said below.
  }
  throw new SluiceError('OPTION_INVALID', `--input: ${JSON.stringify(text)} is not a row of columns as JSON`, {
    hint: `--input '{"sku":"A 7","amount":3}'`,
  })
}

/** Keys first: what is built from wrong ones would only be wrong as well. */
async function problemsOf(cli: Cli, invocation: Invocation, project: Project): Promise<SluiceError[]> {
  const { file, values } = project
  if (file === undefined) return []
  const text = readFileSync(file, 'utf8')
  const place = (key: string): string => {
    const line = lineOfKey(text, key)
    return line === undefined ? basename(file) : `${basename(file)}:${line}`
  }
  const problems = keyProblems(values, place)
  if (problems.length > 0) return problems
  try {
    // Flags of this command may complete it (--contact); which extractors there are is another matter.
    const options = await gatherOptions(cli, invocation, project, [])
    return await jobProblems(kindOf(project), options, cli.cwd, (key) => (key in values ? place(key) : undefined))
  } catch (error) {
    if (error instanceof SluiceError) return [error]
    throw error
  }
}

function kindOf({ kind, values }: Project): JobKind {
  return kind ?? (values['lists'] === undefined ? 'crawl' : 'fetch')
}

/** Of the config only what matters to a single page: where items go and how far links are followed does not. */
async function optionsFor(
  cli: Cli,
  invocation: Invocation,
  project: Project,
  extract: readonly string[] | undefined,
): Promise<ResolvedOptions> {
  const row = commandNamed('check')
  const wanted: readonly OptionName[] =
    row === undefined ? OPTION_NAMES : [...optionsOf(row), 'delay', 'retries', 'hosts', 'workers']
  const values = Object.fromEntries(
    Object.entries(project.values).filter(([name]) => wanted.some((one) => one === name)),
  )
  const options = await gatherOptions(cli, invocation, { ...project, values }, [])
  if (extract === undefined) return options
  return replaceOptions(options, {
    extract: [...extract, ...((invocation.options.extract as string[] | undefined) ?? [])],
  })
}

function configOf({ file, values }: Project): Report['config'] {
  return file === undefined ? undefined : { file: basename(file), options: countOptions(values) }
}

function nothingToCheck(): SluiceError {
  return new SluiceError('INPUT_UNREADABLE', 'there is no sluice.config.ts here, and no file is named', {
    hint: 'name a config, a one-file job or an extractor: sluice check shop.ts',
  })
}

function conclude({ terminal, catalog }: Cli, invocation: Invocation, report: Report): number {
  const { config, problems, extractors, recording } = report
  const broken = [...problems, ...extractors.flatMap(({ problem }) => (problem === undefined ? [] : [problem]))]
  const pages = [...extractors.flatMap((extractor) => extractor.pages), ...(recording?.pages ?? [])]
  const isUnsound = pages.some(
    ({ state, accepted }) => state === 'failed' || state === 'rejected' || (state === 'differs' && !accepted),
  )
  const isUnsaved = recording !== undefined && recording.pages.length === 0
  const exit = broken.length > 0 ? EXITS.usage.code : isUnsound || isUnsaved ? EXITS.failIf.code : EXITS.done.code
  if (invocation.flags.asJson === true) {
    terminal.print(`${JSON.stringify(jsonOf(report, exit === EXITS.done.code))}\n`)
    return exit
  }
  const command = commandLine(invocation)
  const lines = [
    ...(config === undefined || problems.length > 0 ? [] : renderConfig(config, catalog)),
    ...renderChecks(extractors, command, catalog),
    ...(recording === undefined ? [] : renderRecording(recording, catalog)),
  ]
  if (lines.length > 0) terminal.print(`${lines.join('\n')}\n`)
  for (const problem of broken) terminal.say(`${renderError(problem, catalog, terminal.paint).join('\n')}\n`)
  return exit
}

/** This command as it was typed, without what is said once only. */
function commandLine({ positionals, options }: Invocation): string {
  const extract = (options.extract as string[] | undefined) ?? []
  return ['sluice check', ...positionals.map(shellWord), ...extract.map((path) => `--extract ${shellWord(path)}`)].join(
    ' ',
  )
}

function jsonOf({ config, problems, extractors, recording }: Report, passed: boolean): object {
  return {
    v: 1,
    passed,
    config: config === undefined ? null : { ...config, problems: problems.map(problemJson) },
    extractors: extractors.map(({ problem, ...rest }) => ({
      ...rest,
      ...(problem === undefined ? {} : { problem: problemJson(problem) }),
    })),
    ...(recording === undefined ? {} : { recording }),
  }
}

function problemJson({ code, message, hint }: SluiceError): object {
  return { code, message, ...(hint === undefined ? {} : { hint }) }
}
