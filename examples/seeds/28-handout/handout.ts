/** Three takers, an owner that is killed five times, a taker that is killed once: who got what. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { random } from 'sluice/testing'

const TAKERS = 3
const AT_ONCE = 3
const OWNER_KILLS = 5
const [file = ''] = process.argv.slice(2)
const numbers = readFileSync(file, 'utf8').trimEnd().split('\n')
const draw = random(28)
const given: string[] = []
let ownerKills = 0
let takerKills = 0

/** Starts a program of this folder; each line that it says goes to `onLine`. Its stdin ends with us. */
function start(words: readonly string[], onLine: (line: string) => void): ChildProcess {
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  createInterface({ input: child.stdout }).on('line', onLine)
  return child
}

for (let isEmpty = false; !isEmpty; ) {
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>()
  const owner = start(['owner.ts', file], (line) => resolve(line.replace('port ', '')))
  const gone = once(owner, 'close')
  void gone.then(() => reject(new Error('the owner ended before it listened')))
  const port = await listening
  // One of the takers dies in the second round.
  const killTakerAt = takerKills === 0 && ownerKills === 1 ? given.length + 20 : Infinity
  const killOwnerAt = ownerKills < OWNER_KILLS ? given.length + draw.int(40, 120) : Infinity
  const takers = Array.from({ length: TAKERS }, () =>
    start(['taker.ts', port], (line) => {
      given.push(line)
      if (given.length === killOwnerAt) owner.kill('SIGKILL')
      if (given.length === killTakerAt) takers[0]?.kill('SIGKILL')
    }),
  )
  const ends = (await Promise.all(takers.map((taker) => once(taker, 'close')))) as [number | null, string | null][]
  takerKills += ends.filter(([, signal]) => signal === 'SIGKILL').length
  isEmpty = ends.every(([code]) => code === 0)
  owner.stdin?.end()
  const [, signal] = (await gone) as [number | null, string | null]
  if (signal === 'SIGKILL') ownerKills++
}

const union = new Set(given)
const lost = numbers.filter((number) => !union.has(number)).length
console.log(`${numbers.length} numbers, the owner was killed ${ownerKills} times, a taker ${takerKills} time`)
console.log(`given twice: ${given.length - union.size}`)
console.log(`given and never there: ${given.filter((number) => !numbers.includes(number)).length}`)
const mayBeLost = (OWNER_KILLS * TAKERS + 1) * AT_ONCE
console.log(`lost with their replies: ${lost <= mayBeLost ? 'no more than were asked for' : lost}`)
