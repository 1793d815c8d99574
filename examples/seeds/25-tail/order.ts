/** How many lines of the log each file has, and whether they are in their order. */
import { readFileSync } from 'node:fs'

for (const file of process.argv.slice(2)) {
  const numbers = [...readFileSync(file, 'utf8').matchAll(/\/p\/(\d+)/g)].map(([, n]) => Number(n))
  const isInOrder = numbers.every((number, index) => number === index)
  console.log(`${file}: ${numbers.length} lines, ${isInOrder ? 'in order' : 'not in order'}`)
}
