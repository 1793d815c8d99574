import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CompressedFile } from '../../src/sink/compressed-file.ts'
import type { Compression } from '../../src/sink/compression.ts'
import { findProgram } from '../private-server.ts'
import { temporaryFolder } from './storages.ts'

const COMPRESSIONS = ['gzip', 'zstd'] as const
/** First bytes of a gzip member as it is written here, and of a zstd frame. */
const STARTS = { gzip: '1f8b0800000000000', zstd: '28b52ffd' } as const

async function inFile(
  compression: Compression,
  body: (open: (position?: Uint8Array) => CompressedFile, path: string, clock: { now: number }) => Promise<void>,
): Promise<void> {
  const folder = temporaryFolder()
  const path = join(folder.path, 'lines')
  const clock = { now: 0 }
  try {
    await body(
      (position) => {
        const now = (): number => clock.now
        const file = new CompressedFile({ path, compression, durability: 'kill', followLink: true, now })
        file.open(position, (text) => /^(line \d+\n)*(line \d*|lin?|)$/.test(text.toString()))
        return file
      },
      path,
      clock,
    )
  } finally {
    await folder.remove()
  }
}

function members(compression: Compression, path: string): number {
  return readFileSync(path).toString('hex').split(STARTS[compression]).length - 1
}

/** What the program that everybody has makes of the file; an incomplete one is an error. */
function unpackedBy(compression: Compression, path: string): string {
  return execFileSync(compression, ['-dc'], { input: readFileSync(path), stdio: ['pipe', 'pipe', 'ignore'] }).toString()
}

for (const compression of COMPRESSIONS) {
  const skip = findProgram(compression) === undefined ? `${compression} is not on this machine` : false

  test(`${compression}: batches share a member until a second has passed`, { skip }, async () => {
    await inFile(compression, async (open, path, clock) => {
      const file = open()
      let text = ''
      const sizes: number[] = []
      for (let batch = 0; batch < 40; batch++) {
        clock.now += 100
        text += `line ${batch}\n`
        await file.append(Buffer.from(`line ${batch}\n`))
        sizes.push(readFileSync(path).length)
      }
      assert.equal(members(compression, path), 4)
      assert.equal(new Set(sizes).size, 40, 'each batch is in the file when its write resolves')
      await file.close()
      assert.equal(unpackedBy(compression, path), text)
    })
  })

  test(`${compression}: a member that a death left open is ended before the next begins`, { skip }, async () => {
    await inFile(compression, async (open, path) => {
      const first = open()
      await first.append(Buffer.from('line 1\n'))
      const position = await first.append(Buffer.from('line 2\n'))
      await first.append(Buffer.from('line 3\n'))
      const second = open(position)
      await second.append(Buffer.from('line 4\n'))
      // It dies as well, before its first commit.
      const third = open(position)
      await third.append(Buffer.from('line 5\n'))
      await third.close()
      assert.equal(unpackedBy(compression, path), 'line 1\nline 2\nline 5\n')
      assert.equal(members(compression, path), 2)
    })
  })

  test(`${compression}: what others put behind an open or an ended member stops the job`, async () => {
    for (const isEnded of [true, false]) {
      for (const added of ['line 9\n', '\x1f\x8b not really', 'PK\x03\x04 and more']) {
        await inFile(compression, async (open, path) => {
          const file = open()
          const position = await file.append(Buffer.from('line 1\n'))
          if (isEnded) await file.close()
          appendFileSync(path, Buffer.from(added, 'latin1'))
          assert.throws(() => open(position), { code: 'SINK_CHANGED' }, `${isEnded} ${JSON.stringify(added)}`)
        })
      }
    }
  })

  test(`${compression}: after a power cut the tail may read as zeros, and is cut`, async () => {
    await inFile(compression, async (open, path) => {
      const file = open()
      const position = await file.append(Buffer.from('line 1\n'))
      appendFileSync(path, Buffer.alloc(5000))
      const again = open(position)
      await again.append(Buffer.from('line 2\n'))
      await again.close()
      assert.ok(readFileSync(path).length < 200)
    })
  })
}
