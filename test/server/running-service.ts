/** A service of its own in a process of its own, as `sluice serve` starts it, and ways to ask it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import type { ListeningService } from '../../src/server/serve/index.ts'
import type { Origin } from '../../src/testing/origin.ts'
import { start } from '../cli/run-cli.ts'

/** JSON that is looked at field by field: a field that is not there fails where it is compared. */
// oxlint-disable-next-line typescript/no-explicit-any -- the answers of a hundred routes have no type here
export type Loose = any

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Undefined where it is no JSON. */
  readonly json: Loose
}

export interface Client {
  readonly url: string
  readonly key: string
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  send(path: string, init: RequestInit, key?: string): Promise<Answer>
}

export function clientOf(url: string, key: string): Client {
  const send = async (path: string, init: RequestInit, own = key): Promise<Answer> => {
    const headers = new Headers(init.headers)
    if (own !== '') headers.set('authorization', `Bearer ${own}`)
    const response = await fetch(new URL(path, url), { redirect: 'manual', ...init, headers })
    const text = await response.text()
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      json = undefined
    }
    return { status: response.status, headers: response.headers, text, json }
  }
  return {
    url,
    key,
    send,
    get: (path, headers = {}) => send(path, { headers }),
    post: (path, body = {}, headers = {}) =>
      send(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
  }
}

export function clientOfService({ url, service }: ListeningService): Client {
  return clientOf(url, service.key)
}

export interface RunningService extends Client {
  kill(): Promise<void>
  /** Ends it as Ctrl-C does; resolves with the exit code. */
  stop(): Promise<number | null>
}

/** Jobs of it reach the fake web, which is on loopback. */
export async function startService(cwd: string, origin: Origin, ...args: string[]): Promise<RunningService> {
  const flags = ['--port', '0', '--private', '--resolve', origin.resolveFlag, '--contact', 'https://lab.example/bot']
  const { child, ended, stderr } = start(['serve', ...flags, ...args], { cwd })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => String(text)),
    ended.then(() => assert.fail(`the service ended: ${stderr()}`)),
  ])
  const [url = '', key = ''] = line.split('#k=')
  return {
    ...clientOf(url, key),
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
    stop: async () => {
      child.kill('SIGINT')
      return (await ended).code
    },
  }
}

/** Asks again until it is so; fails after a minute, saying what it was. */
export async function until<T>(ask: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 60_000
  for (;;) {
    const value = await ask()
    if (isSo(value)) return value
    assert.ok(performance.now() < end, `still ${JSON.stringify(value)}`)
    await pause(20)
  }
}
