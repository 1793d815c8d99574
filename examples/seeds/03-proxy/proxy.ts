/**
 * Runs a command behind a proxy that asks for a login and writes down what it is asked for. Tunnels lead to a TLS server
 * of this program, which answers with the pages of the origin and says that they came this way.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import type { AddressInfo, Server } from 'node:net'

const LOGIN = 'ada:s3cret-word'
const [command = '', ...args] = process.argv.slice(2)
const [address = '', port = ''] = (process.env['ORIGIN'] ?? '').split(':')

const tls = createTlsServer(
  { key: readFileSync('key.pem'), cert: readFileSync('certificate.pem') },
  ({ url, headers }, response) => {
    get(
      { host: address, port, path: url, headers: { host: headers.host, via: 'tunnel', connection: 'close' } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'text/plain' })
        answer.pipe(response)
      },
    )
  },
)
const proxy = createServer((request, response) => {
  console.log(`plain ${request.url}`)
  response.writeHead(502).end()
})
proxy.on('connect', (request, client) => {
  const isKnown = request.headers['proxy-authorization'] === `Basic ${Buffer.from(LOGIN).toString('base64')}`
  console.log(`CONNECT ${request.url} ${isKnown ? 'with' : 'without'} the login`)
  if (!isKnown) return void client.end('HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm="lab"\r\n\r\n')
  const upstream = connect(portOf(tls), '127.0.0.1', () => {
    client.write('HTTP/1.1 200 Connected\r\n\r\n')
    upstream.pipe(client).pipe(upstream)
  })
  for (const socket of [upstream, client]) socket.on('error', () => void upstream.destroy())
})

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

for (const server of [tls, proxy]) await once(server.listen(0, '127.0.0.1'), 'listening')
const url = `http://${LOGIN}@127.0.0.1:${portOf(proxy)}`
const env = { ...process.env, http_proxy: url, https_proxy: url, no_proxy: '.local' }
const child = spawn(command, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
const [code] = (await once(child, 'close')) as [number | null]
console.log(`exit ${code}`)
process.exit()
