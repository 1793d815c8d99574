/** What travels between a test and an origin in another process: names of members and plain data. */
import type { Arrival } from './arrival-log.ts'
import type { FaultRule } from './fault.ts'
import type { Violation } from './ledger.ts'
import type { SiteDescriptor } from './site.ts'

/** What the child is started with. */
export interface ChildOptions {
  readonly addresses?: readonly string[]
  readonly port?: number
  readonly behaviours?: boolean
  readonly recordHeaders?: readonly string[]
  readonly sites?: Readonly<Record<string, SiteDescriptor>>
}

/** Calls and what they give. */
export interface Calls {
  start(options: ChildOptions): { port: number; addresses: readonly string[] }
  site(host: string, site: SiteDescriptor): void
  raw(host: string, path: string, bytes: string | Uint8Array, end?: 'keep' | 'close' | 'reset' | 'hang'): void
  fault(host: string, rule: FaultRule): void
  clearFaults(host: string): void
  clearLedger(): void
  until(count: number, host?: string): void
  untilSent(bytes: number): void
  usage(): { cpuMs: number; rssBytes: number; openConnections: number }
  count(host?: string): number
  arrivals(host?: string): Arrival[]
  paths(host?: string): Map<string, number>
  hosts(host?: string): Map<string, number>
  statuses(host?: string): Map<number, number>
  minGapMs(host?: string): number
  violations(host: string | undefined, delayMs: number): Violation[]
  maxConcurrent(host?: string): number
  maxConcurrentPerHost(host?: string): number
  connections(host?: string): number
  boundMs(host: string | undefined, delayMs: number | ReadonlyMap<string, number>): number
}

export type CallName = keyof Calls

export interface Call {
  readonly id: number
  readonly name: CallName
  readonly args: readonly unknown[]
}

/** The answer to the call of the same id. */
export interface Returned {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}
