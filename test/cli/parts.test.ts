import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandNamed } from '../../src/cli/command-table.ts'
import type { CommandRow } from '../../src/cli/command-table.ts'
import { credentialsIn } from '../../src/cli/credentials.ts'
import { reportText } from '../../src/cli/crash-report.ts'
import { createEventPrinter } from '../../src/cli/event-printer.ts'
import { EXITS, exitOfError } from '../../src/cli/exit-codes.ts'
import { parseInvocation } from '../../src/cli/flags.ts'
import { jobNamed } from '../../src/cli/job-argument.ts'
import { envLayer } from '../../src/cli/layers.ts'
import { watchSignals } from '../../src/cli/signals.ts'
import type { StopSignal } from '../../src/cli/signals.ts'
import { isAccessible, wantsColor, wantsRedraw } from '../../src/cli/terminal.ts'
import { addToUserFile, userFile } from '../../src/cli/user-file.ts'
import type { JobEvent } from '../../src/job/job.ts'
import { CODES, SluiceError } from '../../src/model/errors.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import { OPTION_NAMES, envOf, flagOf, optionRow } from '../../src/model/options.ts'
import { inFolder } from './run-cli.ts'

const fetchRow = commandNamed('fetch') as CommandRow
const parse = (...argv: string[]) => parseInvocation(fetchRow, argv)

test('flags are converted by the options table', () => {
  const { options, positionals } = parse(
    'urls.txt',
    '--delay',
    '1.5s',
    '-c8',
    '--max-size=1GB',
    '--rate',
    '300/m',
    '-o',
    '-',
    'more.txt',
  )
  assert.deepEqual(positionals, ['urls.txt', 'more.txt'])
  assert.deepEqual({ ...options }, { delay: 1_500, concurrency: 8, maxSize: 1024 ** 3, rate: 5, out: ['-'] })
})

test('a boolean has a --no- twin, and the last one wins', () => {
  assert.equal(parse('--no-private').options.private, false)
  assert.equal(parse('--fresh').options.fresh, true)
  assert.equal(parse('--fresh', '--no-fresh').options.fresh, false)
  assert.equal(parse().options.fresh, undefined)
  assert.deepEqual({ ...parse('-qv').options }, { quiet: true, verbose: true })
})

test('repeatable flags gather, words may be split by commas, globs are left alone', () => {
  const { options } = parseInvocation(commandNamed('crawl') as CommandRow, [
    '--include',
    '/a{b,c}/*',
    '--include',
    '/x',
    '--follow',
    'a,area',
  ])
  assert.deepEqual(options.include, ['/a{b,c}/*', '/x'])
  assert.deepEqual(options.follow, ['a', 'area'])
})

test('--json takes no word behind it as its value', () => {
  const { options, positionals } = parse('--json', 'urls.txt')
  assert.equal(options.json, 'settled')
  assert.deepEqual(positionals, ['urls.txt'])
  assert.equal(parse('--json=all').options.json, 'all')
})

test('after -- everything is an input', () => {
  assert.deepEqual(parse('--', '--json', '-o').positionals, ['--json', '-o'])
})

test('every flag of the table can be given to the commands that take it', () => {
  for (const name of OPTION_NAMES) {
    const row = optionRow(name)
    if (row.libraryOnly === true) continue
    const command = commandNamed(row.commands?.[0] ?? 'fetch') as CommandRow
    const value = {
      string: 'x',
      strings: 'x',
      number: '5',
      duration: '5s',
      size: '64MB',
      rate: '5/s',
      choice: row.choices?.[0] ?? '',
    }[row.kind as string]
    const words = row.kind === 'boolean' ? [flagOf(name)] : [`${flagOf(name)}=${value}`]
    assert.notEqual(parseInvocation(command, words).options[name], undefined, name)
  }
})

test('every setting has a variable, lists hold one value a line, an empty one counts as not set', () => {
  const layers = envLayer({
    SLUICE_PER_HOST: '2',
    SLUICE_INCLUDE: '/a,b\n/c',
    SLUICE_FRESH: '1',
    SLUICE_DELAY: '',
    SLUICE_REQUIRE_SHARED: '1',
    PATH: '/bin',
  })
  assert.deepEqual(layers, [
    { origin: 'SLUICE_PER_HOST', values: { perHost: 2 } },
    { origin: 'SLUICE_INCLUDE', values: { include: ['/a,b', '/c'] } },
    { origin: 'SLUICE_FRESH', values: { fresh: true } },
  ])
  assert.equal(envOf('perHost'), 'SLUICE_PER_HOST')
})

