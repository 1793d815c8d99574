/** robots.txt of each origin, as a job has stored it. Bodies are read one at a time: there may be as many as hosts. */
import type { DatabaseSync } from 'node:sqlite'
import type { RobotsState } from '../../frontier.ts'

/** Without its body, and without how long it is valid: whoever looks does not hold the job's clock. */
export interface RobotsRow extends Pick<RobotsState, 'origin' | 'verdict' | 'status' | 'fetchedAt'> {
  /** Of the body, in characters. */
  readonly size: number
}

export function robotsRows(db: DatabaseSync): RobotsRow[] {
  return db
    .prepare('SELECT origin,verdict,status,fetched_at AS fetchedAt,length(body) AS size FROM robots ORDER BY rowid')
    .all() as unknown as RobotsRow[]
}

export function robotsOf(db: DatabaseSync, origin: string): RobotsState | undefined {
  const row = db
    .prepare('SELECT origin,verdict,status,body,fetched_at AS fetchedAt FROM robots WHERE origin = ? LIMIT 1')
    .get(origin)
  return row === undefined ? undefined : { ...(row as unknown as Omit<RobotsState, 'validForMs'>), validForMs: 0 }
}
