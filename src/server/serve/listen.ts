/** A server of its own for a service: where it listens, and how much of a client's slowness it bears. */
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { SluiceError } from '../../model/errors.ts'
import { createService } from './service.ts'
import type { Service, ServiceOptions } from './service.ts'

export interface ListenInit extends ServiceOptions {
  /** Default 7070; 0: any that is free. */
  readonly port?: number
  /** Default 127.0.0.1. */
  readonly host?: string
}

export interface ListeningService {
  readonly service: Service
  readonly port: number
  /** Without a key. */
  readonly url: string
  close(): Promise<void>
}

const PORT = 7070
const LOCAL = '127.0.0.1'
/** A client has to send a head in that time, and a whole request in the other, ms. */
const HEAD_MS = 10_000
const REQUEST_MS = 60_000
const LOOK_MS = 2_000
const MOST_CONNECTIONS = 10_000

/** @throws SluiceError OPTION_INVALID: an address that others reach without keys, a port that is taken; FRONTIER_LOCKED */
export async function listenService(init: ListenInit): Promise<ListeningService> {
  const { port = PORT, host = LOCAL, ...options } = init
  if (!isLoopback(host) && init.holders === undefined)
    throw new SluiceError(
      'OPTION_INVALID',
      `${host} can be reached from other machines: the service needs keys there`,
      {
        hint: 'name a file with a line NAME KEY for each person: --auth keys.txt',
      },
    )
  const service = createService({ ...options, hosts: [...namesOf(host), ...(init.hosts ?? [])] })
  // Importing it loads the globals of the Fetch API.
  const { createServer } = await import('node:http')
  const server = createServer(
    { headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: LOOK_MS },
    service.listener,
  )
  server.maxConnections = MOST_CONNECTIONS
  server.on('upgrade', (request, socket, head) => service.upgrade(request, socket, head))
  try {
    await new Promise<void>((ready, failed) => {
      server.once('error', failed)
      server.listen(port, host, ready)
    })
  } catch (cause) {
    throw new SluiceError('OPTION_INVALID', `${host}:${port} cannot be used: ${(cause as Error).message}`, {
      cause,
      hint: 'name another port: --port 0 takes any that is free',
    })
  }
  const close = async (): Promise<void> => {
    const ended = new Promise<void>((resolve) => server.close(() => resolve()))
    await service.close()
    server.closeAllConnections()
    await ended
  }
  service.port = (server.address() as AddressInfo).port
  try {
    await service.start()
  } catch (error) {
    await close()
    throw error
  }
  const shown = isIP(host) === 6 ? `[${host}]` : host
  return { service, port: service.port, url: `http://${shown}:${service.port}/`, close }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Under which names an address is asked; of the wildcard those of all interfaces of this machine. */
function namesOf(host: string): string[] {
  const isAny = host === '0.0.0.0' || host === '::'
  const addresses = isAny
    ? Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
    : [host]
  return addresses.map((address) => (isIP(address) === 6 ? `[${address}]` : address))
}
