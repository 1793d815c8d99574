/**
 * The parts of unfinished downloads in the job folder (docs/adr/0018): opened with the job, and rid of those whose
 * request no longer waits. What is in them is `fetch/part-folder.ts`'s.
 */
import { join } from 'node:path'
import { PartFolder } from '../fetch/part-folder.ts'
import type { Frontier, FrontierStats } from '../frontier/frontier.ts'
import type { ResolvedOptions } from './options.ts'

/** Rows of what is left that are looked at before a job starts; what they do not tell is told by its end. */
const ROWS = 100_000
const SLICE = 10_000

/** @param folder of the job, or of a run that leaves nothing behind. */
export function openParts(options: ResolvedOptions, folder: string): PartFolder {
  return new PartFolder({ folder: join(folder, 'parts'), isSynced: options.get('durability') === 'power' })
}

/**
 * Removes parts whose request does not wait: a process that died between a settlement and their removal left them. They
 * are few and cost only room, so a long queue is not read to its end for them.
 */
export async function removeOrphans(
  parts: PartFolder,
  frontier: Pick<Frontier, 'scan'>,
  { queued, delayed, following, inFlight }: FrontierStats,
): Promise<void> {
  const orphans = new Set(parts.names())
  if (orphans.size === 0) return
  let isRead = queued + delayed + following + inFlight === 0
  for (let seen = 0, after = 0; !isRead && orphans.size > 0 && seen < ROWS; seen += SLICE) {
    const { rows, next } = await frontier.scan({ what: 'left', limit: SLICE, after })
    for (const { fp } of rows) orphans.delete(fp)
    isRead = next === null
    after = next ?? 0
  }
  if (isRead) for (const name of orphans) parts.remove(name)
}
