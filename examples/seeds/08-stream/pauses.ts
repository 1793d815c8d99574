/** The pauses between connections: why, which one since the last record, and how long it may be. */
import { readFileSync } from 'node:fs'

const [file = ''] = process.argv.slice(2)
for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
  const event = JSON.parse(line) as { type: string; code: string; attempt: number; afterMs: number }
  if (event.type !== 'request.retried') continue
  const longest = 1000 * 2 ** (event.attempt - 1)
  const isIn = event.afterMs >= longest / 2 && event.afterMs <= longest
  console.log(`${event.code}: pause ${event.attempt}, ${isIn ? `up to ${longest} ms` : `${event.afterMs} ms`}`)
}
