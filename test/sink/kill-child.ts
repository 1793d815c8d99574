/**
 * A job of one sink: settles numbered records for ever and keeps position and number in `commit.json`, renamed into
 * place as the frontier's commit would be. Its parent kills it at any instant.
 */
import { existsSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { records } from '../../src/testing/sink-suite.ts'
import { itemStorageIn, type ItemStorageKind, type StorageKind, storageIn } from './storages.ts'

const [kind = '', folder = '', size = '', content = ''] = process.argv.slice(2)
const commit = join(folder, 'commit.json')
const last = existsSync(commit)
  ? (JSON.parse(readFileSync(commit, 'utf8')) as { seq: number; position: string | null })
  : { seq: 0, position: null }

const hasItems = content === 'items'
const target = hasItems
  ? itemStorageIn(kind as ItemStorageKind, folder)
  : storageIn(kind as StorageKind, folder, 'kill')
const sink = target.sink()
const items = hasItems ? { columns: undefined } : undefined
const job = { name: 'job', id: 'job', run: 1, committedSeq: last.seq, columns: ['note'], items }
await sink.open(job, last.position === null ? undefined : Buffer.from(last.position, 'base64'))
let { seq } = last

function settle(position: Uint8Array | undefined): void {
  const text = position === undefined ? null : Buffer.from(position).toString('base64')
  writeFileSync(`${commit}.new`, JSON.stringify({ seq, position: text }))
  renameSync(`${commit}.new`, commit)
}

/** The parent counts them; one that finds its pipe full is not needed. */
function dot(): void {
  try {
    writeSync(1, '.')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
  }
}

if (last.position === null) settle(sink.position?.())
for (;;) {
  dot()
  const batch = records(seq + 1, Number(size))
  const position = await sink.write(batch)
  dot()
  seq += batch.length
  settle(position)
}
