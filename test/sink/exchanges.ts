/** Settled pages with their exchange, as an archive is given them. */
import type { PageRecord } from '../../src/model/record.ts'
import type { Exchange, SinkRecord } from '../../src/sink/sink.ts'

export interface PageInit {
  readonly url?: string
  readonly body?: Uint8Array
  readonly bodyFile?: string
  readonly record?: Partial<PageRecord>
  readonly exchange?: Partial<Exchange>
}

/** 2026-11-21T02:13:37.120Z. */
export const STARTED = 1_795_227_217_120

export const JOB = { name: 'shop', id: 'job-1', run: 1, committedSeq: 0, columns: [] }

/** A page of `seq`; by default 200 and HTML, with the headers that most have. */
export function page(seq: number, init: PageInit = {}): SinkRecord {
  const url = init.url ?? `https://a.example/${seq}`
  const body = init.body ?? Buffer.from(`<p>page ${seq}</p>`)
  const record: PageRecord = {
    url,
    outcome: 'ok',
    status: init.exchange?.status ?? 200,
    depth: 0,
    attempt: 1,
    t: new Date(STARTED + seq * 1000 + 500).toISOString(),
    run: 1,
    seq,
    bytes: body.length,
    ...init.record,
  }
  const exchange: Exchange = {
    method: 'GET',
    url,
    requestHeaders: ['Host', new URL(url).host, 'User-Agent', 'test'],
    status: 200,
    statusText: 'OK',
    rawHeaders: ['Content-Type', 'text/html; charset=utf-8', 'Content-Length', String(body.length)],
    address: '192.0.2.7',
    startedAt: STARTED + seq * 1000,
    ...init.exchange,
  }
  const file = init.bodyFile === undefined ? {} : { bodyFile: init.bodyFile }
  return { record, json: JSON.stringify(record), dedupeKey: `key-${seq}`, body, exchange, ...file }
}
