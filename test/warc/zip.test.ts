import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readZipPlaces } from '../../src/warc/zip-reader.ts'
import { type ZipFile, zipPieces } from '../../src/warc/zip-writer.ts'
import { temporaryFolder } from '../sink/storages.ts'

const PIECE = Buffer.alloc(16 * 1024 * 1024)

function zeros(name: string, size: number): ZipFile {
  const content = async function* (): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left)
  }
  return { name, size, crc: 0, content }
}

/** Writes an archive whose zeros are holes of the file. */
async function writeSparse(path: string, files: readonly ZipFile[]): Promise<void> {
  const file = openSync(path, 'w')
  let at = 0
  for await (const piece of zipPieces(files, 0)) {
    if (piece.buffer !== PIECE.buffer) writeSync(file, piece, 0, piece.length, at)
    at += piece.length
  }
  ftruncateSync(file, at)
  closeSync(file)
}

test('files, sizes and offsets beyond 4 GiB, and more than 65,535 files, are found again', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'a.zip')
  const large = 2 ** 32 + 5
  await writeSparse(path, [zeros('first', 10), zeros('large', large), zeros('behind/ä', 7)])
  const places = await readZipPlaces(path)
  assert.deepEqual(
    places.map(({ name, length, isStored }) => [name, length, isStored]),
    [
      ['first', 10, true],
      ['large', large, true],
      ['behind/ä', 7, true],
    ],
  )
  assert.ok((places[2]?.offset ?? 0) > 2 ** 32)
  await writeSparse(
    path,
    Array.from({ length: 65_600 }, (_, i) => zeros(`f${i}`, 0)),
  )
  const many = await readZipPlaces(path)
  assert.deepEqual([many.length, many.at(-1)?.name], [65_600, 'f65599'])
  await folder.remove()
})

test('an archive that is cut off anywhere is refused', async () => {
  const folder = temporaryFolder()
  const path = join(folder.path, 'a.zip')
  const pieces: Uint8Array[] = []
  for await (const piece of zipPieces([zeros('a', 3), zeros('b', 4)], 0)) pieces.push(piece)
  const whole = Buffer.concat(pieces)
  for (let length = 0; length < whole.length; length++) {
    const file = openSync(path, 'w')
    writeSync(file, whole, 0, length)
    closeSync(file)
    await assert.rejects(readZipPlaces(path), { code: 'INPUT_UNREADABLE' }, `cut at ${length}`)
  }
  await folder.remove()
})
