/**
 * The fake web in a process of its own: for benches, where client and server must not share a core, and for tests whose
 * own process is busy or dies. Sites are described by data; the ledger is evaluated over there.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Arrival } from './arrival-log.ts'
import type { FaultRule } from './fault.ts'
import type { Violation } from './ledger.ts'
import type { CallName, Calls, ChildOptions, Returned } from './protocol.ts'
import type { SiteDescriptor } from './site.ts'

export interface OriginProcessOptions extends ChildOptions {
  /** Bind the process to this core by `taskset` (Linux). */
  readonly cpu?: number
}

/** As `Ledger`, asked over there. Times are of the other process's clock: compare them with each other only. */
export interface RemoteLedger {
  count(): Promise<number>
  arrivals(): Promise<Arrival[]>
  paths(): Promise<Map<string, number>>
  hosts(): Promise<Map<string, number>>
  statuses(): Promise<Map<number, number>>
  minGapMs(): Promise<number>
  violations(delayMs: number): Promise<Violation[]>
  maxConcurrent(): Promise<number>
  maxConcurrentPerHost(): Promise<number>
  connections(): Promise<number>
  /** A map gives the delay of each host by name; hosts not in it: 0. */
  boundMs(delayMs: number | ReadonlyMap<string, number>): Promise<number>
}

export interface RemoteOrigin extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  readonly addresses: readonly string[]
  url(host: string, path?: string): string
  directUrl(path?: string): string
  readonly resolve: readonly { readonly pattern: string; readonly address: string; readonly port: number }[]
  readonly resolveFlag: string
  site(host: string, site: SiteDescriptor): Promise<void>
  raw(host: string, path: string, bytes: string | Uint8Array, end?: 'keep' | 'close' | 'reset' | 'hang'): Promise<void>
  fault(host: string, rule: FaultRule): Promise<void>
  clearFaults(host: string): Promise<void>
  ledger(host?: string): RemoteLedger
  clearLedger(): Promise<void>
  until(count: number, host?: string): Promise<void>
  untilSent(bytes: number): Promise<void>
  /** What the process has used: to see whether the server was the limit. */
  usage(): Promise<{ cpuMs: number; rssBytes: number; openConnections: number }>
  /** Ends the process and waits for its end. Calls under way reject. */
  close(): Promise<void>
}

/** Starts a fake web in a process of its own. It ends with this one, whatever happens. */
export async function startOriginProcess(options: OriginProcessOptions = {}): Promise<RemoteOrigin> {
  const { cpu, ...childOptions } = options
  const program = import.meta.url.endsWith('.ts') ? './serve.ts' : './serve.js'
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [], {
    // Not the parent's: flags such as --test or --inspect-brk are not meant for it.
    execArgv: cpu === undefined ? [] : ['-c', String(cpu), process.execPath],
    ...(cpu === undefined ? {} : { execPath: 'taskset' }),
    // Maps, bytes and Infinity travel as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const call = caller(child)

  let closing: Promise<void> | undefined
  function close(): Promise<void> {
    closing ??= new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve()
      child.once('exit', () => resolve())
      if (child.connected) child.disconnect()
    })
    return closing
  }

  const { port, addresses } = await call('start', childOptions).catch(async (error: unknown) => {
    await close()
    throw error
  })
  const first = addresses[0] as string

  return {
    pid: child.pid as number,
    port,
    addresses,
    url: (host, path = '/') => `http://${host}${path}`,
    directUrl: (path = '/') => `http://${first}:${port}${path}`,
    resolve: [{ pattern: '*', address: first, port }],
    resolveFlag: `*=${first}:${port}`,
    site: (host, site) => call('site', host, site),
    raw: (host, path, bytes, end = 'close') => call('raw', host, path, bytes, end),
    fault: (host, rule) => call('fault', host, rule),
    clearFaults: (host) => call('clearFaults', host),
    ledger: (host) => ({
      count: () => call('count', host),
      arrivals: () => call('arrivals', host),
      paths: () => call('paths', host),
      hosts: () => call('hosts', host),
      statuses: () => call('statuses', host),
      minGapMs: () => call('minGapMs', host),
      violations: (delayMs) => call('violations', host, delayMs),
      maxConcurrent: () => call('maxConcurrent', host),
      maxConcurrentPerHost: () => call('maxConcurrentPerHost', host),
      connections: () => call('connections', host),
      boundMs: (delayMs) => call('boundMs', host, delayMs),
    }),
    clearLedger: () => call('clearLedger'),
    until: (count, host) => call('until', count, host),
    untilSent: (bytes) => call('untilSent', bytes),
    usage: () => call('usage'),
    close,
    [Symbol.asyncDispose]: close,
  }
}

type Caller = <Name extends CallName>(name: Name, ...args: Parameters<Calls[Name]>) => Promise<ReturnType<Calls[Name]>>

/** Numbers the calls and matches the answers; all that are open reject when the process ends. */
function caller(child: ChildProcess): Caller {
  const open = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  let calls = 0
  let ended: Error | undefined
  function end(reason: string): void {
    ended ??= new Error(`origin process: ${reason}`)
    for (const { reject } of open.values()) reject(ended)
    open.clear()
  }
  child.on('error', (error) => end(error.message))
  child.on('exit', (code, signal) => end(`ended (${signal ?? code})`))
  child.on('disconnect', () => end('closed'))
  child.on('message', ({ id, value, error }: Returned) => {
    const waiting = open.get(id)
    open.delete(id)
    if (error === undefined) waiting?.resolve(value as never)
    else waiting?.reject(new Error(error))
  })
  return (name, ...args) =>
    new Promise((resolve, reject) => {
      if (ended !== undefined) return reject(ended)
      const id = ++calls
      open.set(id, { resolve, reject })
      child.send({ id, name, args }, (error) => {
        if (error !== null) end(error.message)
      })
    })
}
