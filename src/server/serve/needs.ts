/**
 * What the service needs of others: the servers that every job writes to. Whether one answers is asked when somebody wants
 * to know, within a limit, and kept for a moment. The service itself never waits for them: it says that they are away.
 */
import { connect } from 'node:net'
import type { Clock } from '../../model/clock.ts'

export interface Need {
  /** `redis://host:6379`, without credentials. */
  readonly name: string
  readonly isThere: boolean
}

export interface Needs {
  look(): Promise<readonly Need[]>
}

interface Server {
  readonly name: string
  readonly host: string
  readonly port: number
  /** Said after the connection is open, to be answered with anything at all; '' where the server speaks first. */
  readonly greeting: string
  /** An open connection is all that can be asked for. */
  readonly isSilent: boolean
}

/** A server that takes longer is away. Whoever submits a job hears so within a second. */
const LIMIT_MS = 500
const KEPT_MS = 1_000

/** PostgreSQL, "Message formats": SSLRequest. */
const SSL_REQUEST = '\0\0\0\u0008\u0004\u00d2\u0016\u002f'
const SCHEMES: Readonly<
  Record<string, { readonly port: number; readonly greeting?: string; readonly isSilent?: true }>
> = {
  redis: { port: 6379, greeting: 'PING\r\n' },
  rediss: { port: 6379, isSilent: true },
  postgres: { port: 5432, greeting: SSL_REQUEST },
  postgresql: { port: 5432, greeting: SSL_REQUEST },
  mysql: { port: 3306 },
  mariadb: { port: 3306 },
  mongodb: { port: 27_017, isSilent: true },
}

/** @param outputs as for `--out`; those that are files need nobody */
export function createNeeds(outputs: readonly string[], clock: Clock): Needs {
  const servers = outputs.flatMap(serverOf)
  let known: readonly Need[] = []
  let at = Number.NEGATIVE_INFINITY
  let looking: Promise<readonly Need[]> | undefined
  return {
    async look() {
      if (clock.now() - at < KEPT_MS) return known
      looking ??= Promise.all(servers.map(async (one) => ({ name: one.name, isThere: await answers(one) }))).finally(
        () => (looking = undefined),
      )
      known = await looking
      at = clock.now()
      return known
    },
  }
}

function serverOf(output: string): Server[] {
  const scheme = /^([a-z]+):\/\//.exec(output)?.[1] ?? ''
  const row = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined
  if (row === undefined || !URL.canParse(output)) return []
  const { hostname, port } = new URL(output)
  const at = { host: hostname.replace(/^\[|\]$/g, '') || 'localhost', port: port === '' ? row.port : Number(port) }
  const name = `${scheme}://${hostname}:${at.port}`
  return [{ ...at, name, greeting: row.greeting ?? '', isSilent: row.isSilent === true }]
}

function answers({ host, port, greeting, isSilent }: Server): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (isThere: boolean): void => {
      clearTimeout(limit)
      socket.destroy()
      resolve(isThere)
    }
    const limit = setTimeout(() => end(false), LIMIT_MS)
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('connect', () => {
      if (isSilent) end(true)
      else if (greeting !== '') socket.write(greeting, 'latin1')
    })
    socket.on('data', () => end(true))
  })
}
