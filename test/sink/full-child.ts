/** Writes to a sink until the disk is full, then reports the code and what is stored after the next open. */
import { records } from '../../src/testing/sink-suite.ts'
import { type StorageKind, storageIn } from './storages.ts'

const [kind = '', folder = ''] = process.argv.slice(2)
const target = storageIn(kind as StorageKind, `${folder}/${kind}`, 'kill')
const job = { name: 'job', id: 'job', run: 1, columns: ['note'] }
const sink = target.sink()
await sink.open({ ...job, committedSeq: 0 }, undefined)
let position = sink.position?.()
let committed = 0
let code: unknown
while (code === undefined) {
  try {
    // About 20 kB a batch, so that the limit falls into the middle of one.
    position = await sink.write(records(committed + 1, 20, String(Math.random()).repeat(50)))
    committed += 20
  } catch (error) {
    code = (error as { code?: unknown }).code
  }
}
await sink.close()
// A torn tail would show in the gzip file at once.
const atOnce = (await target.rows()).length
const again = target.sink()
await again.open({ ...job, committedSeq: committed }, position)
await again.close()
process.stdout.write(JSON.stringify({ code, committed, atOnce, stored: (await target.rows()).length }))
