/** The program of an origin in another process: started by `remote.ts`, speaks its calls, ends with its parent. */
import { type Origin, startOrigin } from '../origin.ts'
import type { Call, Calls, Returned } from './protocol.ts'

let running: Origin | undefined

function origin(): Origin {
  if (running === undefined) throw new Error('not started')
  return running
}

const calls: { [Name in keyof Calls]: (...args: Parameters<Calls[Name]>) => unknown } = {
  async start(options) {
    running = await startOrigin(options)
    return { port: running.port, addresses: running.addresses }
  },
  site: (host, site) => origin().site(host, site),
  raw: (host, path, bytes, end) => origin().raw(host, path, bytes, end),
  fault: (host, rule) => origin().fault(host, rule),
  clearFaults: (host) => origin().clearFaults(host),
  clearLedger: () => origin().clearLedger(),
  until: (count, host) => origin().until(count, host),
  untilSent: (bytes) => origin().untilSent(bytes),
  usage() {
    const { user, system } = process.cpuUsage()
    const rssBytes = process.memoryUsage.rss()
    return { cpuMs: (user + system) / 1000, rssBytes, openConnections: origin().openConnections }
  },
  count: (host) => origin().ledger(host).count,
  arrivals: (host) => [...origin().ledger(host).arrivals()],
  paths: (host) => origin().ledger(host).paths(),
  hosts: (host) => origin().ledger(host).hosts(),
  statuses: (host) => origin().ledger(host).statuses(),
  minGapMs: (host) => origin().ledger(host).minGapMs(),
  violations: (host, delayMs) => origin().ledger(host).violations(delayMs),
  maxConcurrent: (host) => origin().ledger(host).maxConcurrent(),
  maxConcurrentPerHost: (host) => origin().ledger(host).maxConcurrentPerHost(),
  connections: (host) => origin().ledger(host).connections(),
  boundMs: (host, delayMs) =>
    origin()
      .ledger(host)
      .boundMs(typeof delayMs === 'number' ? delayMs : (name) => delayMs.get(name) ?? 0),
}

async function answer({ id, name, args }: Call): Promise<Returned> {
  try {
    return { id, value: await (calls[name] as (...args: readonly unknown[]) => unknown)(...args) }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}

process.on('message', async (call: Call) => {
  const returned = await answer(call)
  if (process.connected) process.send?.(returned)
})
// The channel is closed by `close()` and by the death of the parent.
process.on('disconnect', () => process.exit(0))
