/** Which lines of the log each file has, and whether they are in their order, each once. */
import { readFileSync } from 'node:fs'

for (const file of process.argv.slice(2)) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const numbers = lines.map((line) => Number((JSON.parse(line) as { path: string }).path.slice('/p/'.length)))
  const [first = 0] = numbers
  const isInOrder = numbers.every((number, index) => number === first + index)
  console.log(`${file}: ${first} to ${numbers.at(-1)}, ${isInOrder ? 'each once, in order' : numbers.join(' ')}`)
}
