/** Starts, kills and asks the server of queues in a process of its own. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('./queue-server.ts', import.meta.url))

export interface RunningServer {
  readonly url: string
  readonly port: number
  kill(): Promise<void>
}

/** @param port of an earlier one, so that its clients find this one. */
export async function runQueueServer(folder: string, port = 0): Promise<RunningServer> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=sluice-source', '--disable-warning=ExperimentalWarning', PROGRAM, folder, String(port)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const closed = once(child, 'close')
  const line = await Promise.race([
    once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line').then(([text]) => String(text)),
    closed.then(() => Promise.reject(new Error('the server ended before it listened'))),
  ])
  const bound = Number(line.replace('port ', ''))
  return {
    url: `http://127.0.0.1:${bound}/queues`,
    port: bound,
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
  }
}

/** Asks until the server answers: it may be dead just now. Undefined: the connection broke, the answer may be lost. */
export async function post(url: string, body = ''): Promise<Response | undefined> {
  try {
    const response = await fetch(url, { method: 'POST', body })
    const bytes = await response.arrayBuffer()
    return new Response(bytes.byteLength === 0 ? null : bytes, response)
  } catch {
    return undefined
  }
}
