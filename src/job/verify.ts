/**
 * Whether what a job has written is still what it wrote: rows and counts of its database, digests of its archive, its
 * stored bodies, the lines and rows of its outputs; or any WARC files and folders of pages alone. Reads everything, changes nothing, takes no lock.
 */
import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { auditStore } from '../frontier/sqlite/audit.ts'
import type { StoreAudit } from '../frontier/sqlite/audit.ts'
import { openReader } from '../frontier/sqlite/read.ts'
import { sinkKindOf } from '../sink/kind.ts'
import { warcFiles } from '../warc/archive-files.ts'
import { outputsOf, readStored } from './folder.ts'
import { readRunState } from './run-state.ts'
import { verifyArchive } from './verify-archive.ts'
import type { ArchiveCheck } from './verify-archive.ts'
import { MANIFEST, verifyFiles } from './verify-files.ts'
import { verifyOutputs } from './verify-outputs.ts'
import type { OutputCheck } from './verify-outputs.ts'
import { verifyWacz } from './verify-wacz.ts'

export interface Verification {
  /** Undefined: no job was named. */
  readonly ledger: Omit<StoreAudit, 'problems'> | undefined
  readonly archive: ArchiveCheck | undefined
  /** Bodies and members of WACZ files that were read; undefined: there is no folder of pages and no WACZ file. */
  readonly files: number | undefined
  /** Of a job: its outputs, in their order. */
  readonly outputs: readonly OutputCheck[]
  /** What is wrong, a sentence each; the first thousand. */
  readonly problems: readonly string[]
  /** How many there are. */
  readonly wrong: number
  /** How many of them are damage to the job's store. */
  readonly damage: number
}

const MOST_PROBLEMS = 1_000

/** @param subjects one job folder, or WARC files and folders of them or of pages */
export async function verify(subjects: readonly string[]): Promise<Verification> {
  const problems: string[] = []
  let wrong = 0
  let damage = 0
  const tell = (problem: string): void => {
    wrong++
    if (problems.length < MOST_PROBLEMS) problems.push(problem)
  }
  const job = subjects.find((subject) => readStored(subject) !== undefined)
  let ledger: Verification['ledger']
  let outputs: OutputCheck[] = []
  if (job !== undefined) {
    const { problems: found, ...figures } = auditStore(job)
    ledger = figures
    for (const problem of found) tell(problem)
    damage = wrong
    // Records that are damaged in the ledger tell nothing of the outputs.
    if (found.length === 0) outputs = await checkOutputs(job, tell)
  }
  const places = job === undefined ? subjects : outputPlaces(job)
  const archives = places.filter(holdsArchive)
  const folders = places.filter((place) => existsSync(join(place, MANIFEST)))
  const mayGrow = job !== undefined && !isFinished(job)
  const archive =
    archives.length > 0 || (job === undefined && folders.length === 0)
      ? await verifyArchive(archives.length > 0 ? archives : subjects, mayGrow, tell)
      : undefined
  let files: number | undefined
  for (const wacz of archives.filter((place) => /\.wacz$/i.test(place)))
    files = (files ?? 0) + (await verifyWacz(wacz, tell))
  for (const folder of folders) files = (files ?? 0) + (await verifyFiles(folder, tell))
  return { ledger, archive, files, outputs, problems, wrong, damage }
}

async function checkOutputs(job: string, tell: (problem: string) => void): Promise<OutputCheck[]> {
  const stored = readStored(job)
  const reader = openReader(job)
  try {
    return stored === undefined ? [] : await verifyOutputs(job, stored, reader, tell)
  } finally {
    reader.close()
  }
}

/** Outputs of a job whose contents have digests. */
function outputPlaces(job: string): string[] {
  const cwd = readStored(job)?.cwd ?? '.'
  const places = [join(job, 'archive')]
  for (const out of outputsOf(job) ?? []) {
    const { kind, path } = sinkKindOf(out)
    if (kind === 'dir' || kind === 'warc') places.push(resolve(cwd, path))
  }
  return places
}

function holdsArchive(place: string): boolean {
  return existsSync(place) && (!statSync(place).isDirectory() || warcFiles(place).length > 0)
}

function isFinished(job: string): boolean {
  const reader = openReader(job)
  try {
    return readRunState(reader.positions())?.status === 'finished'
  } catch {
    // Damage has been told.
    return false
  } finally {
    reader.close()
  }
}