test('the user file is looked for below XDG_CONFIG_HOME', () =>
  inFolder(async (folder) => {
    assert.equal(userFile({ XDG_CONFIG_HOME: folder }), undefined)
    mkdirSync(join(folder, 'sluice'))
    writeFileSync(join(folder, 'sluice', 'config.json'), '{}')
    assert.equal(userFile({ XDG_CONFIG_HOME: folder }), join(folder, 'sluice', 'config.json'))
    writeFileSync(join(folder, 'sluice', 'config.toml'), '')
    assert.equal(userFile({ XDG_CONFIG_HOME: folder }), join(folder, 'sluice', 'config.toml'))
  }))

test('a setting is added to the user file before the others, which stay as they are', () =>
  inFolder(async (folder) => {
    const env = { XDG_CONFIG_HOME: folder }
    const path = join(folder, 'sluice', 'config.toml')
    assert.equal(addToUserFile(env, 'contact', 'a "b"'), path)
    assert.equal(readFileSync(path, 'utf8'), 'contact = "a \\"b\\""\n')
    addToUserFile(env, 'lang', 'ko')
    assert.equal(readFileSync(path, 'utf8'), 'lang = "ko"\ncontact = "a \\"b\\""\n')
    rmSync(path)
    const other = join(folder, 'sluice', 'config.json')
    writeFileSync(other, '{"delay":"2s"}')
    assert.equal(addToUserFile(env, 'contact', 'c'), other)
    assert.deepEqual(JSON.parse(readFileSync(other, 'utf8')), { contact: 'c', delay: '2s' })
  }))

test('a job is named by position or by --job, not by both differently', () => {
  const stop = commandNamed('stop') as CommandRow
  assert.equal(jobNamed(parseInvocation(stop, ['a']), {}), 'a')
  assert.equal(jobNamed(parseInvocation(stop, ['--job', 'b']), {}), 'b')
  assert.equal(jobNamed(parseInvocation(stop, []), {}), undefined)
  assert.throws(() => jobNamed(parseInvocation(stop, ['a', '--job', 'b']), {}), /two jobs are named/)
  assert.equal(
    jobNamed(parseInvocation(commandNamed('why') as CommandRow, ['https://a.example/', '--job', 'b']), {}),
    'b',
  )
})

test('SLUICE_JOB names the job where nothing else does', () => {
  const stop = commandNamed('stop') as CommandRow
  assert.equal(jobNamed(parseInvocation(stop, []), { SLUICE_JOB: 'c' }), 'c')
  assert.equal(jobNamed(parseInvocation(stop, ['a']), { SLUICE_JOB: 'c' }), 'a')
})

test('secrets among the flags are found by name, ordinary values are not', () => {
  const found = (...argv: string[]) => credentialsIn(parse(...argv))
  assert.deepEqual(found('-H', 'Authorization: Bearer x', '-H', 'Accept: */*'), [
    { flag: '--header', variable: 'SLUICE_HEADER' },
  ])
  assert.deepEqual(found('--proxy', 'http://u:p@proxy.test:3128'), [{ flag: '--proxy', variable: 'SLUICE_PROXY' }])
  assert.deepEqual(found('-H', 'Accept: */*', '--proxy', 'http://proxy.test:3128', '-o', 'data/'), [])
})

test('a contact that is missing is a usage error at the start and a limit later', () => {
  const error = new SluiceError('CONTACT_MISSING', 'x')
  assert.equal(exitOfError(error, false), 2)
  assert.equal(exitOfError(error, true), 4)
})

test('every exit code of an error is in the table of exit codes', () => {
  const known = new Set<number>(Object.values(EXITS).map(({ code }) => code))
  for (const code of Object.keys(CODES) as ErrorCode[]) {
    assert.ok(known.has(exitOfError(new SluiceError(code, 'x'), false)), code)
  }
  assert.equal(known.size, Object.keys(EXITS).length)
})

function signalsOf() {
  const listeners = new Map<StopSignal, () => void>()
  const log: string[] = []
  let now = 0
  const stop = watchSignals(
    { on: (signal, listener) => listeners.set(signal, listener), off: (signal) => listeners.delete(signal) },
    {
      drain: (signal) => log.push(`drain ${signal}`),
      hurry: () => log.push('hurry'),
      leave: (code) => log.push(`leave ${code}`),
    },
    () => now,
  )
  const send = (signal: StopSignal, afterMs: number): void => {
    now += afterMs
    listeners.get(signal)?.()
  }
  return { send, log, stop, listeners }
}

test('Ctrl-C drains, again hurries, a third time leaves', () => {
  const { send, log } = signalsOf()
  send('SIGINT', 0)
  send('SIGINT', 500)
  send('SIGINT', 500)
  assert.deepEqual(log, ['drain SIGINT', 'hurry', 'leave 130'])
})

test('one key press that arrives twice through a launcher counts once', () => {
  const { send, log } = signalsOf()
  send('SIGINT', 0)
  send('SIGINT', 5)
  assert.deepEqual(log, ['drain SIGINT'])
})

