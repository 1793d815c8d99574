/** A name server on loopback (RFC 1035, UDP) that knows the names it is told: good ones, missing, broken, slow and silent. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import { isIPv6 } from 'node:net'

/** What a name answers. A list is used up one lookup after the other, its last entry stays. */
export interface NameAnswer {
  /** IPv4 and IPv6 addresses. Default none: the name exists, without an address. */
  readonly addresses?: readonly string[]
  /** Seconds. Default 60. */
  readonly ttl?: number
  /** `missing`: NXDOMAIN; `broken`: SERVFAIL; `silent`: no answer ever. */
  readonly fails?: 'missing' | 'broken' | 'silent'
  readonly delayMs?: number
}

export interface NameServer extends AsyncDisposable {
  /** `127.0.0.1:port`, as the option `dns` takes it. */
  readonly address: string
  /** Questions so far, by name. */
  readonly asked: ReadonlyMap<string, number>
  close(): Promise<void>
}

const TYPE_A = 1
const TYPE_AAAA = 28
const CODES = { missing: 3, broken: 2 } as const

/**
 * @param names name, or `*.suffix`, in lower case → answer; unknown names are missing.
 */
export async function startNames(
  names: Readonly<Record<string, NameAnswer | readonly NameAnswer[]>>,
): Promise<NameServer> {
  const asked = new Map<string, number>()
  const timers = new Set<NodeJS.Timeout>()
  const socket = createSocket('udp4')
  socket.on('message', (question, from) => {
    const { name, type, end } = readQuestion(question)
    const count = (asked.get(name) ?? 0) + 1
    asked.set(name, count)
    const told = names[name] ?? names[`*${name.slice(name.indexOf('.'))}`] ?? { fails: 'missing' }
    // A and AAAA are asked for together: a pair is one lookup.
    const answer = 'length' in told ? told[Math.min(told.length, Math.ceil(count / 2)) - 1] : told
    if (answer === undefined || answer.fails === 'silent') return
    const send = (): void => socket.send(reply(question.subarray(0, end), type, answer), from.port, from.address)
    if (answer.delayMs === undefined) send()
    else later(timers, send, answer.delayMs)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const close = (): Promise<void> => {
    for (const timer of timers) clearTimeout(timer)
    return new Promise((resolve) => socket.close(() => resolve()))
  }
  const { port } = socket.address() as AddressInfo & RemoteInfo
  return { address: `127.0.0.1:${port}`, asked, close, [Symbol.asyncDispose]: close }
}

function later(timers: Set<NodeJS.Timeout>, work: () => void, ms: number): void {
  const timer = setTimeout(() => {
    timers.delete(timer)
    work()
  }, ms)
  timers.add(timer)
}

/** RFC 1035 4.1.2; one question, its name never compressed. */
function readQuestion(bytes: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: bytes.readUInt16BE(at + 1), end: at + 5 }
}

/** The question again with its answers, each pointing back at the name (RFC 1035 4.1.4). */
function reply(question: Buffer, type: number, { addresses = [], ttl = 60, fails }: NameAnswer): Buffer {
  const wanted = addresses.filter((one) => (type === TYPE_AAAA ? isIPv6(one) : type === TYPE_A && !isIPv6(one)))
  const head = Buffer.from(question)
  head.writeUInt16BE(0x8180 | (fails === 'missing' || fails === 'broken' ? CODES[fails] : 0), 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(wanted.length, 6)
  head.writeUInt32BE(0, 8)
  const records = wanted.map((address) => {
    const data = bytesOf(address)
    const record = Buffer.alloc(12)
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(type, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(ttl, 6)
    record.writeUInt16BE(data.length, 10)
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, ...records])
}

function bytesOf(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number))
  const [front = '', back = ''] = address.split('::')
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const first = groups(front)
  const last = groups(back)
  const bytes = Buffer.alloc(16)
  for (const [i, group] of first.entries()) bytes.writeUInt16BE(group, 2 * i)
  for (const [i, group] of last.entries()) bytes.writeUInt16BE(group, 16 - 2 * (last.length - i))
  return bytes
}
