/** Owns the numbers of a file: for each line `take` that a client sends, the next one on a line, or `none`. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { sqliteFrontier } from 'sluice/frontiers/sqlite'
import { openTake } from 'sluice/frontiers/take'

const [file = ''] = process.argv.slice(2)
const fpOf = (text: string): bigint => createHash('sha256').update(text).digest().readBigInt64BE()
const clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  bootId: 'this boot',
  bootMs: () => performance.now(),
  setTimer(callback: () => void, ms: number) {
    const timer = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(timer) }
  },
}
const { frontier, existed } = await sqliteFrontier({
  path: './queue.sluice',
  clock,
  defaults: () => ({ delayMs: 0, conns: 1 }),
  inputFp: (source, ordinal) => fpOf(`${source} ${ordinal}`),
})
if (!existed) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const urls = lines.map((line) => `queue:numbers/${encodeURIComponent(line)}`)
  await frontier.add(urls.map((url) => ({ url, key: 'queue:numbers', fp: fpOf(url) })))
}
const take = await openTake(frontier, { clock })
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy())
  createInterface({ input: socket }).on('line', async () => {
    const [taken] = await take()
    socket.write(`${taken === undefined ? 'none' : decodeURIComponent(taken.url.slice('queue:numbers/'.length))}\n`)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(`port ${address.port}`)
})
// It ends with whoever started it.
process.stdin.resume().on('end', () => process.exit(0))
