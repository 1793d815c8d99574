/** How many records of each outcome are in these files, by run. */
import { readFileSync } from 'node:fs'

for (const file of process.argv.slice(2)) {
  const counts = new Map<string, number>()
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const { run, outcome, code = '' } = JSON.parse(line) as { run: number; outcome: string; code?: string }
    const word = `run ${run}: ${outcome} ${code}`.trimEnd()
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  for (const [word, count] of [...counts].toSorted()) console.log(`${file} ${word} ${count}`)
}
