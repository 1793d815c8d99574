/** A server of queues for tests that kill it. Arguments: folder, port (0: any). It ends with whoever started it. */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { AddressInfo } from 'node:net'
import { openQueues } from '../../src/job/open-queues.ts'
import { queueApi } from '../../src/server/queue-api.ts'

const [folder = '', port = '0'] = process.argv.slice(2)
const queues = openQueues({ folder })
const app = new Hono().route('/queues', queueApi({ queues }))
const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(port) }, () => {
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`)
})
process.stdin.resume().on('end', () => process.exit(0))
