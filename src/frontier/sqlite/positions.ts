/** Positions of sinks, sources and the engine, as last committed. */
import type { DatabaseSync } from 'node:sqlite'

export function readPositions(db: DatabaseSync): Map<string, Uint8Array> {
  const rows = db.prepare('SELECT name,value FROM position').all() as { name: string; value: Uint8Array }[]
  return new Map(rows.map(({ name, value }) => [name, Uint8Array.from(value)]))
}
