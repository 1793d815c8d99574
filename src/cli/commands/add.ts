/**
 * `sluice add [JOB] URL…`: queues URLs as inputs of a job, live or stopped; `-` reads them from standard input. What would
 * become of them is what `--dry-run` says, and nothing else happens then.
 */
import { createInterface } from 'node:readline'
import { addUrls, nameOf, previewAdd } from '../../job/index.ts'
import { SluiceError } from '../../model/errors.ts'
import type { Cli, Invocation } from '../command.ts'
import { jobAndRest } from '../job-argument.ts'

/** URLs that are taken from standard input at a time. */
const SLICE = 10_000

export async function run({ catalog, terminal, cwd, env }: Cli, invocation: Invocation): Promise<number> {
  const { folder, rest } = jobAndRest(invocation, cwd, env)
  if (rest.length === 0) {
    throw new SluiceError('OPTION_INVALID', 'which URLs?', {
      hint: 'sluice add JOB https://your.site/page   or   sluice add JOB - < urls.txt',
    })
  }
  const job = nameOf(folder)
  const sum = { added: 0, duplicates: 0, live: false }
  for await (const urls of slicesOf(rest)) {
    // Each is an input with a record of its own, whatever becomes of it: what is told is what that will be.
    const { admitted, known, repeated, refused, samples } = await previewAdd(folder, urls)
    if (invocation.flags.dryRun === true) {
      const refusals = Object.values(refused).reduce((all, count) => all + count, 0)
      terminal.say(
        `${catalog.t('add.preview', { count: admitted, known: known + repeated, refused: refusals, job })}\n`,
      )
      for (const { url, reason } of samples) terminal.say(`  ${url}  ${reason}\n`)
      continue
    }
    const { live } = await addUrls(folder, urls, 'sluice add')
    for (const { url, reason } of samples) terminal.say(`  ${url}  ${reason}\n`)
    sum.added += admitted
    sum.duplicates += known + repeated
    sum.live = live
  }
  if (invocation.flags.dryRun === true) return 0
  const values = { count: sum.added, duplicates: sum.duplicates, job }
  terminal.say(`${catalog.t(sum.live ? 'add.live' : 'add.stored', values)}\n`)
  return 0
}

async function* slicesOf(words: readonly string[]): AsyncGenerator<readonly string[]> {
  const given = words.filter((word) => word !== '-')
  if (given.length > 0) yield given
  if (given.length === words.length) return
  let some: string[] = []
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const url = line.replace(/^\uFEFF/, '').trim()
    if (url === '' || url.startsWith('#')) continue
    some.push(url)
    if (some.length < SLICE) continue
    yield some
    some = []
  }
  if (some.length > 0) yield some
}
