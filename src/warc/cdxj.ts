/** Lines of a CDXJ index: SURT key, 14-digit time, JSON. One for every response and revisit record of an archive. */
import { headerOf, readHttpHead } from './http-block.ts'
import type { WarcRecord } from './reader.ts'
import { surtOf } from './surt.ts'

export interface IndexEntry {
  readonly url: string
  /** ISO 8601, as in the record. */
  readonly date: string
  /** MIME essence; `warc/revisit` for revisits, as all indexers write it. */
  readonly mime: string
  /** 0 where the block held no HTTP response. */
  readonly status: number
  /** `sha1:…` of the payload; empty where the record names none. */
  readonly digest: string
  /** Bytes of the record in the file, compressed. */
  readonly length: number
  readonly offset: number
  /** File name without a folder. */
  readonly filename: string
}

export const REVISIT_MIME = 'warc/revisit'

export function indexLine(entry: IndexEntry): string {
  const { url, mime, status, digest, length, offset, filename, date } = entry
  const fields: Record<string, string> = { url, mime, status: String(status) }
  if (digest !== '') fields['digest'] = digest
  // `date` keeps what 14 digits drop: a revisit names its original to the millisecond.
  Object.assign(fields, { length: String(length), offset: String(offset), filename, date })
  return `${surtOf(url)} ${timeKey(date)} ${ascii(JSON.stringify(fields))}`
}

/** Undefined where the line is torn or is none. */
export function parseIndexLine(line: string): IndexEntry | undefined {
  const match = /^\S+ (\d{14}) (\{.*\})$/.exec(line)
  if (match === null) return undefined
  let fields: Record<string, unknown>
  try {
    fields = JSON.parse(match[2] as string) as Record<string, unknown>
  } catch {
    return undefined
  }
  const { url, filename } = fields
  const offset = Number(fields['offset'])
  const length = Number(fields['length'])
  if (typeof url !== 'string' || typeof filename !== 'string') return undefined
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length <= 0) return undefined
  const date = typeof fields['date'] === 'string' ? fields['date'] : isoOf(match[1] as string)
  const mime = String(fields['mime'] ?? 'unk')
  const digest = String(fields['digest'] ?? '')
  return { url, date, mime, status: Number(fields['status'] ?? 0), digest, length, offset, filename }
}

/** What the index says of a record; undefined for records that are not indexed. The start of the block is enough. */
export function entryOf(record: WarcRecord, filename: string): IndexEntry | undefined {
  const url = record.header('warc-target-uri')
  if ((record.type !== 'response' && record.type !== 'revisit') || url === undefined) return undefined
  const head = readHttpHead(record.block)
  const essence = headerOf(head?.headers ?? [], 'content-type')
    ?.split(';', 1)[0]
    ?.trim()
    .toLowerCase()
  return {
    url,
    date: record.header('warc-date') ?? '',
    mime: record.type === 'revisit' ? REVISIT_MIME : essence || 'unk',
    status: head?.status ?? 0,
    digest: record.header('warc-payload-digest') ?? '',
    length: record.length,
    offset: record.offset,
    filename,
  }
}

/** `20261121021337` of an ISO date. */
export function timeKey(date: string): string {
  return date.replaceAll(/\D/g, '').slice(0, 14).padEnd(14, '0')
}

function isoOf(key: string): string {
  return key.replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3T$4:$5:$6Z')
}

/** Lines are compared as bytes: with ASCII alone that is the order of strings as well. */
function ascii(json: string): string {
  return json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
