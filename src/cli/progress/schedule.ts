/** When progress is reported. Pure: the driver asks with the time since the start. */

export type ProgressKind = 'bar' | 'lines' | 'plain' | 'json' | 'none'

export interface KindFacts {
  readonly redraw: boolean
  readonly accessible: boolean
  readonly quiet: boolean
  /** `--json` on stdout: a program watches, nobody else. */
  readonly json: boolean
}

/** What `--progress auto` means here, and what a wish becomes where the stream cannot take it. */
export function chooseProgress(wish: 'auto' | ProgressKind, facts: KindFacts): ProgressKind {
  if (facts.quiet) return 'none'
  if (wish === 'bar') return facts.redraw ? 'bar' : 'lines'
  if (wish !== 'auto') return wish
  if (facts.json) return 'none'
  if (facts.accessible) return 'plain'
  return facts.redraw ? 'bar' : 'lines'
}

/** A bar is redrawn at most four times a second. */
export const REDRAW_MS = 250

/** Wait before line number `count` (0 for the first): 5 s, then every 10 s for a minute, then ever rarer, at last 60 s. */
export function lineDelayMs(count: number): number {
  if (count === 0) return 5_000
  if (count <= 6) return 10_000
  if (count <= 12) return 20_000
  return count <= 18 ? 30_000 : 60_000
}

/** Sentences come with every further 5 %, and every 30 s where nothing else is said. */
export const HEARTBEAT_MS = 30_000
export const SENTENCE_SHARE = 0.05
/** How often the share is looked at for sentences. */
export const LOOK_MS = 1_000

export function sentenceDue(share: number | null, lastShare: number, sinceLastMs: number): boolean {
  if (sinceLastMs >= HEARTBEAT_MS) return true
  if (share === null) return false
  return Math.floor(share / SENTENCE_SHARE + 1e-9) > Math.floor(lastShare / SENTENCE_SHARE + 1e-9)
}
