#!/usr/bin/env node
/**
 * Runs Sluice and what else a user could pick on the same work, interleaved: every contestant once a round, so that a machine
 * whose speed drifts hits all of them alike. Prints the machine, versions, pages/s, CPU seconds per 1,000 pages, peak
 * memory and ratios, and keeps the report in the work folder. Pages are counted in the origin's access log, not by whoever
 * fetched them. README.md says how to run it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { bulk, crawl, inFlight, sluiceCrawl, sluiceFetch } from './contestants.mjs'
import {
  ask,
  bench,
  environment,
  harness,
  listOf,
  machine,
  needsSetup,
  openOrigin,
  pinned,
  port,
  setup,
  sluiceCommand,
  work,
} from './place.mjs'
import { killAndResume } from './resume.mjs'

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    kind: { type: 'string', default: 'real' },
    hosts: { type: 'string', default: '1' },
    size: { type: 'string', default: '20' },
    slow: { type: 'string', default: '3' },
    site: { type: 'string', default: 'postgres' },
    limit: { type: 'string', default: '5000' },
    only: { type: 'string', default: '.' },
    urls: { type: 'string', default: '10000,100000,1000000' },
    timeout: { type: 'string', default: '300' },
    clone: { type: 'boolean', default: false },
  },
})
const rounds = Number(flags.rounds)
const wanted = new RegExp(flags.only, 'i')
const stamp = new Date()
  .toISOString()
  .replaceAll(/[^0-9]/g, '')
  .slice(0, 14)
const scratch = join(work, 'run')

const JOBS = {
  setup,
  bulk: () =>
    withOrigin(() => {
      const list = bulk(
        sluiceCommand(flags.clone),
        flags.kind,
        Number(flags.hosts),
        Number(flags.size),
        Number(flags.slow),
      )
      report(`bulk, ${flags.kind}, ${flags.hosts} host(s), ${inFlight} in flight`, [limitOfMachine(), compared(list)])
    }),
  crawl: () =>
    withOrigin(() => {
      const list = crawl(sluiceCommand(flags.clone), flags.site, Number(flags.limit))
      report(`crawl, ${flags.site}, title and links, ${inFlight} in flight`, [compared(list)])
    }),
  frontier: () => report('frontier: N URLs in, the same N again, then claimed and settled', [frontier()]),
  resume: () => withOrigin(resume),
  memory: () => withOrigin(() => report('memory: peak resident set of the whole process', [memory()])),
}
const job = JOBS[positionals[0]]
if (job === undefined) {
  console.error(`node run.mjs ${Object.keys(JOBS).join('|')}   (README.md)`)
  process.exit(2)
}
await job()

async function withOrigin(body) {
  needsSetup()
  const stop = openOrigin()
  try {
    await body()
  } finally {
    stop()
  }
}

/** Runs every contestant once a round; a Markdown table of medians and of Sluice's ratio on the same work. */
function compared(list) {
  const chosen = list.filter(({ name }) => name === 'sluice' || wanted.test(name))
  const used = new Set(chosen.filter(({ name }) => name !== 'sluice').map((one) => one.work))
  const all = chosen.filter((one) => one.name !== 'sluice' || used.size === 0 || used.has(one.work))
  const rows = new Map(all.map((one) => [one, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const one of all) {
      const row = measured(one.name, one.argv)
      rows.get(one).push(row)
      console.error(
        `round ${round}: ${one.name}: ${row.pages} pages, ${row.pps}/s, ${row.cpuPer1k} s/1k, ${row.rssMB} MB, exit ${row.exit}${row.err ? ` ${row.err}` : ''}`,
      )
    }
  }
  const lines = all.map((one) => {
    const own = rows.get(one)
    const ours = rows.get(all.find((other) => other.name === 'sluice' && other.work === one.work))
    const speed = own.map((row) => row.pps)
    // Ratios pair the runs of one round.
    const ratios = ours === undefined ? [] : own.map((row, i) => ours[i].pps / row.pps)
    return [
      one.name,
      basename(one.work, '.txt'),
      median(own.map((row) => row.pages)),
      `${median(speed)} (${Math.min(...speed)}-${Math.max(...speed)})`,
      median(own.map((row) => row.cpuPer1k)),
      median(own.map((row) => row.rssMB)),
      one.name === 'sluice' || ratios.length === 0 ? '' : `${median(ratios).toFixed(2)} x`,
      own.every((row) => row.exit === 0 || row.exit === 4) ? '' : `exit ${own.map((row) => row.exit).join(' ')}`,
    ]
  })
  return table(
    [
      'contestant',
      'work',
      'pages',
      `pages/s, median of ${rounds} (range)`,
      'CPU s / 1,000',
      'peak MB',
      'Sluice is',
      'note',
    ],
    lines,
  )
}

/** One run under /usr/bin/time by the harness, in an empty folder; its row of the results file. */
function measured(name, argv, pages) {
  const before = `rm -rf ${scratch} ${join(work, 'crawlee-storage')}; mkdir -p ${scratch}`
  mkdirSync(scratch, { recursive: true })
  const args = [
    ...[
      'measure.mjs',
      '--name',
      `${stamp}-${name}`,
      '--runs',
      '1',
      '--cwd',
      scratch,
      '--before',
      before,
      '--timeout',
      flags.timeout,
    ],
    ...(pages === undefined ? [] : ['--pages', String(pages)]),
    ...['--', ...argv],
  ]
  const { status, stderr } = spawnSync(pinned, args, { cwd: harness, env: environment(), encoding: 'utf8' })
  if (status !== 0) throw new Error(`measure.mjs: ${stderr}`)
  return JSON.parse(readFileSync(join(work, 'results.jsonl'), 'utf8').trimEnd().split('\n').at(-1))
}

/** What the origin and this machine give at most, by a client that parses nothing. */
function limitOfMachine() {
  const core = process.env.BENCH_CLIENT_CORE ?? '0'
  const { stdout } = spawnSync('taskset', ['-c', core, 'wrk', '-t1', '-c64', '-d3', `http://127.0.0.1:${port}/t/1`], {
    encoding: 'utf8',
    env: environment(),
  })
  return `- limit: wrk ${/Requests\/sec:\s*([\d.]+)/.exec(stdout ?? '')?.[1] ?? '?'} requests/s of a 154-byte answer`
}

function frontier() {
  const lines = []
  for (const count of flags.urls.split(',').map(Number)) {
    for (let round = 0; round < rounds; round++) {
      if (wanted.test('sluice'))
        lines.push(frontierRow('sluice sqlite', count, [pinned, join(bench, 'frontier.mjs'), String(count)]))
      if (!existsSync(join(harness, 'peers', 'node_modules'))) continue
      for (const [name, most] of Object.entries({ 'crawlee-rq-mem': 1e5, 'crawlee-rq-disk': 1e4 })) {
        if (count <= most && wanted.test(name)) {
          lines.push(
            frontierRow(name, count, ['node', join(harness, 'peers/frontier/frontier.mjs'), name, String(count)]),
          )
        }
      }
      for (const how of ['mem', 'disk']) {
        if (count <= 1e6 && wanted.test(`scrapy-${how}`)) {
          lines.push(
            frontierRow(`scrapy-${how}`, count, [
              '/usr/bin/python3',
              join(harness, 'peers/frontier/frontier_scrapy.py'),
              how,
              String(count),
            ]),
          )
        }
      }
    }
  }
  return table(
    ['frontier', 'URLs', 'adds/s', 'duplicates/s', 'claim + end + settle, us', 'open again, ms', 'peak MB', 'disk MB'],
    lines,
  )
}

function frontierRow(name, count, argv) {
  const row = measured(`frontier-${name}`, argv, count)
  const last = row.out.trim().split('\n').at(-1) ?? ''
  const own = last.startsWith('{') ? JSON.parse(last) : {}
  console.error(`${name} ${count}: ${last}${row.err ?? ''}`)
  return [
    name,
    count,
    own.addPerS ?? '?',
    own.dupPerS ?? '?',
    own.settleUs ?? '',
    own.openMs ?? '',
    row.rssMB,
    own.diskMB ?? '',
  ]
}

async function resume() {
  const command = sluiceCommand(flags.clone)
  const list = listOf('real', Number(flags.size) === 20 ? 3 : Number(flags.size), 1)
  const lines = []
  for (let round = 0; round < rounds; round++) {
    rmSync(scratch, { recursive: true, force: true })
    mkdirSync(scratch, { recursive: true })
    const row = await killAndResume({ argv: sluiceFetch(command, list, 1), list, cwd: scratch, at: 0.4 })
    console.error(JSON.stringify(row))
    lines.push(['sluice', row.urls, row.missing, row.doubled, row.refetched, `${row.firstRequestMs} ms`, `${row.exit}`])
  }
  for (const name of ['scrapy-jobdir', 'crawlee-nopurge', 'wget2-c', 'aria2-c', 'curl-nothing']) {
    if (!wanted.test(name) || flags.only === '.') continue
    const { stdout } = spawnSync(pinned, ['resume.mjs', name, list], {
      cwd: harness,
      env: environment(),
      encoding: 'utf8',
    })
    const row = JSON.parse(stdout.trim().split('\n').at(-1))
    const missing = row.got?.neverDelivered ?? row.got?.missing ?? row.neverFetched
    const doubled = row.got?.delivered === undefined ? '' : row.got.delivered - row.got.distinct
    lines.push([name, row.urls, missing, doubled, row.fetchedTwice, '', row.runs.at(-1)?.exit])
  }
  report('resume: SIGKILL at 40 %, the same command again', [
    table(
      [
        'contestant',
        'URLs',
        'records missing',
        'records doubled',
        'fetched twice',
        'first new request after start',
        'exit',
      ],
      lines,
    ),
  ])
}

function memory() {
  const command = sluiceCommand(flags.clone)
  const lines = []
  const run = (name, argv, pages) => {
    const row = measured(`memory-${name}`, argv, pages)
    console.error(`${name}: ${row.rssMB} MB, ${row.pages} pages, exit ${row.exit} ${row.err ?? ''}`)
    lines.push([name, row.pages, row.rssMB, row.exit])
    return row.rssMB
  }
  const small = run('fetch, tiny, 20,000 URLs, 200 hosts', sluiceFetch(command, listOf('tiny', 20, 200), 200))
  const large = run('fetch, tiny, 100,000 URLs, 200 hosts', sluiceFetch(command, listOf('tiny', 100, 200), 200))
  const start = `http://127.0.0.1:${port}/openjdk/index.html`
  run('crawl, openjdk, 5,000 pages', sluiceCrawl(command, start, 5000))
  run('1,000,000 known URLs (frontier only)', [pinned, join(bench, 'frontier.mjs'), '1000000', 'add'], 1e6)
  return `${table(['what', 'pages', 'peak MB', 'exit'], lines)}\n\nslope: ${((large - small) / 0.8).toFixed(1)} MB per 100,000 URLs`
}

function report(title, parts) {
  const text = `## ${title}\n\n${machine()}\n\n${parts.join('\n\n')}\n`
  mkdirSync(join(work, 'reports'), { recursive: true })
  const path = join(work, 'reports', `${stamp}-${positionals[0]}.md`)
  writeFileSync(path, text)
  console.log(text)
  console.error(`kept in ${path}; commit ${ask('git', ['-C', bench, 'rev-parse', '--short', 'HEAD'])}`)
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
