/**
 * Hands out numbers from a durable frontier to whoever connects: `take` on a line, the number on a line, `none` when all
 * are gone. Its parent kills it at any instant. Arguments: folder, how many numbers there are.
 */
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/engine/clock.ts'
import { sqliteFrontier } from '../../src/frontier/sqlite/index.ts'
import { openTake } from '../../src/frontier/take.ts'
import { fpOf } from '../../src/testing/frontier/lab.ts'

const [folder = '', count = '0'] = process.argv.slice(2)
const clock = systemClock()
const { frontier, existed } = await sqliteFrontier({
  path: folder,
  clock,
  defaults: () => ({ delayMs: 0, conns: 1 }),
  inputFp: (source, ordinal) => fpOf(`${source} ${ordinal}`),
})
if (!existed) {
  const numbers = Array.from({ length: Number(count) }, (_, n) => `queue:numbers/${n}`)
  await frontier.add(numbers.map((url) => ({ url, key: 'queue:numbers', fp: fpOf(url) })))
}
const take = await openTake(frontier, { clock })
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy())
  createInterface({ input: socket }).on('line', () => {
    void take().then(([taken]) => socket.write(`${taken === undefined ? 'none' : taken.url.split('/')[1]}\n`))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`port ${address.port}\n`)
})
process.stdin.resume().on('end', () => process.exit(0))
