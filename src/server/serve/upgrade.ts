/** A connection that becomes a WebSocket: looked at as any request is, before the first byte of the answer. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Access } from '../access.ts'
import type { Jobs } from './jobs.ts'
import type { RateLimit } from './rate.ts'
import type { Sockets } from './sockets.ts'
import type { Views } from './views.ts'

export interface UpgradeParts {
  readonly access: Access
  readonly limit: RateLimit
  /** Where the service is mounted. */
  readonly base: string
  readonly jobs: Jobs
  readonly views: Views
  readonly sockets: Sockets
}

export async function acceptUpgrade(
  { access, limit, base, jobs, views, sockets }: UpgradeParts,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => socket.destroy())
  const refuse = (status: string): void => void socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
  const headers = new Headers(
    Object.entries(request.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])) as [
      string,
      string,
    ][],
  )
  const url = new URL(request.url ?? '/', 'http://localhost')
  const name = /^\/jobs\/([^/]+)\/api\/socket$/.exec(url.pathname.slice(base.length))?.[1]
  if (!access.isOurs(headers)) return refuse('403 Forbidden')
  if (limit.take(request.socket.remoteAddress ?? '') > 0) return refuse('429 Too Many Requests')
  if (access.personOf(headers) === undefined) return refuse('401 Unauthorized')
  const job = name === undefined ? undefined : decodeURIComponent(name)
  if (job === undefined || !jobs.has(job) || !jobs.isOpened(job)) return refuse('404 Not Found')
  const { live } = views.of(job, jobs.folderOf(job))
  const after = Number(url.searchParams.get('after') ?? 0)
  await sockets.accept(request, socket, head, live, Number.isSafeInteger(after) && after >= 0 ? after : 0)
}
