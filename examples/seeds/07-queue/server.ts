/** Queues on a port, kept in `queues/`. Argument: the port, 0 for any. Says the port when it listens. */
import { createServer } from 'node:http'
import { openQueues, queueApi } from 'sluice/queues'

const queues = openQueues({ folder: 'queues' })
const api = queueApi({ queues })
const server = createServer(async (request, response) => {
  const body = request.method === 'GET' ? {} : { body: await bytesOf(request) }
  const { method = 'GET', url = '/', headers } = request
  const answer = await api.request(url, { method, headers: headers as Record<string, string>, ...body })
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  response.end(Buffer.from(await answer.arrayBuffer()))
})
server.listen(Number(process.argv[2]), '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(address.port)
})

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
