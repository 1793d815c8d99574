/**
 * Large downloads whose command is killed again and again, judged by what the web sent.
 *
 * The measure: a request that goes on begins at the first byte that counted when its predecessor died (its Range; 0 where
 * it asks for the whole). What the web had handed to the kernel of the same file beyond that byte is sent twice. That is
 * more than the client ever read: it holds what lay in the buffers of both kernels, and the heads. So that these stay
 * small beside the bound, the web sends each file at a steady rate that the client can follow.
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assertBalanced, assertOnce, instants, killSluice } from '../crash/outputs.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { downloadBytes } from '../../src/testing/origin/downloads.ts'
import { fast } from './web.ts'

export interface DownloadKills {
  readonly files: number
  readonly bytes: number
  readonly kills: number
  readonly atOnce: number
  /** Bytes a second of each file. */
  readonly rate: number
  readonly seed: number
  /** Values of `-o`; the first is a template whose last part is `{name}{ext}`. */
  readonly outs: readonly string[]
}

export interface DownloadFigures {
  readonly requests: number
  /** Downloads that a kill broke off after some of their bytes. */
  readonly broken: number
  /** Of them: went on with a range. */
  readonly resumed: number
  readonly sentTwice: number
  /** Most of one file for one kill. */
  readonly most: number
  readonly ms: number
}

const HOST = 'files.test'
/** Most bytes of a file that one death may cost (docs/adr/0018). */
export const BOUND = 1024 * 1024

/** Runs the command in `cwd` until it ends by itself and asserts all but the bound, which the figures tell. */
export async function killDownloads(origin: Origin, cwd: string, work: DownloadKills): Promise<DownloadFigures> {
  const { files, bytes, kills, atOnce, rate, seed, outs } = work
  const paths = Array.from({ length: files }, (_, n) => `/download/${bytes}/file-${n}.bin?rate=${rate}`)
  const urls = paths.map((path) => origin.url(HOST, path))
  writeFileSync(join(cwd, 'urls.txt'), `${urls.join('\n')}\n`)
  const folder = (outs[0] as string).replace(/\/[^/]*\{.*/, '')
  // By bytes sent, not by time: the start of a process is no download.
  const at = instants(kills, files * bytes, seed)
  const started = performance.now()
  const report = await killSluice(
    ['fetch', 'urls.txt', '-j', 'downloads', ...fast(origin, atOnce), ...outs.flatMap((out) => ['-o', out])],
    {
      cwd,
      maxKills: kills,
      timeoutMs: 600_000,
      kill: { event: (run) => origin.untilSent(at[run - 1] as number) },
      onRestart: () => void assertWhole(join(cwd, folder), paths),
    },
  )
  const ms = performance.now() - started
  assert.equal(report.exitCode, 0, report.stderr)
  assert.equal(report.kills, kills)
  assertBalanced(cwd, 'downloads', files)
  assertOnce(join(cwd, folder), new Set(urls))
  assert.equal(assertWhole(join(cwd, folder), paths), files)
  assert.equal(readdirSync(join(cwd, 'downloads.sluice')).includes('parts'), false, 'parts are left')
  return { ...figuresOf(origin, paths), ms }
}

/** Asserts that every file with a final name holds all of its bytes; how many there are. */
function assertWhole(folder: string, paths: readonly string[]): number {
  const names = filesBelow(folder)
  for (const name of names) {
    const path = paths.find((one) => one.includes(`/${name.replace(/^.*\//, '')}?`)) as string
    const length = Number(path.split('/')[2])
    const expected = hash('sha256', downloadBytes(HOST + path, 0, length))
    assert.equal(hash('sha256', readFileSync(join(folder, name))), expected, name)
  }
  return names.length
}

/** Bodies below the folder; those that are being written have no final name. */
function filesBelow(folder: string): string[] {
  let names: string[]
  try {
    names = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
  } catch {
    return []
  }
  return names.filter((name) => name !== 'pages.ndjson' && !name.startsWith('.incoming'))
}

function figuresOf(origin: Origin, paths: readonly string[]): Omit<DownloadFigures, 'ms'> {
  /** How far the web had come with each file. */
  const reached = new Map(paths.map((path) => [path, 0]))
  const figures = { requests: 0, broken: 0, resumed: 0, sentTwice: 0, most: 0 }
  for (const { path, headers, status, sent } of origin.ledger(HOST).arrivals()) {
    const before = reached.get(path)
    if (before === undefined) continue
    figures.requests++
    const from = status === 200 ? 0 : Number(/^bytes=(\d+)-$/.exec(headers['range'] ?? '')?.[1] ?? 0)
    const twice = Math.max(0, before - from)
    if (before > 0) figures.broken++
    if (from > 0) figures.resumed++
    figures.sentTwice += twice
    figures.most = Math.max(figures.most, twice)
    reached.set(path, Math.max(before, from + sent))
  }
  return figures
}
