/** Answers nobody until so many connections have asked, or for a while where they never do; says how many there were at once. */
import { createServer, type AddressInfo, type Socket } from 'node:net'

const [most = ''] = process.argv.slice(2)
const PATIENCE_MS = 5_000
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\npage'
let waiting: Socket[] = []
let highest = 0

function answer(): void {
  const all = waiting
  waiting = []
  for (const socket of all) socket.end(ANSWER)
}

let timer = setTimeout(answer, PATIENCE_MS)
const server = createServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => {
    waiting.push(socket)
    highest = Math.max(highest, waiting.length)
    clearTimeout(timer)
    // No more come: those that are here are all that there will be.
    timer = setTimeout(answer, PATIENCE_MS)
    if (waiting.length >= Number(most)) answer()
  })
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 20_000 }, () =>
  process.send?.((server.address() as AddressInfo).port),
)
process.on('message', () => process.send?.(highest))
