import { readFileSync } from 'node:fs'

const counts = new Map<string, number>()
const urls = new Set<string>()
for (const line of readFileSync('pages.ndjson', 'utf8').trimEnd().split('\n')) {
  const { url, outcome, code = '' } = JSON.parse(line) as { url: string; outcome: string; code?: string }
  urls.add(url)
  const word = `${new URL(url).host} ${outcome} ${code}`.trimEnd()
  counts.set(word, (counts.get(word) ?? 0) + 1)
}
for (const [word, count] of [...counts].toSorted()) console.log(`${word} ${count}`)
console.log(`${urls.size} URLs`)
