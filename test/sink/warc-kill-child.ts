/**
 * A job of one archive: stores pages for ever, some of them repeats, some spooled, in small files; keeps its position in
 * `commit.json`, renamed into place as the frontier's commit would be. Its parent kills it at any instant.
 */
import { existsSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { SinkRecord } from '../../src/sink/sink.ts'
import { warcSink } from '../../src/sink/warc.ts'
import { bodyOf, ROTATE_BYTES } from './warc-kills.ts'
import { JOB, page } from './exchanges.ts'

const [folder = '', size = ''] = process.argv.slice(2)
const commit = join(folder, 'commit.json')
const last = existsSync(commit)
  ? (JSON.parse(readFileSync(commit, 'utf8')) as { seq: number; position: string })
  : { seq: 0, position: '' }

const sink = warcSink({ path: join(folder, 'archive', 'pages.warc.gz'), rotateBytes: ROTATE_BYTES })
await sink.open(
  { ...JOB, committedSeq: last.seq },
  last.position === '' ? undefined : Buffer.from(last.position, 'base64'),
)
let { seq } = last

function settle(position: Uint8Array | undefined): void {
  const text = Buffer.from(position ?? []).toString('base64')
  writeFileSync(`${commit}.new`, JSON.stringify({ seq, position: text }))
  renameSync(`${commit}.new`, commit)
}

function settled(number: number): SinkRecord {
  const body = bodyOf(number)
  if (number % 17 !== 0) return page(number, { body })
  const bodyFile = join(folder, `spool-${number % 170}`)
  writeFileSync(bodyFile, body)
  return page(number, { body: Buffer.alloc(0), bodyFile, record: { bytes: body.length } })
}

if (last.position === '') settle(sink.position?.())
for (;;) {
  writeSync(1, '.')
  const position = await sink.write(Array.from({ length: Number(size) }, (_, i) => settled(seq + 1 + i)))
  writeSync(1, '.')
  seq += Number(size)
  settle(position)
}