test('SIGTERM drains like Ctrl-C and leaves with its own code', () => {
  const { send, log, stop, listeners } = signalsOf()
  send('SIGTERM', 0)
  send('SIGTERM', 500)
  send('SIGTERM', 500)
  assert.deepEqual(log, ['drain SIGTERM', 'hurry', 'leave 143'])
  stop()
  assert.equal(listeners.size, 0)
})

test('colour is for terminals; NO_COLOR wins, FORCE_COLOR forces, dumb has none', () => {
  const tty = { tty: true, columns: 80 }
  const file = { tty: false, columns: undefined }
  assert.equal(wantsColor({}, tty), true)
  assert.equal(wantsColor({}, file), false)
  assert.equal(wantsColor({ TERM: 'dumb' }, tty), false)
  assert.equal(wantsColor({ NO_COLOR: '1' }, tty), false)
  assert.equal(wantsColor({ FORCE_COLOR: '1' }, file), true)
  assert.equal(wantsColor({ FORCE_COLOR: '0' }, tty), false)
  assert.equal(wantsColor({ FORCE_COLOR: '1', NO_COLOR: '1' }, tty), false)
})

test('a bar is redrawn on a terminal only, never in CI, dumb terminals or under NO_COLOR', () => {
  const tty = { tty: true, columns: 80 }
  assert.equal(wantsRedraw({}, tty), true)
  assert.equal(wantsRedraw({ FORCE_COLOR: '1' }, { tty: false, columns: undefined }), false)
  for (const env of [{ CI: 'true' }, { TERM: 'dumb' }, { NO_COLOR: '1' }]) assert.equal(wantsRedraw(env, tty), false)
  assert.equal(wantsRedraw({ CI: 'false' }, tty), true)
  assert.equal(isAccessible({ ACCESSIBLE: '1' }), true)
  assert.equal(isAccessible({ ACCESSIBLE: '' }), false)
})

function printerOf(which: 'settled' | 'all') {
  let text = ''
  let flush: (() => void) | undefined
  const printer = createEventPrinter(
    'urls',
    which,
    (part) => void (text += part),
    (later) => void (flush = later),
  )
  return {
    printer,
    lines: () => (
      flush?.(),
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    ),
  }
}

const settled = {
  type: 'request.settled',
  t: '2026-11-21T02:13:37.120Z',
  url: 'https://a.example/',
  outcome: 'ok',
  depth: 0,
  attempt: 1,
  run: 1,
  seq: 7,
} as unknown as JobEvent
const claimed = {
  type: 'request.claimed',
  t: '2026-11-21T02:13:37.120Z',
  url: 'https://a.example/',
  key: 'a.example',
  attempt: 1,
} as JobEvent
const warning = { type: 'warning.raised', id: 9, t: '2026-11-21T02:13:37.120Z', code: 'X', message: 'y' } as JobEvent

test('events are printed with version, number, type, time and job first', () => {
  const { printer, lines } = printerOf('settled')
  printer.live(settled)
  const [line] = lines()
  assert.deepEqual(Object.keys(line as object).slice(0, 5), ['v', 'id', 'type', 't', 'job'])
  assert.equal(line?.['id'], 7)
  assert.equal(line?.['seq'], 7)
})

test('by default only settlements, warnings and the job itself are printed; all prints every event', () => {
  const some = printerOf('settled')
  const all = printerOf('all')
  for (const event of [settled, claimed, warning]) {
    some.printer.live(event)
    all.printer.live(event)
  }
  assert.deepEqual(
    some.lines().map(({ type }) => type),
    ['request.settled', 'warning.raised'],
  )
  assert.equal(all.lines().length, 3)
})

test('an event that was printed from the past is not printed again live', () => {
  const { printer, lines } = printerOf('settled')
  printer.past({
    v: 1,
    id: 9,
    type: 'warning.raised',
    t: '2026-11-21T02:13:37.120Z',
    job: 'urls',
    code: 'X',
    message: 'y',
  })
  printer.live(settled)
  printer.live(warning)
  printer.live({ ...warning, id: 10 } as JobEvent)
  assert.deepEqual(
    lines().map(({ id }) => id),
    [9, 10],
  )
})

test('a report of an internal error names flags, but no values or addresses', () => {
  const text = reportText(
    new Error('boom', { cause: new Error('deep') }),
    ['fetch', 'https://secret.example/', '-H', 'Cookie: x', '--proxy=http://u:p@h/'],
    '0.1.0',
    'now',
  )
  assert.match(text, /command sluice fetch … -H … --proxy=…/)
  assert.match(text, /boom[\s\S]*caused by[\s\S]*deep/)
  assert.doesNotMatch(text, /secret|Cookie|u:p/)
})
