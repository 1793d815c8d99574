/**
 * How a second process speaks to the owner of a live job: JSON-RPC 2.0, a line a message, over `control.sock` in the job
 * folder (mode 0600; a named pipe on Windows). Whoever may open the folder may steer the job.
 */
import { createHash } from 'node:crypto'
import { chmodSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SluiceError } from '../model/errors.ts'
import type { ErrorCode } from '../model/errors.ts'

export type ControlMethod = 'stop' | 'pause' | 'resume' | 'retry' | 'set' | 'add' | 'snapshot' | 'workers'
export type ControlHandler = (method: ControlMethod, params: unknown) => Promise<unknown>

const METHODS: readonly string[] = ['stop', 'pause', 'resume', 'retry', 'set', 'add', 'snapshot', 'workers']
/** A longer path does not fit into the address of a Unix socket. */
const LONGEST_PATH = 100
const LONGEST_LINE = 65_536

export function controlPath(folder: string): string {
  const mark = createHash('sha256').update(folder).digest('hex').slice(0, 24)
  if (process.platform === 'win32') return `\\\\.\\pipe\\sluice-${mark}`
  const path = join(folder, 'control.sock')
  return path.length <= LONGEST_PATH ? path : join(tmpdir(), `sluice-${mark}.sock`)
}

export interface ControlServer {
  close(): Promise<void>
}

/** The caller holds the job's lock: a socket file that is already there belongs to a dead owner. */
export async function serveControl(folder: string, handler: ControlHandler): Promise<ControlServer> {
  const path = controlPath(folder)
  if (process.platform !== 'win32') rmSync(path, { force: true })
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    readLines(socket, (line) => {
      answer(line, handler).then(
        (reply) => socket.write(`${JSON.stringify(reply)}\n`),
        () => socket.destroy(),
      )
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve())
  })
  server.on('error', () => undefined)
  if (process.platform !== 'win32') chmodSync(path, 0o600)
  server.unref()
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

async function answer(line: string, handler: ControlHandler): Promise<unknown> {
  let message: { id?: unknown; method?: unknown; params?: unknown }
  try {
    message = JSON.parse(line) as typeof message
  } catch {
    return { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'not JSON' } }
  }
  const id = message.id ?? null
  if (typeof message.method !== 'string' || !METHODS.includes(message.method)) {
    return { jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } }
  }
  try {
    return { jsonrpc: '2.0', id, result: (await handler(message.method as ControlMethod, message.params)) ?? null }
  } catch (error) {
    const data = error instanceof SluiceError ? { code: error.code, hint: error.hint } : {}
    return { jsonrpc: '2.0', id, error: { code: -32000, message: (error as Error).message, data } }
  }
}

function readLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    rest += chunk
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + 1)
      onLine(line)
    }
    if (rest.length > LONGEST_LINE) socket.destroy()
  })
}

/** Asks the owner; undefined where no live process listens. Throws the owner's `SluiceError`. */
export function requestControl(folder: string, method: ControlMethod, params: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(controlPath(folder))
    let answered = false
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => {
      if (!answered) resolve(undefined)
    })
    socket.on('connect', () => socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`))
    readLines(socket, (line) => {
      answered = true
      socket.end()
      const reply = JSON.parse(line) as {
        result?: unknown
        error?: { message: string; data?: { code?: ErrorCode; hint?: string } }
      }
      if (reply.error === undefined) {
        resolve(reply.result)
        return
      }
      const { code, hint } = reply.error.data ?? {}
      reject(new SluiceError(code ?? 'OPTION_INVALID', reply.error.message, hint === undefined ? {} : { hint }))
    })
  })
}
