/** WARC files through a reader that shares no code with ours (warcio): every record, with its digests recomputed. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

export interface IndependentRecord {
  readonly type: string
  readonly header: (name: string) => string | undefined
  /** Status line or request line; undefined for records without HTTP. */
  readonly startLine: string | undefined
  readonly httpHeaders: readonly (readonly [string, string])[]
  /** Content behind the HTTP head. */
  readonly content: Buffer
}

/** Reads a file to its end and asserts that each record is whole and that both digests are right. */
export async function readWithWarcio(path: string): Promise<IndependentRecord[]> {
  // The package is large: only what reads archives loads it.
  const { WARCParser } = await import('warcio')
  const parser = new WARCParser(createReadStream(path), { keepHeadersCase: true, parseHttp: false })
  const records: IndependentRecord[] = []
  for await (const record of parser) {
    const block = Buffer.from(await record.readFully(false))
    const header = (name: string): string | undefined => record.warcHeaders.headers.get(name) ?? undefined
    assert.equal(block.length, Number(header('Content-Length')), 'the record is shorter than it says')
    assert.equal(header('WARC-Block-Digest'), label(block))
    const isHttp = header('Content-Type')?.startsWith('application/http') === true
    const end = isHttp ? block.indexOf('\r\n\r\n') + 4 : 0
    const [startLine, ...lines] = block
      .subarray(0, Math.max(0, end - 4))
      .toString('latin1')
      .split('\r\n')
    const content = block.subarray(end)
    const payload = header('WARC-Payload-Digest')
    if (payload !== undefined && header('WARC-Type') !== 'revisit') assert.equal(payload, label(content))
    records.push({
      type: header('WARC-Type') ?? '',
      header,
      startLine: isHttp ? startLine : undefined,
      httpHeaders: lines.map((line): [string, string] => {
        const colon = line.indexOf(': ')
        return [line.slice(0, colon), line.slice(colon + 2)]
      }),
      content,
    })
  }
  return records
}

/** Base32 written by another way than the project's: through a number. */
function label(bytes: Uint8Array): string {
  const digits = BigInt(`0x${createHash('sha1').update(bytes).digest('hex')}`)
    .toString(32)
    .padStart(32, '0')
  const base32 = [...digits].map((digit) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(digit, 32)])
  return `sha1:${base32.join('')}`
}
