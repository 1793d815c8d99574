/** Whether the records of these files are those that were sent, each once and in order. */
import { readFileSync } from 'node:fs'
import { streamRecord } from 'sluice/testing'

for (const file of process.argv.slice(2)) {
  const texts = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text)
  const strange = texts.findIndex((text, n) => text !== streamRecord(n).text)
  const word = strange === -1 ? 'each as it was sent, in order' : `number ${strange} is ${texts[strange]}`
  console.log(`${file}: ${texts.length} records, ${word}`)
}
